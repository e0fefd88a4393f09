package graph

import (
	"context"
	"iter"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"
)

// cloud is vectors in memory, by slot.
type cloud struct {
	dims int
	rows []float32
}

func (c *cloud) row(slot Slot) []float32 { return c.rows[int(slot)*c.dims:][:c.dims] }
func (c *cloud) len() int                { return len(c.rows) / c.dims }
func (c *cloud) points() Points          { return &cloudPoints{cloud: c} }

type cloudPoints struct {
	*cloud
	origin []float32
}

func (p *cloudPoints) MoveTo(slot Slot) { p.origin = p.row(slot) }

func (p *cloudPoints) Distances(dst []float32, slots []Slot) {
	for i, slot := range slots {
		dst[i] = squared(p.origin, p.row(slot))
	}
}

func squared(a, b []float32) float32 {
	b = b[:len(a)]
	var s0, s1, s2, s3 float32
	i := 0
	for ; i+4 <= len(a); i += 4 {
		d0, d1, d2, d3 := a[i]-b[i], a[i+1]-b[i+1], a[i+2]-b[i+2], a[i+3]-b[i+3]
		s0, s1, s2, s3 = s0+d0*d0, s1+d1*d1, s2+d2*d2, s3+d3*d3
	}
	for ; i < len(a); i++ {
		s0 += (a[i] - b[i]) * (a[i] - b[i])
	}
	return s0 + s1 + s2 + s3
}

// clustered draws n points around a number of centres.
func clustered(r *rand.Rand, n, dims, centres int, spread float64) *cloud {
	c := &cloud{dims: dims}
	middle := make([]float32, centres*dims)
	for i := range middle {
		middle[i] = float32(r.NormFloat64())
	}
	for range n {
		at := r.IntN(centres) * dims
		for d := range dims {
			c.rows = append(c.rows, middle[at+d]+float32(r.NormFloat64()*spread))
		}
	}
	return c
}

// nearest scans the slots for the k nearest to the query.
func (c *cloud) nearest(query []float32, slots iter.Seq[Slot], k int) []Neighbor {
	var all []Neighbor
	for slot := range slots {
		all = append(all, Neighbor{slot, squared(query, c.row(slot))})
	}
	slices.SortFunc(all, order{}.compare)
	return all[:min(k, len(all))]
}

// store is a committed graph in memory.
type store struct {
	lists [MaxLevel + 1]map[Slot][]Slot
	ranks map[Slot]uint32
}

func newStore() *store {
	s := &store{ranks: make(map[Slot]uint32)}
	for i := range s.lists {
		s.lists[i] = make(map[Slot][]Slot)
	}
	return s
}

func (s *store) AppendLinks(dst []Slot, slot Slot, level int) []Slot {
	return append(dst, s.lists[level][slot]...)
}
func (s *store) Rank(slot Slot) uint32 { return s.ranks[slot] }
func (s *store) Has(slot Slot, level int) bool {
	_, ok := s.lists[level][slot]
	return ok
}

// commit writes out what the builder has changed.
func (s *store) commit(b *Builder) {
	for level := range b.Levels() {
		for c := range b.Changed(level) {
			if c.Removed {
				delete(s.lists[level], c.Slot)
			} else {
				s.lists[level][c.Slot] = slices.Clone(c.Links)
			}
		}
	}
	for slot, rank := range b.Ranked() {
		if rank == 0 {
			delete(s.ranks, slot)
		} else {
			s.ranks[slot] = rank
		}
	}
}

func (s *store) equal(o *store) bool {
	for level := range s.lists {
		if !maps.EqualFunc(s.lists[level], o.lists[level], slices.Equal) {
			return false
		}
	}
	return maps.Equal(s.ranks, o.ranks)
}

func testParams(m, ef int) Params {
	return Params{M: m, M0: 2 * m, EfConstruction: ef, Alpha: 1.1, Seed: 7, Threads: 1}
}

func placed(from, to int, m int) []Placed {
	var p []Placed
	for i := from; i < to; i++ {
		p = append(p, place(Slot(i), m))
	}
	return p
}

func place(slot Slot, m int) Placed {
	return Placed{slot, Level(1, []byte{byte(slot), byte(slot >> 8), byte(slot >> 16)}, m)}
}

func numbers(n int) iter.Seq[Slot] {
	return func(yield func(Slot) bool) {
		for i := range n {
			if !yield(Slot(i)) {
				return
			}
		}
	}
}

func newBuilder(t testing.TB, p Params, c *cloud) *Builder {
	t.Helper()
	b, err := NewBuilder(p, nil, nil, 1, 0, c.points)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// drain links all that is queued.
func drain(t testing.TB, b *Builder) (rounds int) {
	t.Helper()
	for b.Queued() > 0 {
		if _, err := b.Round(context.Background()); err != nil {
			t.Fatal(err)
		}
		rounds++
	}
	return rounds
}

func mustCheck(t testing.TB, v View, slots iter.Seq[Slot], roots []Slot, p Params) *Report {
	t.Helper()
	r, err := Check(context.Background(), v, slots, roots, p)
	if err != nil {
		t.Fatal(err)
	}
	if !r.Sound() {
		t.Fatalf("graph is not sound: %v\nfirst: %v", r.Counts, r.Problems[0])
	}
	return r
}

// recall is the share of the true k nearest that searches with ef find.
func recall(b View, roots []Slot, c *cloud, queries *cloud, live []Slot, k, ef int) (float64, float64) {
	var s Search
	hits, all := 0, 0
	for q := range queries.len() {
		query := queries.row(Slot(q))
		truth := c.nearest(query, slices.Values(live), k)
		p := &cloudPoints{cloud: c, origin: query}
		top := len(roots) - 1
		entry := s.Descend(b, p, roots[top], top, 1)
		got := s.Beam(b, p, []Neighbor{entry}, 0, Plain(ef), nil)
		limit := truth[len(truth)-1].Distance
		for _, n := range got[:min(k, len(got))] {
			if n.Distance <= limit {
				hits++
			}
		}
		all += len(truth)
	}
	return float64(hits) / float64(all), float64(s.Distances) / float64(queries.len())
}
