package graph_test

import (
	"slices"
	"testing"

	"github.com/hannoydb/hannoy/graph"
	"github.com/hannoydb/hannoy/graph/graphtest"
)

// everySecond hides the even slots.
type everySecond struct{}

func (everySecond) Mask(dst []bool, slots []graph.Slot) {
	for i, slot := range slots {
		dst[i] = slot%2 == 0
	}
}

// allHidden hides all.
type allHidden struct{}

func (allHidden) Mask(dst []bool, slots []graph.Slot) {
	for i := range slots {
		dst[i] = true
	}
}

// TestBeamExact: with ef as large as the graph a beam is an exact scan, in order.
func TestBeamExact(t *testing.T) {
	const n = 500
	b, c := graphtest.Built(t, n)
	query := c.Row(17)
	points := &graphtest.Points{Cloud: c, Origin: query}
	var s graph.Search
	entry := s.Descend(b, points, b.Roots()[len(b.Roots())-1], len(b.Roots())-1, 1)
	got := s.Beam(b, points, []graph.Neighbor{entry, entry}, 0, graph.Plain(n), nil)
	if want := c.Nearest(query, graphtest.Numbers(n), n); !slices.Equal(got, want) {
		t.Fatal("not the exact order")
	}
}

func TestBeamMask(t *testing.T) {
	const n = 500
	b, c := graphtest.Built(t, n)
	query := c.Row(17)
	points := &graphtest.Points{Cloud: c, Origin: query}
	odd := func(yield func(graph.Slot) bool) {
		for i := 1; i < n && yield(graph.Slot(i)); i += 2 {
		}
	}
	var s graph.Search
	entry := s.Descend(b, points, b.Roots()[0], 0, 0)
	for _, ef := range []int{1, 10, n/2 - 1, n / 2, n} {
		got := s.Beam(b, points, []graph.Neighbor{entry}, 0, graph.Plain(ef), everySecond{})
		want := c.Nearest(query, odd, ef)
		if ef >= 10 && !slices.Equal(got, want) || len(got) != len(want) {
			t.Errorf("ef %d: %v, want %v", ef, got, want)
		}
	}
	if got := s.Beam(b, points, []graph.Neighbor{entry}, 0, graph.Plain(5), allHidden{}); len(got) != 0 {
		t.Errorf("all are hidden, found %v", got)
	}
	if got := s.Beam(b, points, nil, 0, graph.Plain(5), nil); len(got) != 0 {
		t.Errorf("without an entry found %v", got)
	}
}

// TestDescend: with from below to it measures the entry and stays.
func TestDescend(t *testing.T) {
	b, c := graphtest.Built(t, 500)
	points := &graphtest.Points{Cloud: c, Origin: c.Row(17)}
	var s graph.Search
	if got := s.Descend(b, points, 3, 0, 1); got != (graph.Neighbor{Slot: 3, Distance: graphtest.Squared(c.Row(17), c.Row(3))}) || s.Hops != 0 || s.Distances != 1 {
		t.Errorf("got %v in %d hops", got, s.Hops)
	}
	if got := s.Descend(b, points, 17, 0, 0); got.Slot != 17 {
		t.Errorf("left the nearest for %v", got)
	}
}

// TestSearchAllocations: a search that has been used before allocates nothing.
func TestSearchAllocations(t *testing.T) {
	b, c := graphtest.Built(t, 2000)
	points := &graphtest.Points{Cloud: c, Origin: c.Row(17)}
	var s graph.Search
	entries := make([]graph.Neighbor, 1)
	roots := b.Roots()
	run := func() {
		entries[0] = s.Descend(b, points, roots[len(roots)-1], len(roots)-1, 1)
		s.Beam(b, points, entries, 0, graph.Plain(64), nil)
		s.Beam(b, points, entries, 0, graph.Plain(64), everySecond{})
	}
	run()
	if n := testing.AllocsPerRun(100, run); n > 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkBeam(b *testing.B) {
	g, c := graphtest.Built(b, 20000)
	points := &graphtest.Points{Cloud: c, Origin: c.Row(17)}
	var s graph.Search
	entries := make([]graph.Neighbor, 1)
	roots := g.Roots()
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		points.Origin = c.Row(graph.Slot(i % 20000))
		entries[0] = s.Descend(g, points, roots[len(roots)-1], len(roots)-1, 1)
		s.Beam(g, points, entries, 0, graph.Plain(64), nil)
	}
	b.ReportMetric(float64(s.Distances)/float64(b.N), "distances/op")
}
