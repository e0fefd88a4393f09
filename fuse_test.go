package hannoy_test

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"math"
	"slices"
	"testing"

	"github.com/hannoydb/hannoy"
	"github.com/hannoydb/hannoy/internal/fixture"
)

// twoVectors are indexes of one directory with the same keys: pictures under cosine and
// captions under euclidean distance, linked, pending and deleted ones; a tenth of the items
// have no caption.
type twoVectors struct {
	pictures, captions *hannoy.Index
	vectors            map[string][2][]float32 // by key
}

func openTwoVectors(t *testing.T) *twoVectors {
	const n, dims = 2000, 16
	dir := t.TempDir()
	x := &twoVectors{
		pictures: open(t, dir, &hannoy.Options{Index: "pictures", Dimensions: dims, Metric: hannoy.Cosine, EfConstruction: 40}),
		captions: open(t, dir, &hannoy.Options{Index: "captions", Dimensions: dims, EfConstruction: 40}),
		vectors:  map[string][2][]float32{},
	}
	a, b := fixture.Vectors(n, dims, 5), fixture.Vectors(n, dims, 6)
	put := func(from, to int) {
		update(t, x.pictures, func(batch *hannoy.Batch) (err error) {
			for i := from; i < to; i++ {
				label := hannoy.Labels(fmt.Sprintf("rest:%d", i%3))
				both := [2][]float32{a[i], nil}
				err = errors.Join(err, batch.Put(key(i), a[i], label, hannoy.Value(key(i))))
				if i%10 != 0 {
					both[1] = b[i]
					err = errors.Join(err, batch.On(x.captions).Put(key(i), b[i], label))
				}
				x.vectors[string(key(i))] = both
			}
			return err
		})
	}
	put(0, n-200)
	build(t, x.pictures, nil)
	build(t, x.captions, nil)
	put(n-200, n)
	update(t, x.pictures, func(batch *hannoy.Batch) error {
		for i := 1; i < n; i += 50 {
			delete(x.vectors, string(key(i)))
			if err := errors.Join(batch.Delete(key(i)), batch.On(x.captions).Delete(key(i))); err != nil {
				return err
			}
		}
		return nil
	})
	return x
}

// ranked are the keys by the distance that of gives, +Inf for those that do not count.
func (x *twoVectors) ranked(of func(key string, v [2][]float32) float64) (hits []hannoy.Hit) {
	for key, v := range x.vectors {
		if d := of(key, v); !math.IsInf(d, 1) {
			hits = append(hits, hannoy.Hit{Key: []byte(key), Distance: float32(d)})
		}
	}
	slices.SortFunc(hits, func(a, b hannoy.Hit) int {
		return cmp.Or(cmp.Compare(a.Distance, b.Distance), bytes.Compare(a.Key, b.Key))
	})
	return hits
}

func sameHits(a, b []hannoy.Hit) (n int) {
	for _, h := range a {
		if slices.ContainsFunc(b, func(o hannoy.Hit) bool {
			return bytes.Equal(h.Key, o.Key) && math.Abs(float64(h.Distance-o.Distance)) < 1e-3
		}) {
			n++
		}
	}
	return n
}

// The sum of distances, and of reciprocal ranks, against the same by exact scans.
func TestSearchFused(t *testing.T) {
	const k = 10
	x := openTwoVectors(t)
	pictures, captions := fixture.Vectors(10, 16, 7), fixture.Vectors(10, 16, 8)
	sum, ranks, wanted := 0, 0, 0
	for i := range pictures {
		near := func(metric hannoy.Metric, q []float32, part int) func(string, [2][]float32) float64 {
			return func(key string, v [2][]float32) float64 {
				if v[part] == nil {
					return math.Inf(1)
				}
				return fixture.Distance(metric, q, v[part])
			}
		}
		byPicture, byCaption := near(hannoy.Cosine, pictures[i], 0), near(hannoy.Euclidean, captions[i], 1)
		parts := []hannoy.Part{
			{Index: x.pictures, Query: hannoy.Query{Vector: pictures[i]}, Weight: 20},
			{Index: x.captions, Query: hannoy.Query{Vector: captions[i]}},
		}
		filter := hannoy.FilterLabel("rest:1")
		third := func(key string) bool { var n int; fmt.Sscan(key, &n); return n%3 == 1 }
		want := x.ranked(func(key string, v [2][]float32) float64 { return 20*byPicture(key, v) + byCaption(key, v) })
		filtered := x.ranked(func(key string, v [2][]float32) float64 {
			if !third(key) {
				return math.Inf(1)
			}
			return 20*byPicture(key, v) + byCaption(key, v)
		})
		var stats hannoy.SearchStats
		sum += sameHits(x.fused(t, parts, k, &hannoy.SearchOptions{Stats: &stats}), want[:k])
		sum += sameHits(x.fused(t, parts, k, &hannoy.SearchOptions{Filter: filter}), filtered[:k])
		if exact := x.fused(t, parts, k, &hannoy.SearchOptions{Exact: true}); sameHits(exact, want[:k]) != k {
			t.Errorf("query %d: exact %v, want %v", i, exact, want[:k])
		}
		most := want[4].Distance
		if hits := x.fused(t, parts, k, &hannoy.SearchOptions{MaxDistance: &most, Exact: true}); len(hits) < 4 || len(hits) > 5 {
			t.Errorf("query %d: %d hits within the distance of the fifth", i, len(hits))
		}
		parts[0].Stats, parts[1].Stats = new(hannoy.SearchStats), new(hannoy.SearchStats)
		x.fused(t, parts, k, &hannoy.SearchOptions{Stats: &stats})
		if of := parts[0].Stats.Distances + parts[1].Stats.Distances; parts[0].Stats.Hops == 0 || parts[1].Stats.Hops == 0 || stats.Distances <= of {
			t.Errorf("stats are %+v, of the parts %+v and %+v", stats, parts[0].Stats, parts[1].Stats)
		}

		scores := map[string]float64{}
		for part, of := range []func(string, [2][]float32) float64{byPicture, byCaption} {
			for rank, h := range x.ranked(of)[:100] {
				scores[string(h.Key)] -= float64([]int{20, 1}[part]) / float64(61+rank)
			}
		}
		wantRanks := x.ranked(func(key string, _ [2][]float32) float64 { return scores[key] })
		parts[0].Ranks, parts[1].Ranks = true, true
		ranks += sameHits(x.fused(t, parts, k, nil), wantRanks[:k])
		wanted += k
	}
	if sum < 2*wanted*98/100 || ranks < wanted*95/100 {
		t.Errorf("of %d by sum %d, of %d by rank %d", 2*wanted, sum, wanted, ranks)
	}
}

