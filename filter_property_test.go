package hannoy_test

import (
	"bytes"
	"cmp"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"

	"github.com/RoaringBitmap/roaring/v2"

	"github.com/hannoydb/hannoy"
	"github.com/hannoydb/hannoy/internal/fixture"
)

// filteredIndex is an index with linked, pending and deleted items, and what is in it.
type filteredIndex struct {
	*hannoy.Index
	metric  hannoy.Metric
	vectors [][]float32 // by id; nil: no item
	ids     []uint32    // of the items

	walked             int // filtered searches that walked the graph
	filtered, streamed tally
	unfiltered         tally
}

// tally counts what searches found of what there was to find.
type tally struct{ found, wanted int }

func (c tally) recall() float64 { return float64(c.found) / float64(c.wanted) }

func newFilteredIndex(t *testing.T, metric hannoy.Metric, n, dims int, r *rand.Rand) *filteredIndex {
	linked := n - 300
	x := &filteredIndex{metric: metric, vectors: fixture.Vectors(n, dims, r.Uint64())}
	x.Index = open(t, t.TempDir(), &hannoy.Options{Dimensions: dims, Metric: metric, IDs: true, M: 8, EfConstruction: 40})
	put := func(from, to int) {
		update(t, x.Index, func(b *hannoy.Batch) error {
			for i := from; i < to; i++ {
				if err := b.Put(hannoy.ID(uint32(i)), x.vectors[i]); err != nil {
					return err
				}
			}
			return nil
		})
	}
	put(0, linked)
	build(t, x.Index, nil)
	put(linked, n)
	update(t, x.Index, func(b *hannoy.Batch) error {
		for range n / 20 {
			i := r.IntN(n)
			x.vectors[i] = nil
			if err := b.Delete(hannoy.ID(uint32(i))); err != nil {
				return err
			}
		}
		return nil
	})
	for i, v := range x.vectors {
		if v != nil {
			x.ids = append(x.ids, uint32(i))
		}
	}
	return x
}

// near are the items sorted by distance from the vector.
func (x *filteredIndex) near(vector []float32) []uint32 {
	distances := make([]float64, len(x.vectors))
	for _, id := range x.ids {
		distances[id] = fixture.Distance(x.metric, vector, x.vectors[id])
	}
	return slices.SortedFunc(slices.Values(x.ids), func(a, b uint32) int { return cmp.Compare(distances[a], distances[b]) })
}

// matches draws how many items match, from one to all, and where they lie.
func (x *filteredIndex) matches(r *rand.Rand, query []float32) (placement string, ids *roaring.Bitmap) {
	count := int(math.Exp(r.Float64() * math.Log(float64(len(x.ids)))))
	if r.IntN(2) == 0 {
		count = 1 + r.IntN(len(x.ids))
	}
	switch r.IntN(4) {
	case 0:
		order := slices.Clone(x.ids)
		r.Shuffle(len(order), func(i, j int) { order[i], order[j] = order[j], order[i] })
		return "uniform", roaring.BitmapOf(order[:count]...)
	case 1:
		return "nearest", roaring.BitmapOf(x.near(query)[:count]...)
	case 2:
		return "elsewhere", roaring.BitmapOf(x.near(x.vectors[x.ids[r.IntN(len(x.ids))]])[:count]...)
	default:
		order := x.near(query)
		return "farthest", roaring.BitmapOf(order[len(order)-count:]...)
	}
}

// filterIn is one of the ways to say a set of ids.
func filterIn(r *rand.Rand, ids *roaring.Bitmap) (string, *hannoy.Filter) {
	keys := func(ids *roaring.Bitmap) *hannoy.Filter {
		var keys [][]byte
		for _, id := range ids.ToArray() {
			keys = append(keys, hannoy.ID(id))
		}
		return hannoy.FilterKeys(keys...)
	}
	switch r.IntN(4) {
	case 0:
		return "ids", hannoy.FilterIDs(ids)
	case 1:
		return "keys", keys(ids)
	case 2:
		return "func", hannoy.FilterFunc(func(key []byte) bool {
			id, err := hannoy.ParseID(key)
			return err == nil && ids.Contains(id)
		})
	}
	wide, more := ids.Clone(), roaring.New()
	for range 200 {
		if id := r.Uint32N(5000); !ids.Contains(id) {
			wide.Add(id)
			more.Add(id)
		}
	}
	return "ids and not keys", hannoy.FilterIDs(wide).And(keys(more).Not())
}

