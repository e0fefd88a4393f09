package hannoy_test

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/RoaringBitmap/roaring/v2"

	"github.com/hannoydb/hannoy"
	"github.com/hannoydb/hannoy/internal/fixture"
)

// Every form of search against an exact scan, over all metrics and kinds of codes.
func TestFormsOfSearch(t *testing.T) {
	for _, o := range []hannoy.Options{
		{Metric: hannoy.Euclidean, Codes: hannoy.CodesNone}, {Metric: hannoy.Euclidean}, {Metric: hannoy.Euclidean, Codes: hannoy.CodesBinary},
		{Metric: hannoy.Cosine}, {Metric: hannoy.InnerProduct}, {Metric: hannoy.Manhattan}, {Metric: hannoy.Hamming},
	} {
		t.Run(fmt.Sprintf("%v-%v", o.Metric, o.Codes), func(t *testing.T) {
			t.Parallel()
			c := newCorpus(t, o)
			t.Run("key", c.testKey)
			t.Run("range", c.testRange)
			t.Run("nearest", c.testNearest)
			t.Run("all", c.testAll)
			t.Run("grouped", c.testGrouped)
		})
	}
}

func (c *corpus) testKey(t *testing.T) {
	found, wanted := 0, 0
	for i := range 8 {
		q := hannoy.Query{Key: fmt.Appendf(nil, "%05d", 140*i)} // every other one is pending
		if _, ok := c.vectors[string(q.Key)]; !ok {
			continue
		}
		for _, o := range []*hannoy.SearchOptions{{Ef: corpusEf}, {Exact: true}, {Ef: corpusEf, Filter: hannoy.FilterLabel("third")}} {
			admit := c.label
			if o.Filter == nil {
				admit = nil
			}
			exact := c.exact(q, admit)
			hits := c.search(t, q, 10, o)
			found, wanted = found+c.compare(t, hits, exact), wanted+10
			found, wanted = found+c.compare(t, collect(t, c.Index, q, 10, o), exact), wanted+10
		}
	}
	c.share(t, found, wanted)
	if _, err := c.SearchKey(ctx, []byte("none"), 1, nil); !errors.Is(err, hannoy.ErrNotFound) {
		t.Errorf("a key that is not there: %v", err)
	}
}

// All that is within a distance is found, however many it is, and nothing else.
func (c *corpus) testRange(t *testing.T) {
	found, wanted := 0, 0
	for i, q := range c.queries {
		for _, n := range []int{1, 30, 300} {
			for _, filter := range []*hannoy.Filter{nil, hannoy.FilterLabel("third")} {
				admit := c.label
				if filter == nil {
					admit = nil
				}
				exact := c.exact(q, admit)
				most := exact[n].Distance + 1e-4
				within := slices.IndexFunc(exact, func(h hannoy.Hit) bool { return h.Distance > most })
				o := &hannoy.SearchOptions{Ef: corpusEf, MaxDistance: &most, Filter: filter, Exact: i == 0}
				for _, k := range []int{1000, 40} {
					hits := c.search(t, q, k, o)
					found, wanted = found+c.compare(t, hits, exact), wanted+min(k, within)
					for _, h := range hits {
						if h.Distance > most {
							t.Fatalf("hit at %v, beyond %v", h.Distance, most)
						}
					}
				}
				found, wanted = found+c.compare(t, collect(t, c.Index, q, -1, o), exact[:within]), wanted+within
			}
		}
	}
	c.share(t, found, wanted)
	if o := (&hannoy.SearchOptions{MaxDistance: new(float32(-1e9))}); len(c.search(t, c.queries[0], 10, o)) > 0 {
		t.Error("hits within a distance that nothing is within")
	}
}

