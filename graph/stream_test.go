package graph_test

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/hannoydb/hannoy/graph"
	"github.com/hannoydb/hannoy/graph/graphtest"
	"github.com/hannoydb/hannoy/graph/linking"
)

// begun is a search that has begun a stream from the query.
func begun(b *linking.Builder, sp graph.Space) *graph.Search {
	var s graph.Search
	top := len(b.Roots()) - 1
	s.Begin([]graph.Neighbor{s.Descend(b, sp, b.Roots()[top], top, 1)}, nil)
	return &s
}

// A stream as wide as the graph hands over all slots in their exact order, however many at
// a time are taken; one that widens as it goes hands over all of them once.
func TestStreamHandsOverAll(t *testing.T) {
	const n = 3000
	b, c := graphtest.Built(t, n)
	r := rand.New(rand.NewPCG(1, 2))
	for q := range graph.Slot(5) {
		points := &graphtest.Points{Cloud: c, Origin: c.Row(q * 101)}
		exact := c.Nearest(points.Origin, graphtest.Numbers(n), n)
		for _, ahead := range []int{1, 20, n} {
			s := begun(b, points)
			var all []graph.Neighbor
			for {
				got := s.More(b, points, len(all)+ahead, 1+r.IntN(7))
				if len(got) == 0 {
					break
				}
				all = append(all, got...)
			}
			if ahead == n && !slices.Equal(all, exact) {
				t.Errorf("query %d: a stream as wide as the graph is not in exact order", q)
			}
			slices.SortFunc(all, graph.Order{}.Compare)
			if !slices.Equal(all, exact) {
				t.Errorf("query %d, %d ahead: %d slots handed over, want each of %d once", q, ahead, len(all), n)
			}
		}
	}
}

// Up to its width a stream walks and finds what a beam of that width does, and goes on
// from there: beyond, it costs no more than a wider beam from the start.
func TestStreamGoesOn(t *testing.T) {
	const n, ef, wider = 3000, 50, 200
	b, c := graphtest.Built(t, n)
	var narrow, wide uint64
	var whole graph.Search
	for q := range graph.Slot(50) {
		points := &graphtest.Points{Cloud: c, Origin: c.Row(q * 31)}
		s := begun(b, points)
		before := s.Distances
		got := slices.Clone(s.More(b, points, ef, ef))
		narrow += s.Distances - before
		top := len(b.Roots()) - 1
		entry := whole.Descend(b, points, b.Roots()[top], top, 1)
		if want := whole.Beam(b, points, []graph.Neighbor{entry}, 0, graph.Plain(ef), nil); overlap(got, want) < ef*9/10 {
			t.Errorf("query %d: of the %d slots of a beam a stream has %d", q, ef, overlap(got, want))
		}
		got = append(got, s.More(b, points, wider, wider)...)
		wide += s.Distances - before
		if found := overlap(got, c.Nearest(points.Origin, graphtest.Numbers(n), wider)); found < wider*9/10 {
			t.Errorf("query %d: %d of the %d nearest", q, found, wider)
		}
	}
	if cost := whole.Distances; float64(narrow) > 1.1*float64(cost) {
		t.Errorf("%d distances, beams of the same width took %d", narrow, cost)
	}
	whole.Distances = 0
	for q := range graph.Slot(50) {
		points := &graphtest.Points{Cloud: c, Origin: c.Row(q * 31)}
		top := len(b.Roots()) - 1
		whole.Beam(b, points, []graph.Neighbor{whole.Descend(b, points, b.Roots()[top], top, 1)}, 0, graph.Plain(wider), nil)
	}
	if cost := whole.Distances; float64(wide) > 1.1*float64(cost) {
		t.Errorf("%d distances in two steps, beams of the last width took %d", wide, cost)
	}
}

// A stream over the members of a filter hands over those alone, each once and the nearest
// first, beside the entries.
func TestFilteredStream(t *testing.T) {
	const n, k = 3000, 20
	b, c := graphtest.Built(t, n)
	f, members := filterOf(n, func(slot graph.Slot) bool { return slot%4 == 0 })
	found := 0
	for q := range graph.Slot(20) {
		points := &graphtest.Points{Cloud: c, Origin: c.Row(q*31 + 1)}
		var s graph.Search
		entries := []graph.Neighbor{s.Descend(b, points, b.Roots()[len(b.Roots())-1], len(b.Roots())-1, 1)}
		var distances [3]float32
		points.Distances(distances[:], f.Sample()[:3])
		for i, d := range distances {
			entries = append(entries, graph.Neighbor{Slot: f.Sample()[i], Distance: d})
		}
		s.Begin(entries, f)
		var all []graph.Neighbor
		for got := s.More(b, points, 2*k, 5); len(got) > 0; got = s.More(b, points, len(all)+2*k, 5) {
			all = append(all, got...)
		}
		all = slices.DeleteFunc(all, func(n graph.Neighbor) bool { return n == entries[0] && !f.Has(n.Slot) })
		exact := c.Nearest(points.Origin, slices.Values(members), len(members))
		found += overlap(all[:k], exact[:k])
		slices.SortFunc(all, graph.Order{}.Compare)
		if !slices.Equal(all, exact) {
			t.Errorf("query %d: %d slots handed over, want each of %d members once", q, len(all), len(members))
		}
	}
	if found < 20*k*19/20 {
		t.Errorf("%d of the first %d are the nearest", found, 20*k)
	}
}

func overlap(a, b []graph.Neighbor) (n int) {
	for _, x := range a {
		if slices.Contains(b, x) {
			n++
		}
	}
	return n
}
