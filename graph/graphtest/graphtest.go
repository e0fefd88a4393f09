// Package graphtest makes graphs over vectors in memory for the tests of graphs, and compares searches of them with exact scans.
package graphtest

import (
	"context"
	"iter"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/hannoydb/hannoy/graph"
	"github.com/hannoydb/hannoy/graph/linking"
)

// Cloud is vectors in memory, by slot.
type Cloud struct {
	Dims int
	Rows []float32
}

// Row is the vector of a slot.
func (c *Cloud) Row(slot graph.Slot) []float32 { return c.Rows[int(slot)*c.Dims:][:c.Dims] }

// Len is the number of vectors.
func (c *Cloud) Len() int { return len(c.Rows) / c.Dims }

// Split returns the first n vectors, and those behind them, to search for.
func (c *Cloud) Split(n int) (first, rest *Cloud) {
	return &Cloud{Dims: c.Dims, Rows: c.Rows[:n*c.Dims]}, &Cloud{Dims: c.Dims, Rows: c.Rows[n*c.Dims:]}
}

// Points returns the distances between the vectors.
func (c *Cloud) Points() linking.Points { return &Points{Cloud: c} }

// Points are squared euclidean distances from Origin.
type Points struct {
	*Cloud
	Origin []float32
}

// MoveTo implements linking.Points.
func (p *Points) MoveTo(slot graph.Slot) { p.Origin = p.Row(slot) }

// Distances implements graph.Space.
func (p *Points) Distances(dst []float32, slots []graph.Slot) {
	for i, slot := range slots {
		dst[i] = Squared(p.Origin, p.Row(slot))
	}
}

