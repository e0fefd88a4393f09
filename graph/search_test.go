package graph

import (
	"math/rand/v2"
	"slices"
	"testing"
)

// everySecond hides the even slots.
type everySecond struct{}

func (everySecond) Mask(dst []bool, slots []Slot) {
	for i, slot := range slots {
		dst[i] = slot%2 == 0
	}
}

// allHidden hides all.
type allHidden struct{}

func (allHidden) Mask(dst []bool, slots []Slot) {
	for i := range slots {
		dst[i] = true
	}
}

func built(t testing.TB, n int) (*Builder, *cloud) {
	c := clustered(rand.New(rand.NewPCG(9, 9)), n, 8, 10, 0.4)
	p := testParams(8, 60)
	b := newBuilder(t, p, c)
	b.Add(placed(0, n, p.M))
	drain(t, b)
	return b, c
}

// TestBeamExact: with ef as large as the graph a beam is an exact scan, in order.
func TestBeamExact(t *testing.T) {
	const n = 500
	b, c := built(t, n)
	query := c.row(17)
	points := &cloudPoints{cloud: c, origin: query}
	var s Search
	entry := s.Descend(b, points, b.roots[len(b.roots)-1], len(b.roots)-1, 1)
	got := s.Beam(b, points, []Neighbor{entry, entry}, 0, Plain(n), nil)
	if want := c.nearest(query, numbers(n), n); !slices.Equal(got, want) {
		t.Fatal("not the exact order")
	}
}

func TestBeamMask(t *testing.T) {
	const n = 500
	b, c := built(t, n)
	query := c.row(17)
	points := &cloudPoints{cloud: c, origin: query}
	odd := func(yield func(Slot) bool) {
		for i := 1; i < n && yield(Slot(i)); i += 2 {
		}
	}
	var s Search
	entry := s.Descend(b, points, b.roots[0], 0, 0)
	for _, ef := range []int{1, 10, n/2 - 1, n / 2, n} {
		got := s.Beam(b, points, []Neighbor{entry}, 0, Plain(ef), everySecond{})
		want := c.nearest(query, odd, ef)
		if ef >= 10 && !slices.Equal(got, want) || len(got) != len(want) {
			t.Errorf("ef %d: %v, want %v", ef, got, want)
		}
	}
	if got := s.Beam(b, points, []Neighbor{entry}, 0, Plain(5), allHidden{}); len(got) != 0 {
		t.Errorf("all are hidden, found %v", got)
	}
	if got := s.Beam(b, points, nil, 0, Plain(5), nil); len(got) != 0 {
		t.Errorf("without an entry found %v", got)
	}
}

// TestDescend: with from below to it measures the entry and stays.
func TestDescend(t *testing.T) {
	b, c := built(t, 500)
	points := &cloudPoints{cloud: c, origin: c.row(17)}
	var s Search
	if got := s.Descend(b, points, 3, 0, 1); got != (Neighbor{3, squared(c.row(17), c.row(3))}) || s.Hops != 0 || s.Distances != 1 {
		t.Errorf("got %v in %d hops", got, s.Hops)
	}
	if got := s.Descend(b, points, 17, 0, 0); got.Slot != 17 {
		t.Errorf("left the nearest for %v", got)
	}
}

// TestSearchAllocations: a search that has been used before allocates nothing.
func TestSearchAllocations(t *testing.T) {
	b, c := built(t, 2000)
	points := &cloudPoints{cloud: c, origin: c.row(17)}
	var s Search
	entries := make([]Neighbor, 1)
	run := func() {
		entries[0] = s.Descend(b, points, b.roots[len(b.roots)-1], len(b.roots)-1, 1)
		s.Beam(b, points, entries, 0, Plain(64), nil)
		s.Beam(b, points, entries, 0, Plain(64), everySecond{})
	}
	run()
	if n := testing.AllocsPerRun(100, run); n > 0 {
		t.Errorf("%v allocations", n)
	}
}

// TestPool compares the pool with sorting.
func TestPool(t *testing.T) {
	r := rand.New(rand.NewPCG(8, 8))
	for range 2000 {
		var p pool
		ef := 1 + r.IntN(8)
		o := order{}
		if r.IntN(2) == 0 {
			o = around(Slot(r.IntN(50)))
		}
		p.reset(o, Plain(ef))
		var all []Neighbor
		shut := map[Slot]bool{}
		for slot := range Slot(r.IntN(40)) {
			n := Neighbor{slot, float32(r.IntN(6))}
			var mark uint8
			if r.IntN(3) == 0 {
				mark, shut[slot] = hidden, true
			}
			all = append(all, n)
			if p.refuses(n.Distance) {
				continue
			}
			if at := p.insert(n, mark); at >= 0 && p.near[at] != n {
				t.Fatal("wrong place")
			}
		}
		slices.SortFunc(all, o.compare)
		open, end := 0, 0
		for end < len(all) && open < ef {
			if !shut[all[end].Slot] {
				open++
			}
			end++
		}
		if open < ef {
			end = len(all)
		}
		if !slices.Equal(p.near, all[:end]) {
			t.Fatalf("pool %v, want %v", p.near, all[:end])
		}
	}
}

func TestVisited(t *testing.T) {
	var v visited
	r := rand.New(rand.NewPCG(1, 2))
	for range 20 {
		seen := map[Slot]bool{}
		for range 200 {
			slot := Slot(r.IntN(1 << r.IntN(20)))
			if v.add(slot) == seen[slot] {
				t.Fatalf("slot %d", slot)
			}
			seen[slot] = true
		}
		v.reset()
	}
}

func TestLevel(t *testing.T) {
	const n, m = 100000, 16
	var at [MaxLevel + 2]int
	for i := range n {
		key := []byte{byte(i), byte(i >> 8), byte(i >> 16), 'k', 'e', 'y', 's', 'x', 'y', 'z'}[:3+i%8]
		at[Level(42, key, m)]++
	}
	above := 0
	for level := MaxLevel; level > 0; level-- {
		above += at[level]
		want := float64(n)
		for range level {
			want /= m
		}
		if float64(above) > 1.25*want+5 || float64(above) < 0.8*want-5 {
			t.Errorf("%d slots on level %d or above, want about %.0f", above, level, want)
		}
	}
	// What has been drawn is in files: it must not change.
	for _, golden := range []struct {
		key  string
		m    int
		want uint8
	}{{"", 2, 4}, {"a", 2, 0}, {"hannoy", 2, 0}, {"a longer key", 2, 1}} {
		if got := Level(1, []byte(golden.key), golden.m); got != golden.want {
			t.Errorf("level of %q is %d, want %d", golden.key, got, golden.want)
		}
	}
}

func BenchmarkBeam(b *testing.B) {
	g, c := built(b, 20000)
	points := &cloudPoints{cloud: c, origin: c.row(17)}
	var s Search
	entries := make([]Neighbor, 1)
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		points.origin = c.row(Slot(i % 20000))
		entries[0] = s.Descend(g, points, g.roots[len(g.roots)-1], len(g.roots)-1, 1)
		s.Beam(g, points, entries, 0, Plain(64), nil)
	}
	b.ReportMetric(float64(s.Distances)/float64(b.N), "distances/op")
}
