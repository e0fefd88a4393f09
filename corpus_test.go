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
