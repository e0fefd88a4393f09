package hannoy_test

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"iter"
	"math"
	"slices"
	"testing"

	"github.com/RoaringBitmap/roaring/v2"

	"github.com/hannoydb/hannoy"
	"github.com/hannoydb/hannoy/internal/fixture"
)

// A corpus is an index that has seen all that can happen to one, and what it holds: items
// that were linked, replaced, deleted and linked again, with dead and pending slots.
type corpus struct {
	*hannoy.Index
	vectors map[string]hannoy.Query // of the items, as Vector or Bits
	queries []hannoy.Query
}

const (
	corpusItems = 3000
	corpusDims  = 16
	corpusEf    = 30 // so narrow that walks are cheaper than scans of so few items
)

// label and group are those of row i: a third of the rows have the label, and four in a row
// are a group.
func (c *corpus) label(key string) bool { return key[len(key)-1]%3 == 0 }
func (c *corpus) group(key string) string {
	if key[len(key)-1] == '7' {
		return "" // none
	}
	return "doc:" + key[:len(key)-1]
}

func newCorpus(t *testing.T, o hannoy.Options) *corpus {
	t.Helper()
	o.Dimensions, o.EfConstruction, o.M = corpusDims, 30, 8
	c := &corpus{Index: open(t, t.TempDir(), &o), vectors: map[string]hannoy.Query{}}
	const n = corpusItems + 150
	vectors, bits := fixture.Vectors(n+20, corpusDims, 3), fixture.Bits(n+20, corpusDims, 3)
	query := func(i int) hannoy.Query {
		if o.Metric == hannoy.Hamming {
			return hannoy.Query{Bits: bits[i]}
		}
		return hannoy.Query{Vector: vectors[i]}
	}
	put := func(b *hannoy.Batch, i, row int) error {
		k := fmt.Sprintf("%05d", i)
		var labels []string
		if c.label(k) {
			labels = append(labels, "third")
		}
		if g := c.group(k); g != "" {
			labels = append(labels, g)
		}
		c.vectors[k] = query(row)
		with := []hannoy.PutOption{hannoy.Labels(labels...), hannoy.Value([]byte(k))}
		if o.Metric == hannoy.Hamming {
			return b.PutBits([]byte(k), bits[row], with...)
		}
		return b.Put([]byte(k), vectors[row], with...)
	}
	update(t, c.Index, func(b *hannoy.Batch) (err error) {
		for i := range corpusItems {
			err = errors.Join(err, put(b, i, i))
		}
		return err
	})
	build(t, c.Index, nil)
	update(t, c.Index, func(b *hannoy.Batch) (err error) {
		for i := range 150 {
			err = errors.Join(err, put(b, 7*i, corpusItems+i)) // replaced, pending
			gone := fmt.Sprintf("%05d", 7*i+3)
			delete(c.vectors, gone)
			err = errors.Join(err, b.Delete([]byte(gone)))
		}
		return err
	})
	for i := range 4 {
		c.queries = append(c.queries, query(n+i))
	}
	return c
}

// exact is what an exact scan finds: all hits in order.
func (c *corpus) exact(q hannoy.Query, admit func(key string) bool) []hannoy.Hit {
	var hits []hannoy.Hit
	for key, v := range c.vectors {
		if admit != nil && !admit(key) || string(q.Key) == key {
			continue
		}
		from := q
		if q.Key != nil {
			from = c.vectors[string(q.Key)]
		}
		var d float64
		if from.Bits != nil {
			d = float64(fixture.Differing(from.Bits, v.Bits))
		} else {
			d = fixture.Distance(c.Metric(), from.Vector, v.Vector)
		}
		hits = append(hits, hannoy.Hit{Key: []byte(key), Distance: float32(d)})
	}
	slices.SortFunc(hits, func(a, b hannoy.Hit) int {
		return cmp.Or(cmp.Compare(a.Distance, b.Distance), bytes.Compare(a.Key, b.Key))
	})
	return hits
}

// compare checks that the hits are such as an exact scan finds, each once and at its
// distance, and returns how many of the exact ones are there, by distance.
func (c *corpus) compare(t *testing.T, hits, exact []hannoy.Hit) (found int) {
	t.Helper()
	at := map[string]float32{}
	for _, h := range exact {
		at[string(h.Key)] = h.Distance
	}
	for _, h := range hits {
		want, ok := at[string(h.Key)]
		if !ok {
			t.Fatalf("hit %q may not be returned, or is there a second time", h.Key)
		}
		delete(at, string(h.Key))
		if math.Abs(float64(h.Distance-want)) > 1e-3*(1+math.Abs(float64(want))) {
			t.Fatalf("hit %q at distance %v, it is at %v", h.Key, h.Distance, want)
		}
	}
	if len(exact) < len(hits) {
		t.Fatalf("%d hits, an exact scan finds %d", len(hits), len(exact))
	}
	if len(hits) == 0 {
		return 0
	}
	limit := exact[len(hits)-1].Distance
	limit += 1e-4 * (1 + float32(math.Abs(float64(limit))))
	for _, h := range hits {
		if h.Distance <= limit {
			found++
		}
	}
	return found
}

