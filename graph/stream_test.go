package graph

import (
	"math/rand/v2"
	"slices"
	"testing"
)

// begun is a search that has begun a stream from the query.
func begun(b *Builder, sp Space) *Search {
	var s Search
	top := len(b.roots) - 1
	s.Begin([]Neighbor{s.Descend(b, sp, b.roots[top], top, 1)}, nil)
	return &s
}

// A stream as wide as the graph hands over all slots in their exact order, however many at
// a time are taken; one that widens as it goes hands over all of them once.
func TestStreamHandsOverAll(t *testing.T) {
	const n = 3000
	b, c := built(t, n)
	r := rand.New(rand.NewPCG(1, 2))
	for q := range Slot(5) {
		points := &cloudPoints{cloud: c, origin: c.row(q * 101)}
		exact := c.nearest(points.origin, numbers(n), n)
		for _, ahead := range []int{1, 20, n} {
			s := begun(b, points)
			var all []Neighbor
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
			slices.SortFunc(all, order{}.compare)
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
	b, c := built(t, n)
	var narrow, wide uint64
	var whole Search
	for q := range Slot(50) {
		points := &cloudPoints{cloud: c, origin: c.row(q * 31)}
		s := begun(b, points)
		before := s.Distances
		got := slices.Clone(s.More(b, points, ef, ef))
		narrow += s.Distances - before
		top := len(b.roots) - 1
		entry := whole.Descend(b, points, b.roots[top], top, 1)
		if want := whole.Beam(b, points, []Neighbor{entry}, 0, Plain(ef), nil); overlap(got, want) < ef*9/10 {
			t.Errorf("query %d: of the %d slots of a beam a stream has %d", q, ef, overlap(got, want))
		}
		got = append(got, s.More(b, points, wider, wider)...)
		wide += s.Distances - before
		if found := overlap(got, c.nearest(points.origin, numbers(n), wider)); found < wider*9/10 {
			t.Errorf("query %d: %d of the %d nearest", q, found, wider)
		}
	}
	if cost := whole.Distances; float64(narrow) > 1.1*float64(cost) {
		t.Errorf("%d distances, beams of the same width took %d", narrow, cost)
	}
	whole.Distances = 0
	for q := range Slot(50) {
		points := &cloudPoints{cloud: c, origin: c.row(q * 31)}
		top := len(b.roots) - 1
		whole.Beam(b, points, []Neighbor{whole.Descend(b, points, b.roots[top], top, 1)}, 0, Plain(wider), nil)
	}
	if cost := whole.Distances; float64(wide) > 1.1*float64(cost) {
		t.Errorf("%d distances in two steps, beams of the last width took %d", wide, cost)
	}
}

// A stream over the members of a filter hands over those alone, each once and the nearest
// first, beside the entries.
func TestFilteredStream(t *testing.T) {
	const n, k = 3000, 20
	b, c := built(t, n)
	f, members := filterOf(n, func(slot Slot) bool { return slot%4 == 0 })
	found := 0
	for q := range Slot(20) {
		points := &cloudPoints{cloud: c, origin: c.row(q*31 + 1)}
		var s Search
		entries := []Neighbor{s.Descend(b, points, b.roots[len(b.roots)-1], len(b.roots)-1, 1)}
		var distances [3]float32
		points.Distances(distances[:], f.Sample()[:3])
		for i, d := range distances {
			entries = append(entries, Neighbor{f.Sample()[i], d})
		}
		s.Begin(entries, f)
		var all []Neighbor
		for got := s.More(b, points, 2*k, 5); len(got) > 0; got = s.More(b, points, len(all)+2*k, 5) {
			all = append(all, got...)
		}
		all = slices.DeleteFunc(all, func(n Neighbor) bool { return n == entries[0] && !f.Has(n.Slot) })
		exact := c.nearest(points.origin, slices.Values(members), len(members))
		found += overlap(all[:k], exact[:k])
		slices.SortFunc(all, order{}.compare)
		if !slices.Equal(all, exact) {
			t.Errorf("query %d: %d slots handed over, want each of %d members once", q, len(all), len(members))
		}
	}
	if found < 20*k*19/20 {
		t.Errorf("%d of the first %d are the nearest", found, 20*k)
	}
}

func overlap(a, b []Neighbor) (n int) {
	for _, x := range a {
		if slices.Contains(b, x) {
			n++
		}
	}
	return n
}