// The first n of a range are about those that Search finds for k = n, and nearly in order.
func (c *corpus) testNearest(t *testing.T) {
	found, wanted, behind, walks := 0, 0, 0, 0
	for _, q := range c.queries {
		for _, n := range []int{1, 10, 60, 300} {
			for _, filter := range []*hannoy.Filter{nil, hannoy.FilterLabel("third")} {
				admit := c.label
				if filter == nil {
					admit = nil
				}
				var stats hannoy.SearchStats
				hits := collect(t, c.Index, q, n, &hannoy.SearchOptions{Ef: corpusEf, Filter: filter, Stats: &stats, WithValues: true, WithVectors: true})
				found, wanted = found+c.compare(t, hits, c.exact(q, admit)), wanted+n
				for i, h := range hits {
					if i > 0 && h.Distance < hits[i-1].Distance {
						behind++
					}
					want := c.vectors[string(h.Key)]
					if !bytes.Equal(h.Value, h.Key) || len(h.Vector) != len(want.Vector) || !bytes.Equal(h.Bits, want.Bits) {
						t.Fatalf("hit %q with value %q, %d numbers, bits %x", h.Key, h.Value, len(h.Vector), h.Bits)
					}
				}
				if stats.Distances == 0 || stats.Explain() == "" {
					t.Errorf("stats are %+v", stats)
				}
				if stats.Hops > 0 && !stats.Scanned {
					walks++
				}
			}
		}
	}
	c.share(t, found, wanted)
	if walks < len(c.queries) {
		t.Errorf("%d of the searches walked to their end", walks)
	}
	if share := float64(behind) / float64(wanted); share > 1.01-c.floor(t) {
		t.Errorf("%.3f of the hits came after one that is farther", share)
	}
}

// Who ranges to the end has seen every item that may be returned, once.
func (c *corpus) testAll(t *testing.T) {
	for i, filter := range []*hannoy.Filter{nil, hannoy.FilterLabel("third"), hannoy.FilterLabel("third").Not(), hannoy.FilterLabel("doc:none")} {
		admit := func(key string) bool { return i == 0 || i == 1 && c.label(key) || i == 2 && !c.label(key) }
		for _, exact := range []bool{false, true} {
			q := c.queries[i]
			hits, want := collect(t, c.Index, q, -1, &hannoy.SearchOptions{Filter: filter, Exact: exact}), c.exact(q, admit)
			if c.compare(t, hits, want); len(hits) != len(want) {
				t.Errorf("filter %d, exact %t: %d hits of %d", i, exact, len(hits), len(want))
			}
			inOrder := slices.IsSortedFunc(hits, func(a, b hannoy.Hit) int { return cmp.Compare(a.Distance, b.Distance) })
			if exact && !inOrder {
				t.Errorf("filter %d: an exact range is not in order", i)
			}
		}
	}
}

// No group has more items than it may, and each has its nearest.
func (c *corpus) testGrouped(t *testing.T) {
	found, wanted := 0, 0
	for i, q := range c.queries {
		for _, per := range []int{0, 3} {
			seen := map[string]int{}
			admit := func(h hannoy.Hit) bool {
				g := c.group(string(h.Key))
				seen[g]++
				return g == "" || seen[g] <= max(per, 1)
			}
			exact := slices.DeleteFunc(c.exact(q, nil), func(h hannoy.Hit) bool { return !admit(h) })
			o := &hannoy.SearchOptions{Ef: corpusEf, GroupBy: "doc:", PerGroup: per, Exact: i == 0}
			for _, k := range []int{10, 2000} {
				hits := c.search(t, q, k, o)
				if len(hits) != min(k, len(exact)) {
					t.Fatalf("%d hits of %d groups, k is %d", len(hits), len(exact), k)
				}
				counts := map[string]int{}
				for _, h := range hits {
					if h.Group != c.group(string(h.Key)) {
						t.Fatalf("hit %q has group %q", h.Key, h.Group)
					}
					if counts[h.Group]++; h.Group != "" && counts[h.Group] > max(per, 1) {
						t.Fatalf("group %q has %d hits", h.Group, counts[h.Group])
					}
				}
				limit := exact[len(hits)-1].Distance * (1 + 1e-4)
				for _, h := range hits {
					if h.Distance <= limit+1e-4 || limit < 0 && h.Distance <= exact[len(hits)-1].Distance+1e-3 {
						found++
					}
				}
				wanted += len(hits)
			}
		}
	}
	c.share(t, found, wanted)
}