// collect ranges over n hits, all of them for -1.
func collect(t *testing.T, ix *hannoy.Index, q hannoy.Query, n int, o *hannoy.SearchOptions) (hits []hannoy.Hit) {
	t.Helper()
	for hit, err := range ix.Nearest(ctx, q, o) {
		if err != nil {
			t.Fatal(err)
		}
		if hits = append(hits, hit); len(hits) == n {
			break
		}
	}
	return hits
}

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

// floor is the least share of the exact answers that must be found: with binary codes of
// so few dimensions it is not much.
func (c *corpus) floor(t *testing.T) float64 {
	codes, err := c.Codes()
	if err != nil {
		t.Fatal(err)
	}
	switch {
	case codes == hannoy.CodesBinary:
		return .6
	case c.Metric() == hannoy.InnerProduct:
		return .85
	}
	return .95
}

// share fails the test if too few were found.
func (c *corpus) share(t *testing.T, found, wanted int) {
	t.Helper()
	if share := float64(found) / float64(wanted); share < c.floor(t) {
		t.Errorf("found %d of %d: %.3f, want %v", found, wanted, share, c.floor(t))
	}
}

func (c *corpus) search(t *testing.T, q hannoy.Query, k int, o *hannoy.SearchOptions) []hannoy.Hit {
	t.Helper()
	var hits []hannoy.Hit
	var err error
	switch {
	case q.Key != nil:
		hits, err = c.SearchKey(ctx, q.Key, k, o)
	case q.Bits != nil:
		hits, err = c.SearchBits(ctx, q.Bits, k, o)
	default:
		hits, err = c.Index.Search(ctx, q.Vector, k, o)
	}
	if err != nil {
		t.Fatal(err)
	}
	return hits
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
}

// What outlives its View fails, and does not read pages that others may have written anew.
func TestSnapshotAfterView(t *testing.T) {
	ix := open(t, t.TempDir(), &hannoy.Options{Dimensions: 1})
	putRows(t, ix, [][]float32{{1}, {2}, {3}}, 0, 3)
	var s, on *hannoy.Snapshot
	next, stop := func() (hannoy.Hit, error, bool) { panic("not set") }, func() {}
	err := ix.View(func(view *hannoy.Snapshot) (err error) {
		s = view
		if on, err = view.On(ix); err != nil {
			return err
		}
		next, stop = iter.Pull2(view.Nearest(ctx, hannoy.Query{Vector: []float32{1}}, nil))
		_, err, _ = next()
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	defer stop()
	q := []float32{1}
	one := hannoy.Part{Index: ix, Query: hannoy.Query{Vector: q}}
	for name, try := range map[string]func() error{
		"search":         func() error { _, err := s.Search(ctx, q, 1, nil); return err },
		"search on":      func() error { _, err := on.Search(ctx, q, 1, nil); return err },
		"search batch":   func() error { _, err := s.SearchBatch(ctx, []hannoy.Query{{Vector: q}}, 1, nil); return err },
		"search fused":   func() error { _, err := s.SearchFused(ctx, []hannoy.Part{one}, 1, nil); return err },
		"get":            func() error { _, err := s.Get([]byte("0")); return err },
		"has":            func() error { _, err := s.Has([]byte("0")); return err },
		"labels":         func() error { _, err := s.Labels(""); return err },
		"stats":          func() error { _, err := s.Stats(); return err },
		"prepare":        func() error { _, _, err := s.Prepare(ctx, hannoy.FilterLabel("a")); return err },
		"recall":         func() error { _, err := s.RecallEstimate(ctx, nil, 1, nil); return err },
		"other index":    func() error { _, err := s.On(ix); return err },
		"range, resumed": func() error { _, err, _ := next(); return err },
		"range": func() (err error) {
			for _, err = range s.Nearest(ctx, hannoy.Query{Vector: q}, nil) {
			}
			return err
		},
		"items": func() (err error) {
			for _, err = range s.Items() {
			}
			return err
		},
	} {
		if err := try(); !errors.Is(err, hannoy.ErrClosed) {
			t.Errorf("%s after View: %v, want ErrClosed", name, err)
		}
	}
}
