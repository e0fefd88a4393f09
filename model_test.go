package hannoy_test

import (
	"bytes"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/hannoydb/hannoy"
	"github.com/hannoydb/hannoy/internal/fixture"
)

// model is what an index should hold, and the oracle for its answers.
type model struct {
	metric hannoy.Metric
	items  map[string][]float32
	// If not nil, what the index keeps of a vector; the items are such.
	keep func(vector []float32) []float32
}

// recall searches for each query and returns the share of the k true neighbours
// found, by distance. Every hit must be an item at its true distance.
func (m *model) recall(t testing.TB, ix *hannoy.Index, queries [][]float32, k int, o *hannoy.SearchOptions) float64 {
	t.Helper()
	found, wanted := 0, 0
	for _, q := range queries {
		hits, err := ix.Search(ctx, q, k, o)
		if err != nil {
			t.Fatal(err)
		}
		if m.keep != nil {
			q = m.keep(q)
		}
		all := make([]float64, 0, len(m.items))
		for _, v := range m.items {
			all = append(all, m.distance(q, v))
		}
		nearest := fixture.Nearest(all, k)
		if len(hits) != len(nearest) {
			t.Fatalf("%d hits for k = %d over %d items", len(hits), k, len(all))
		}
		seen := map[string]bool{}
		for i, h := range hits {
			v, ok := m.items[string(h.Key)]
			if !ok || seen[string(h.Key)] {
				t.Fatalf("hit %q is no item, or a second time", h.Key)
			}
			seen[string(h.Key)] = true
			want := m.distance(q, v)
			if slack := 1e-4 * (1 + math.Abs(want)); math.Abs(float64(h.Distance)-want) > slack {
				t.Fatalf("hit %q at distance %v, it is at %v", h.Key, h.Distance, want)
			}
			if i > 0 && h.Distance < hits[i-1].Distance {
				t.Fatalf("hits are not sorted: %v after %v", h.Distance, hits[i-1].Distance)
			}
			if bound := nearest[len(nearest)-1]; want <= bound+1e-3*math.Abs(bound) {
				found++
			}
		}
		wanted += len(nearest)
	}
	if wanted == 0 {
		return 1
	}
	return float64(found) / float64(wanted)
}

func (m *model) distance(a, b []float32) float64 {
	if m.metric == hannoy.Cosine && m.keep != nil {
		// Rounded unit vectors are not quite of length 1: what is measured is the chord.
		chord := fixture.Distance(hannoy.Euclidean, a, b)
		return chord * chord / 2
	}
	return fixture.Distance(m.metric, a, b)
}

func (m *model) put(i int, v []float32) { m.items[string(key(i))] = v }

func newModel(metric hannoy.Metric, vectors [][]float32) *model {
	m := &model{metric: metric, items: map[string][]float32{}}
	for i, v := range vectors {
		m.put(i, v)
	}
	return m
}

// One list of operations, random but replayable: the index holds what the model
// holds, checks clean and finds what is near, after every step.
func TestAgainstModel(t *testing.T) {
	seed := fixture.Seed(t)
	for _, ids := range []bool{false, true} {
		t.Run(fmt.Sprintf("ids=%t", ids), func(t *testing.T) { runAgainstModel(t, seed, ids) })
	}
}

func runAgainstModel(t *testing.T, seed uint64, ids bool) {
	const dims = 8
	r := rand.New(rand.NewPCG(seed, 7))
	vectors, queries := fixture.Vectors(4000, dims, seed), fixture.Vectors(10, dims, seed+1)
	dir := t.TempDir()
	o := &hannoy.Options{Dimensions: dims, M: 4, EfConstruction: 40, IDs: ids}
	ix, err := hannoy.Open(dir, o)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { ix.Close() }()
	k := key
	if ids {
		k = func(i int) []byte { return hannoy.ID(uint32(i) * 7919) }
	}
	m := newModel(hannoy.Euclidean, nil)
	for step := range 25 {
		changes := 1 + r.IntN(200)
		update(t, ix, func(b *hannoy.Batch) error {
			for range changes {
				i := r.IntN(600)
				if r.IntN(3) == 0 {
					delete(m.items, string(k(i)))
					if err := b.Delete(k(i)); err != nil {
						return err
					}
					continue
				}
				v := vectors[r.IntN(len(vectors))]
				m.items[string(k(i))] = v
				if err := b.Put(k(i), v, hannoy.Value(k(i))); err != nil {
					return err
				}
			}
			return nil
		})
		if r.IntN(8) == 0 {
			update(t, ix, func(b *hannoy.Batch) error {
				for key := range m.items {
					if err := b.Delete([]byte(key)); err != nil {
						return err
					}
				}
				clear(m.items)
				return nil
			})
		}
		if r.IntN(2) == 0 {
			build(t, ix, &hannoy.BuildOptions{Threads: 1 + r.IntN(3)})
		} else {
			checkSound(t, ix)
		}
		if r.IntN(5) == 0 {
			if err := ix.Close(); err != nil {
				t.Fatal(err)
			}
			if ix, err = hannoy.Open(dir, nil); err != nil {
				t.Fatal(err)
			}
		}
		compareItems(t, ix, m)
		if r := m.recall(t, ix, queries, 5, &hannoy.SearchOptions{Ef: 50}); r < 0.9 {
			t.Errorf("step %d: recall is %v with %d items", step, r, len(m.items))
		}
	}
}

func compareItems(t *testing.T, ix *hannoy.Index, m *model) {
	t.Helper()
	err := ix.View(func(s *hannoy.Snapshot) error {
		if s.Len() != len(m.items) {
			t.Errorf("Len is %d, want %d", s.Len(), len(m.items))
		}
		n := 0
		for item, err := range s.Items() {
			if err != nil {
				return err
			}
			n++
			if !slices.Equal(item.Vector, m.items[string(item.Key)]) || !bytes.Equal(item.Value, item.Key) {
				t.Errorf("item %q holds %v, value %q", item.Key, item.Vector, item.Value)
			}
		}
		if n != len(m.items) {
			t.Errorf("Items has %d, want %d", n, len(m.items))
		}
		for key, v := range m.items {
			item, err := s.Get([]byte(key))
			if err != nil || !slices.Equal(item.Vector, v) {
				t.Errorf("Get(%q) = %v, %v", key, item.Vector, err)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}