// Random sets of matches, said in random ways, in indexes of every metric with pending and
// deleted items: a search returns min(k, matches) items, which match, and about as many
// of the nearest as one without a filter does; several goroutines with one prepared filter
// all find the same.
func TestFilteredSearchesAgainstScan(t *testing.T) {
	seed := fixture.Seed(t)
	walked := 0
	for i, metric := range metrics {
		t.Run(metric.String(), func(t *testing.T) {
			r := rand.New(rand.NewPCG(seed, uint64(i)))
			x := newFilteredIndex(t, metric, 4000, 24, r)
			for _, codes := range []hannoy.Codes{hannoy.CodesInt8, hannoy.CodesNone} {
				if metric == hannoy.Manhattan && codes != hannoy.CodesNone {
					continue // there are none
				}
				if _, err := x.Alter(ctx, &hannoy.AlterOptions{Codes: new(codes)}); err != nil {
					t.Fatal(err)
				}
				x.walked, x.filtered, x.streamed, x.unfiltered = 0, tally{}, tally{}, tally{}
				for range 30 {
					x.testRandomFilter(t, r)
				}
				got, without := min(x.filtered.recall(), x.streamed.recall()), x.unfiltered.recall()
				t.Logf("codes %v: recall %.3f, streamed %.3f, without filters %.3f, %d walks", codes, x.filtered.recall(), x.streamed.recall(), without, x.walked)
				if got < min(without, .95)-.05 {
					t.Errorf("codes %v: recall %.3f, without filters %.3f", codes, got, without)
				}
				walked += x.walked
			}
		})
	}
	if walked == 0 { // one in five does
		t.Error("no search walked the graph")
	}
}

// Many items match and none of those near the query: alike and elsewhere, where a walk from
// some of them finds the nearest, or all around at about the same distance, where none
// would. Searches and streams find them, and by the way that leads there.
func TestRemoteMatches(t *testing.T) {
	const k, n = 5, 10_000
	r := rand.New(rand.NewPCG(fixture.Seed(t), 17))
	x := newFilteredIndex(t, hannoy.Euclidean, n, 12, r)
	for placement, want := range map[string]hannoy.Strategy{"elsewhere": hannoy.StrategyTwoHop, "farthest": hannoy.StrategyScan} {
		x.filtered, x.streamed = tally{}, tally{}
		ways := map[hannoy.Strategy]int{}
		for range 20 {
			query := x.vectors[x.ids[r.IntN(len(x.ids))]]
			order := x.near(query)
			matches := order[len(order)/2:]
			if placement == "elsewhere" {
				matches = x.near(x.vectors[order[len(order)-1]])[:len(order)/2]
			}
			ids := roaring.BitmapOf(matches...)
			err := x.View(func(s *hannoy.Snapshot) error {
				var stats hannoy.SearchStats
				filter := hannoy.FilterIDs(ids)
				hits, err := s.Search(ctx, query, k, &hannoy.SearchOptions{Ef: 20, Filter: filter, Stats: &stats})
				name := placement + ": " + stats.Explain()
				x.filtered.add(x.judge(t, name, query, hits, ids, k))
				if stats.Sampled > 0 {
					ways[stats.Strategy]++
				}
				x.page(t, s, name, query, filter, ids, k)
				return err
			})
			if err != nil {
				t.Fatal(err)
			}
		}
		t.Logf("%s: recall %.3f, streamed %.3f, %v", placement, x.filtered.recall(), x.streamed.recall(), ways)
		if ways[want] < 10 {
			t.Errorf("%s: %v after a look at a sample of the matches, want %v", placement, ways, want)
		}
		if x.filtered.recall() < .9 || x.streamed.recall() < .9 {
			t.Errorf("%s: recall %.3f, streamed %.3f", placement, x.filtered.recall(), x.streamed.recall())
		}
	}
}

