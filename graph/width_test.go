package graph

import (
	"context"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// TestElasticPool compares an elastic pool with what its width says of all that came.
func TestElasticPool(t *testing.T) {
	r := rand.New(rand.NewPCG(8, 9))
	for range 3000 {
		w := Width{K: 1 + r.IntN(4), Slack: 1 + r.Float32()}
		w.Least = w.K + r.IntN(4)
		w.Most = w.Least + r.IntN(8)
		var p pool
		p.reset(order{}, w)
		var all []Neighbor
		shut := map[Slot]bool{}
		for slot := range Slot(r.IntN(60)) {
			n := Neighbor{slot, float32(r.IntN(20))}
			var mark uint8
			if r.IntN(4) == 0 {
				mark, shut[slot] = hidden, true
			}
			all = append(all, n)
			if !p.refuses(n.Distance) {
				p.insert(n, mark)
			}
		}
		slices.SortFunc(all, p.compare)
		var open []Neighbor
		for _, n := range all {
			if !shut[n.Slot] {
				open = append(open, n)
			}
		}
		want := all
		if len(open) >= w.Least {
			limit := max(open[w.Least-1].Distance, w.Slack*open[w.K-1].Distance)
			want = slices.DeleteFunc(want, func(n Neighbor) bool { return n.Distance > limit })
			if last := w.Most - 1; last < len(open) && open[last].Distance <= limit {
				want = want[:slices.Index(want, open[last])+1]
			}
		}
		got := slices.Clone(p.near)
		if len(open) >= w.Most { // of hidden ones as far as the last open one it may keep fewer
			last := got[len(got)-1].Distance
			same := func(n Neighbor) bool { return shut[n.Slot] && n.Distance == last }
			got, want = slices.DeleteFunc(got, same), slices.DeleteFunc(want, same)
		}
		if !slices.Equal(got, want) {
			t.Fatalf("width %+v: pool %v, want %v of %v, hidden %v", w, got, want, all, shut)
		}
	}
}

func TestWidths(t *testing.T) {
	for _, w := range []Width{Elastic(10, 64, 20, 0), Elastic(10, 10, 20, .1), Elastic(10, 5, 20, .1)} {
		if w.Slack != 1 || w.Least != w.Most || w.K != w.Least {
			t.Errorf("%+v is not plain", w)
		}
	}
	w := Elastic(10, 160, 20, .1)
	if slack := math.Pow(16, .125); w.K != 10 || w.Least != 40 || w.Most != 640 || math.Abs(float64(w.Slack)-slack) > 1e-6 {
		t.Errorf("%+v, want a slack of %v", w, slack)
	}
	if w := Elastic(100, 120, 200, .1); w.Least != 120 || w.Most != 480 {
		t.Errorf("%+v keeps at least 120, whatever is wanted at least", w)
	}
}

// TestSpread: the power is that of the cloud's dimension, and no matter of threads.
func TestSpread(t *testing.T) {
	const n, dims = 3000, 4
	c := clustered(rand.New(rand.NewPCG(3, 4)), n, dims, 1, 1)
	var last float32
	for _, threads := range []int{1, 2, 3} {
		p := testParams(8, 60)
		p.Threads = threads
		b := newBuilder(t, p, c)
		b.Add(placed(0, SpreadLeast-1, p.M))
		drain(t, b)
		if s, err := b.Spread(context.Background(), n); s != 0 || err != nil {
			t.Fatalf("%v, %v for too few slots", s, err)
		}
		b.Add(placed(SpreadLeast-1, n, p.M))
		drain(t, b)
		s, err := b.Spread(context.Background(), n)
		// Squared distances in such a cloud grow like r^(2/dims); the tenth around which
		// they grow least is below that.
		if err != nil || s < .25 || s > 2./dims || last != 0 && s != last {
			t.Errorf("%d threads: spread %v, error %v; before %v", threads, s, err, last)
		}
		last = s
		cancelled, cancel := context.WithCancel(context.Background())
		cancel()
		if _, err := b.Spread(cancelled, n); err == nil {
			t.Error("cancelled, and no error")
		}
	}
}

// TestElasticWork: at the same ef an elastic beam finds as many for about the same work.
// (In so small a cloud there is nothing to gain.)
func TestElasticWork(t *testing.T) {
	const n, queries, dims = 3000, 200, 16
	r := rand.New(rand.NewPCG(5, 6))
	uneven := clustered(r, n+queries, dims, 1, 1)
	for slot := range Slot(n + queries) { // easy and hard queries: the density differs from place to place
		scale := float32(math.Exp(r.NormFloat64()))
		for d := range uneven.row(slot) {
			uneven.row(slot)[d] *= scale
		}
	}
	for _, c := range []struct {
		name  string
		cloud *cloud
	}{
		{"uneven", uneven},
		{"clusters of 20", clustered(r, n+queries, 3*dims, n/20, .3)}, // with a leap between the ranks that the spread is taken at
		{"clusters of 60", clustered(r, n+queries, 3*dims, n/60, .3)},
	} {
		t.Run(c.name, func(t *testing.T) { testElasticWork(t, c.cloud, n) })
	}
}

func testElasticWork(t *testing.T, c *cloud, n int) {
	const k, ef = 10, 60
	p := testParams(8, 60)
	b := newBuilder(t, p, c)
	b.Add(placed(0, n, p.M))
	drain(t, b)
	spread, err := b.Spread(context.Background(), Slot(n))
	if err != nil || spread == 0 || spread > .25 { // beyond .25 it would be that of the leaps
		t.Fatalf("spread %v, error %v", spread, err)
	}
	run := func(w Width) (found int, s Search) {
		for q := n; q < len(c.rows)/c.dims; q++ {
			points := &cloudPoints{cloud: c, origin: c.row(Slot(q))}
			entry := s.Descend(b, points, b.roots[len(b.roots)-1], len(b.roots)-1, 1)
			got := s.Beam(b, points, []Neighbor{entry}, 0, w, nil)
			for _, want := range c.nearest(c.row(Slot(q)), numbers(n), k) {
				if slices.Contains(got[:k], want) {
					found++
				}
			}
		}
		return found, s
	}
	plain, a := run(Plain(ef))
	elastic, e := run(Elastic(k, ef, k, spread))
	t.Logf("spread %v; plain: %d found, %d distances; elastic: %d, %d", spread, plain, a.Distances, elastic, e.Distances)
	if elastic < plain-20 || e.Distances > a.Distances*11/10 {
		t.Errorf("elastic: %d found, %d distances; plain: %d, %d", elastic, e.Distances, plain, a.Distances)
	}
}