// Squared is the square of the euclidean distance.
func Squared(a, b []float32) float32 {
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

// Clustered draws n points around a number of centres.
func Clustered(r *rand.Rand, n, dims, centres int, spread float64) *Cloud {
	c := &Cloud{Dims: dims}
	middle := make([]float32, centres*dims)
	for i := range middle {
		middle[i] = float32(r.NormFloat64())
	}
	for range n {
		at := r.IntN(centres) * dims
		for d := range dims {
			c.Rows = append(c.Rows, middle[at+d]+float32(r.NormFloat64()*spread))
		}
	}
	return c
}

// Nearest scans the slots for the k nearest to the query.
func (c *Cloud) Nearest(query []float32, slots iter.Seq[graph.Slot], k int) []graph.Neighbor {
	var all []graph.Neighbor
	for slot := range slots {
		all = append(all, graph.Neighbor{Slot: slot, Distance: Squared(query, c.Row(slot))})
	}
	return graph.Order{}.Nearest(all, k)
}

// Store is a committed graph in memory.
type Store struct {
	Lists [graph.MaxLevel + 1]map[graph.Slot][]graph.Slot
	Ranks map[graph.Slot]uint32
}

// NewStore returns the empty graph.
func NewStore() *Store {
	s := &Store{Ranks: make(map[graph.Slot]uint32)}
	for i := range s.Lists {
		s.Lists[i] = make(map[graph.Slot][]graph.Slot)
	}
	return s
}

// AppendLinks implements graph.Links.
func (s *Store) AppendLinks(dst []graph.Slot, slot graph.Slot, level int) []graph.Slot {
	return append(dst, s.Lists[level][slot]...)
}

// Rank implements graph.View.
func (s *Store) Rank(slot graph.Slot) uint32 { return s.Ranks[slot] }

// Has implements graph.View.
func (s *Store) Has(slot graph.Slot, level int) bool {
	_, ok := s.Lists[level][slot]
	return ok
}

// Commit writes out what the builder has changed.
func (s *Store) Commit(b *linking.Builder) {
	for level := range b.Levels() {
		for c := range b.Changed(level) {
			if c.Removed {
				delete(s.Lists[level], c.Slot)
			} else {
				s.Lists[level][c.Slot] = slices.Clone(c.Links)
			}
		}
	}
	for slot, rank := range b.Ranked() {
		if rank == 0 {
			delete(s.Ranks, slot)
		} else {
			s.Ranks[slot] = rank
		}
	}
}

// Equal reports whether both hold the same lists and ranks.
func (s *Store) Equal(o *Store) bool {
	for level := range s.Lists {
		if !maps.EqualFunc(s.Lists[level], o.Lists[level], slices.Equal) {
			return false
		}
	}
	return maps.Equal(s.Ranks, o.Ranks)
}

// Params are those of a small graph.
func Params(m, ef int) linking.Params {
	return linking.Params{M: m, M0: 2 * m, EfConstruction: ef, Alpha: 1.1, Seed: 7, Threads: 1}
}

// Placed are the slots of a range on the levels that are theirs.
func Placed(from, to int, m int) []linking.Placed {
	var p []linking.Placed
	for i := from; i < to; i++ {
		p = append(p, Place(graph.Slot(i), m))
	}
	return p
}

// Place draws the level of a slot.
func Place(slot graph.Slot, m int) linking.Placed {
	return linking.Placed{Slot: slot, Level: linking.Level(1, []byte{byte(slot), byte(slot >> 8), byte(slot >> 16)}, m)}
}

// Numbers yields the slots below n.
func Numbers(n int) iter.Seq[graph.Slot] {
	return func(yield func(graph.Slot) bool) {
		for i := range n {
			if !yield(graph.Slot(i)) {
				return
			}
		}
	}
}

// NewBuilder is a builder over the cloud and an empty graph.
func NewBuilder(t testing.TB, p linking.Params, c *Cloud) *linking.Builder {
	t.Helper()
	b, err := linking.NewBuilder(p, nil, nil, 1, 0, c.Points)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// Drain links all that is queued.
func Drain(t testing.TB, b *linking.Builder) (rounds int) {
	t.Helper()
	for b.Queued() > 0 {
		if _, err := b.Round(context.Background()); err != nil {
			t.Fatal(err)
		}
		rounds++
	}
	return rounds
}

// Built is a graph of n clustered vectors.
func Built(t testing.TB, n int) (*linking.Builder, *Cloud) {
	c := Clustered(rand.New(rand.NewPCG(9, 9)), n, 8, 10, 0.4)
	p := Params(8, 60)
	b := NewBuilder(t, p, c)
	b.Add(Placed(0, n, p.M))
	Drain(t, b)
	return b, c
}

// MustCheck fails the test if the graph is not sound.
func MustCheck(t testing.TB, v graph.View, slots iter.Seq[graph.Slot], roots []graph.Slot, p linking.Params) *graph.Report {
	t.Helper()
	r, err := graph.Check(context.Background(), v, slots, roots, p.M, p.M0)
	if err != nil {
		t.Fatal(err)
	}
	if !r.Sound() {
		t.Fatalf("graph is not sound: %v\nfirst: %v", r.Counts, r.Problems[0])
	}
	return r
}

// Recall is the share of the true k nearest that searches with ef find.
func Recall(b graph.View, roots []graph.Slot, c *Cloud, queries *Cloud, live []graph.Slot, k, ef int) (float64, float64) {
	var s graph.Search
	hits, all := 0, 0
	for q := range queries.Len() {
		query := queries.Row(graph.Slot(q))
		truth := c.Nearest(query, slices.Values(live), k)
		p := &Points{Cloud: c, Origin: query}
		top := len(roots) - 1
		entry := s.Descend(b, p, roots[top], top, 1)
		got := s.Beam(b, p, []graph.Neighbor{entry}, 0, graph.Plain(ef), nil)
		limit := truth[len(truth)-1].Distance
		for _, n := range got[:min(k, len(got))] {
			if n.Distance <= limit {
				hits++
			}
		}
		all += len(truth)
	}
	return float64(hits) / float64(all), float64(s.Distances) / float64(queries.Len())
}