// page ranges over all that match: each comes once, and the first are as Search finds them.
func (x *filteredIndex) page(t *testing.T, s *hannoy.Snapshot, name string, query []float32, filter *hannoy.Filter, ids *roaring.Bitmap, k int) {
	t.Helper()
	var first []hannoy.Hit
	rest := ids.Clone()
	for hit, err := range s.Nearest(ctx, hannoy.Query{Vector: query}, &hannoy.SearchOptions{Ef: 20 + k, Filter: filter}) {
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if len(first) < k {
			first = append(first, hit)
		}
		if id, err := hannoy.ParseID(hit.Key); err != nil || !rest.CheckedRemove(id) {
			t.Fatalf("%s: the stream yields %x, which does not match or came before", name, hit.Key)
		}
	}
	if !rest.IsEmpty() {
		t.Errorf("%s: the stream lacks %d matches", name, rest.GetCardinality())
	}
	x.streamed.add(x.judge(t, name+", streamed", query, first, ids, k))
}

// testRandomFilter searches with a filter, and without one.
func (x *filteredIndex) testRandomFilter(t *testing.T, r *rand.Rand) {
	query := fixture.Vectors(1, len(x.vectors[x.ids[0]]), r.Uint64())[0]
	placement, ids := x.matches(r, query)
	kind, filter := filterIn(r, ids)
	k := 1 + r.IntN(10)
	name := fmt.Sprintf("%d of %d %s, by %s, k = %d", ids.GetCardinality(), len(x.ids), placement, kind, k)
	err := x.View(func(s *hannoy.Snapshot) error {
		prepared, items, err := s.Prepare(ctx, filter)
		if err != nil || items != int(ids.GetCardinality()) {
			t.Errorf("%s: prepared with %d items, %v", name, items, err)
			return err
		}
		var answers [3][]hannoy.Hit
		var stats [3]hannoy.SearchStats
		var group sync.WaitGroup
		for i := range answers {
			group.Go(func() {
				hits, err := s.Search(ctx, query, k, &hannoy.SearchOptions{Ef: 20 + k, Filter: prepared, Stats: &stats[i]})
				if err != nil {
					t.Errorf("%s: %v", name, err)
				}
				answers[i] = hits
			})
		}
		group.Wait()
		for _, other := range answers[1:] {
			if !slices.EqualFunc(answers[0], other, func(a, b hannoy.Hit) bool { return bytes.Equal(a.Key, b.Key) && a.Distance == b.Distance }) {
				t.Errorf("%s: goroutines with one filter find %v and %v", name, answers[0], other)
			}
		}
		if stats[0].Strategy != hannoy.StrategyScan {
			x.walked++
		}
		x.page(t, s, name, query, prepared, ids, k)
		x.filtered.add(x.judge(t, name+": "+stats[0].Explain(), query, answers[0], ids, k))
		hits, err := s.Search(ctx, query, k, &hannoy.SearchOptions{Ef: 20 + k})
		x.unfiltered.add(x.judge(t, name+", without filter", query, hits, roaring.BitmapOf(x.ids...), k))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

func (c *tally) add(other tally) { c.found, c.wanted = c.found+other.found, c.wanted+other.wanted }

// judge fails the test if the hits are not min(k, matches) of the ids, at their distances.
func (x *filteredIndex) judge(t *testing.T, name string, query []float32, hits []hannoy.Hit, ids *roaring.Bitmap, k int) (c tally) {
	t.Helper()
	var distances []float64
	for it := ids.Iterator(); it.HasNext(); {
		distances = append(distances, fixture.Distance(x.metric, query, x.vectors[it.Next()]))
	}
	nearest := fixture.Nearest(distances, k)
	if len(hits) != len(nearest) {
		t.Fatalf("%s: %d hits", name, len(hits))
	}
	for _, h := range hits {
		id, err := hannoy.ParseID(h.Key)
		if err != nil || !ids.Contains(id) {
			t.Fatalf("%s: hit %x does not match", name, h.Key)
		}
		want := fixture.Distance(x.metric, query, x.vectors[id])
		if math.Abs(float64(h.Distance)-want) > 1e-3*(1+math.Abs(want)) {
			t.Fatalf("%s: hit %d at %v is at %v", name, id, h.Distance, want)
		}
		if want <= nearest[len(nearest)-1]+1e-6*(1+math.Abs(want)) {
			c.found++
		}
	}
	c.wanted = len(nearest)
	return c
}