func TestSearchesThatCannotBe(t *testing.T) {
	ix := open(t, t.TempDir(), &hannoy.Options{Dimensions: 2})
	bits := open(t, t.TempDir(), &hannoy.Options{Dimensions: 16, Metric: hannoy.Hamming})
	ids := open(t, t.TempDir(), &hannoy.Options{Dimensions: 2, IDs: true})
	putRows(t, ix, [][]float32{{1, 2}}, 0, 1)
	v := []float32{1, 2}
	for name, test := range map[string]struct {
		ix *hannoy.Index
		q  hannoy.Query
		o  *hannoy.SearchOptions
	}{
		"no query":              {ix, hannoy.Query{}, nil},
		"two queries":           {ix, hannoy.Query{Vector: v, Key: []byte("0")}, nil},
		"bits of numbers":       {ix, hannoy.Query{Bits: []byte{1, 2}}, nil},
		"numbers of bits":       {bits, hannoy.Query{Vector: v}, nil},
		"too few bits":          {bits, hannoy.Query{Bits: []byte{1}}, nil},
		"empty key":             {ix, hannoy.Query{Key: []byte{}}, nil},
		"distance of NaN":       {ix, hannoy.Query{Vector: v}, &hannoy.SearchOptions{MaxDistance: new(float32(math.NaN()))}},
		"negative ef":           {ix, hannoy.Query{Vector: v}, &hannoy.SearchOptions{Ef: -1}},
		"per group, no group":   {ix, hannoy.Query{Vector: v}, &hannoy.SearchOptions{PerGroup: 2}},
		"negative per group":    {ix, hannoy.Query{Vector: v}, &hannoy.SearchOptions{GroupBy: "a", PerGroup: -2}},
		"filter of ids of keys": {ix, hannoy.Query{Vector: v}, &hannoy.SearchOptions{Filter: hannoy.FilterIDs(roaring.New())}},
		"group by no label":     {ix, hannoy.Query{Vector: v}, &hannoy.SearchOptions{GroupBy: "a\x00"}},
		"empty filter":          {ix, hannoy.Query{Vector: v}, &hannoy.SearchOptions{Filter: &hannoy.Filter{}}},
		"filter and nil":        {ix, hannoy.Query{Vector: v}, &hannoy.SearchOptions{Filter: hannoy.FilterLabel("a").And(nil)}},
		"nil or filter":         {ix, hannoy.Query{Vector: v}, &hannoy.SearchOptions{Filter: (*hannoy.Filter)(nil).Or(hannoy.FilterLabel("a"))}},
		"nil not":               {ix, hannoy.Query{Vector: v}, &hannoy.SearchOptions{Filter: (*hannoy.Filter)(nil).Not()}},
		"filter of no function": {ix, hannoy.Query{Vector: v}, &hannoy.SearchOptions{Filter: hannoy.FilterFunc(nil)}},
		"filter of no bitmap":   {ids, hannoy.Query{Vector: v}, &hannoy.SearchOptions{Filter: hannoy.FilterIDs(nil)}},
	} {
		for hit, err := range test.ix.Nearest(ctx, test.q, test.o) {
			if !errors.Is(err, hannoy.ErrInvalid) {
				t.Errorf("%s: %v, %v", name, hit, err)
			}
		}
	}
	err := ix.View(func(s *hannoy.Snapshot) error {
		_, _, err := s.Prepare(ctx, nil)
		return err
	})
	if !errors.Is(err, hannoy.ErrInvalid) {
		t.Errorf("no filter prepared: %v", err)
	}
	for _, o := range []*hannoy.SearchOptions{nil, {Ef: 2_000_000}} {
		if _, err := ix.Search(ctx, v, 2_000_000, o); !errors.Is(err, hannoy.ErrInvalid) || !strings.Contains(err.Error(), "k is 2000000") {
			t.Errorf("too large a k with %+v: %v", o, err)
		}
	}
}

func TestMatchingEnds(t *testing.T) {
	ix := open(t, t.TempDir(), &hannoy.Options{Dimensions: 2})
	putRows(t, ix, fixture.Vectors(10, 2, 1), 0, 10)
	cancelled, cancel := context.WithCancel(ctx)
	defer cancel()
	items, failures := 0, 0
	err := ix.View(func(s *hannoy.Snapshot) error {
		for _, err := range s.Matching(cancelled, nil) {
			if cancel(); err == nil {
				items++
			} else if failures++; !errors.Is(err, context.Canceled) {
				t.Error(err)
			}
		}
		for item, err := range s.Matching(ctx, &hannoy.Filter{}) {
			if failures++; !errors.Is(err, hannoy.ErrInvalid) {
				t.Errorf("an empty filter: %v, %v", item, err)
			}
		}
		return nil
	})
	if err != nil || items != 1 || failures != 2 {
		t.Errorf("%d items, %d failures, %v", items, failures, err)
	}
}

