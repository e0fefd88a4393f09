package graph_test

import (
	"context"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/hannoydb/hannoy/graph"
	"github.com/hannoydb/hannoy/graph/graphtest"
)

func TestWidths(t *testing.T) {
	for _, w := range []graph.Width{graph.Elastic(10, 64, 20, 0), graph.Elastic(10, 10, 20, .1), graph.Elastic(10, 5, 20, .1)} {
		if w.Slack != 1 || w.Least != w.Most || w.K != w.Least {
			t.Errorf("%+v is not plain", w)
		}
	}
	w := graph.Elastic(10, 160, 20, .1)
	if slack := math.Pow(16, .125); w.K != 10 || w.Least != 40 || w.Most != 640 || math.Abs(float64(w.Slack)-slack) > 1e-6 {
		t.Errorf("%+v, want a slack of %v", w, slack)
	}
	if w := graph.Elastic(100, 120, 200, .1); w.Least != 120 || w.Most != 480 {
		t.Errorf("%+v keeps at least 120, whatever is wanted at least", w)
	}
}

// TestElasticWork: at the same ef an elastic beam finds as many for about the same work.
// (In so small a cloud there is nothing to gain.)
func TestElasticWork(t *testing.T) {
	const n, queries, dims = 3000, 200, 16
	r := rand.New(rand.NewPCG(5, 6))
	uneven := graphtest.Clustered(r, n+queries, dims, 1, 1)
	for slot := range graph.Slot(n + queries) { // easy and hard queries: the density differs from place to place
		scale := float32(math.Exp(r.NormFloat64()))
		for d := range uneven.Row(slot) {
			uneven.Row(slot)[d] *= scale
		}
	}
	for _, c := range []struct {
		name  string
		cloud *graphtest.Cloud
	}{
		{"uneven", uneven},
		{"clusters of 20", graphtest.Clustered(r, n+queries, 3*dims, n/20, .3)}, // with a leap between the ranks that the spread is taken at
		{"clusters of 60", graphtest.Clustered(r, n+queries, 3*dims, n/60, .3)},
	} {
		t.Run(c.name, func(t *testing.T) { testElasticWork(t, c.cloud, n) })
	}
}

func testElasticWork(t *testing.T, c *graphtest.Cloud, n int) {
	const k, ef = 10, 60
	p := graphtest.Params(8, 60)
	b := graphtest.NewBuilder(t, p, c)
	b.Add(graphtest.Placed(0, n, p.M))
	graphtest.Drain(t, b)
	spread, err := b.Spread(context.Background(), graph.Slot(n))
	if err != nil || spread == 0 || spread > .25 { // beyond .25 it would be that of the leaps
		t.Fatalf("spread %v, error %v", spread, err)
	}
	run := func(w graph.Width) (found int, s graph.Search) {
		for q := n; q < len(c.Rows)/c.Dims; q++ {
			points := &graphtest.Points{Cloud: c, Origin: c.Row(graph.Slot(q))}
			entry := s.Descend(b, points, b.Roots()[len(b.Roots())-1], len(b.Roots())-1, 1)
			got := s.Beam(b, points, []graph.Neighbor{entry}, 0, w, nil)
			for _, want := range c.Nearest(c.Row(graph.Slot(q)), graphtest.Numbers(n), k) {
				if slices.Contains(got[:k], want) {
					found++
				}
			}
		}
		return found, s
	}
	plain, a := run(graph.Plain(ef))
	elastic, e := run(graph.Elastic(k, ef, k, spread))
	t.Logf("spread %v; plain: %d found, %d distances; elastic: %d, %d", spread, plain, a.Distances, elastic, e.Distances)
	if elastic < plain-20 || e.Distances > a.Distances*11/10 {
		t.Errorf("elastic: %d found, %d distances; plain: %d, %d", elastic, e.Distances, plain, a.Distances)
	}
}