func (x *twoVectors) fused(t *testing.T, parts []hannoy.Part, k int, o *hannoy.SearchOptions) []hannoy.Hit {
	t.Helper()
	hits, err := x.pictures.SearchFused(ctx, parts, k, o)
	if err != nil {
		t.Fatal(err)
	}
	return hits
}

// An item that is a query is not among its own hits, whichever part finds it; values come
// from the part that has them.
func TestSearchFusedNearItem(t *testing.T) {
	x := openTwoVectors(t)
	for _, own := range []int{4, 1995} { // linked, pending
		q := hannoy.Query{Key: key(own)}
		for _, ranks := range []bool{false, true} {
			parts := []hannoy.Part{{Index: x.captions, Query: q, Ranks: ranks}, {Index: x.pictures, Query: q, Ranks: ranks}}
			hits := x.fused(t, parts, 5, &hannoy.SearchOptions{WithVectors: true})
			for _, h := range hits {
				if bytes.Equal(h.Key, q.Key) || !slices.Equal(h.Vector, x.vectors[string(h.Key)][1]) {
					t.Errorf("hit %q near %q, vector %v", h.Key, q.Key, h.Vector)
				}
			}
			parts[0].Index, parts[1].Index = parts[1].Index, parts[0].Index
			for _, h := range x.fused(t, parts, 5, &hannoy.SearchOptions{WithValues: true}) {
				if !bytes.Equal(h.Value, h.Key) {
					t.Errorf("hit %q has value %q", h.Key, h.Value)
				}
			}
			if len(hits) != 5 {
				t.Errorf("%d hits", len(hits))
			}
		}
	}
}

func TestSearchFusedRefuses(t *testing.T) {
	ix, other := open(t, t.TempDir(), &hannoy.Options{Dimensions: 1}), open(t, t.TempDir(), &hannoy.Options{Dimensions: 1})
	ids := open(t, ix.Path(), &hannoy.Options{Dimensions: 1, Index: "ids", IDs: true})
	q := hannoy.Query{Vector: []float32{1}}
	for _, item := range []struct {
		index *hannoy.Index
		key   []byte
	}{{ix, key(100)}, {ids, hannoy.ID(100)}} {
		update(t, item.index, func(b *hannoy.Batch) error { return b.Put(item.key, q.Vector) })
	}
	one := hannoy.Part{Index: ix, Query: q}
	for name, test := range map[string]struct {
		parts []hannoy.Part
		k     int
		o     *hannoy.SearchOptions
	}{
		"no parts":        {nil, 1, nil},
		"no index":        {[]hannoy.Part{one, {Query: q}}, 1, nil},
		"k of 0":          {[]hannoy.Part{one}, 0, nil},
		"other directory": {[]hannoy.Part{one, {Index: other, Query: q}}, 1, nil},
		"ids and bytes":   {[]hannoy.Part{one, {Index: ids, Query: q}}, 1, nil},
		"negative weight": {[]hannoy.Part{{Index: ix, Query: q, Weight: -1}}, 1, nil},
		"weight of NaN":   {[]hannoy.Part{{Index: ix, Query: q, Weight: float32(math.NaN())}}, 1, nil},
		"ranks for one":   {[]hannoy.Part{one, {Index: ix, Query: q, Ranks: true}}, 1, nil},
		"groups":          {[]hannoy.Part{one}, 1, &hannoy.SearchOptions{GroupBy: "a"}},
		"bad vector":      {[]hannoy.Part{{Index: ix, Query: hannoy.Query{Vector: []float32{1, 2}}}}, 1, nil},
	} {
		if _, err := ix.SearchFused(ctx, test.parts, test.k, test.o); !errors.Is(err, hannoy.ErrInvalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