// What a search costs, and how often it allocates.
func BenchmarkSearch(b *testing.B) {
	const n, dims = 20000, 32
	queries := fixture.Vectors(256, dims, 2)
	ix := open(b, b.TempDir(), &hannoy.Options{Dimensions: dims, EfConstruction: 60})
	putRows(b, ix, fixture.Vectors(n, dims, 1), 0, n)
	build(b, ix, nil)
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		if _, err := ix.Search(ctx, queries[i%len(queries)], 10, nil); err != nil {
			b.Fatal(err)
		}
	}
}

// Until a build has taken the deleted items out of the graph, a search for the few that are left does not walk by all others.
func TestSearchAmongTheDead(t *testing.T) {
	const n, dims = 2000, 16
	vectors := fixture.Vectors(n, dims, fixture.Seed(t))
	ix := open(t, t.TempDir(), &hannoy.Options{Dimensions: dims, M: 8, EfConstruction: 40})
	putRows(t, ix, vectors, 0, n)
	build(t, ix, nil)
	for _, left := range []int{50, 1, 0} {
		update(t, ix, func(b *hannoy.Batch) error {
			for i := left; i < n; i++ {
				if err := b.Delete(key(i)); err != nil {
					return err
				}
			}
			return nil
		})
		var stats hannoy.SearchStats
		hits, err := ix.Search(ctx, vectors[n-1], 10, &hannoy.SearchOptions{Stats: &stats})
		if err != nil {
			t.Fatal(err)
		}
		exact, err := ix.Search(ctx, vectors[n-1], 10, &hannoy.SearchOptions{Exact: true})
		if err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(hits, exact) || len(hits) != min(left, 10) || stats.Distances != left || stats.Strategy != hannoy.StrategyScan {
			t.Errorf("%d items: %d hits, exactly %d: %s", left, len(hits), len(exact), stats.Explain())
		}
	}
}

// An index of no more items than a beam holds is compared as a whole: pending, dead and free slots
// do not matter. One of more is walked.
func TestSearchTiny(t *testing.T) {
	const dims = 16
	for _, c := range []struct {
		codes hannoy.Codes
		n     int
		want  hannoy.Strategy
	}{
		{hannoy.CodesNone, 30, hannoy.StrategyScan}, {hannoy.CodesInt8, 30, hannoy.StrategyScan}, {hannoy.CodesNone, 31, hannoy.StrategyBeam},
	} {
		ix := open(t, t.TempDir(), &hannoy.Options{Dimensions: dims, Codes: c.codes})
		rows := fixture.Vectors(c.n+20, dims, 3)
		putRows(t, ix, rows, 0, c.n+10)
		build(t, ix, nil)
		putRows(t, ix, rows, c.n+10, c.n+20)
		update(t, ix, func(b *hannoy.Batch) error {
			for i := range 10 {
				if err := b.Delete(key(i)); err != nil {
					return err
				}
			}
			return nil
		})
		for _, q := range fixture.Vectors(5, dims, 4) {
			var stats hannoy.SearchStats
			hits, err := ix.Search(ctx, q, 30, &hannoy.SearchOptions{Ef: 30, Stats: &stats})
			if err != nil || stats.Strategy != c.want {
				t.Fatalf("%d linked items, codes %v: %v, %v", c.n, c.codes, stats.Strategy, err)
			}
			if c.want == hannoy.StrategyBeam {
				continue
			}
			exact, err := ix.Search(ctx, q, 30, &hannoy.SearchOptions{Exact: true})
			if err != nil || !reflect.DeepEqual(hits, exact) || stats.Distances != c.n+10 || stats.Pending != 10 {
				t.Errorf("%d linked items, codes %v: %v, want %v; %+v, %v", c.n, c.codes, hits, exact, stats, err)
			}
		}
	}
}
