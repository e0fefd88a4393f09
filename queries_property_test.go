package hannoy_test

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/RoaringBitmap/roaring/v2"

	"github.com/hannoydb/hannoy"
	"github.com/hannoydb/hannoy/distance"
	"github.com/hannoydb/hannoy/internal/fixture"
)

// asked is an index of one metric, type and kind of codes, with linked, pending and dead
// items, and what it holds.
type asked struct {
	*hannoy.Index
	r       *rand.Rand
	keep    func(v []float32) []float32 // the vector as the index stores it
	items   map[uint32]hannoy.Item
	found   int // of wanted, by searches along links
	wanted  int
	queries int
	walked  int // of the queries, along links to the end
}

const (
	askedItems = 1500
	askedDims  = 24
)

func newAsked(t *testing.T, o hannoy.Options, r *rand.Rand) *asked {
	o.Dimensions, o.IDs, o.M, o.EfConstruction = askedDims, true, 8, 40
	a := &asked{Index: open(t, t.TempDir(), &o), r: r, items: map[uint32]hannoy.Item{}}
	kernel, err := distance.New(o.Metric, distance.VectorType(a.VectorType()), askedDims)
	if err != nil {
		t.Fatal(err)
	}
	a.keep = func(v []float32) []float32 { return kernel.Vector(nil, kernel.AppendRow(nil, v)) }
	vectors, bits := vectorsOf(a.VectorType(), 2*askedItems, askedDims, r.Uint64()), fixture.Bits(2*askedItems, askedDims, r.Uint64())
	put := func(b *hannoy.Batch, id uint32, row int) error {
		item := hannoy.Item{Key: hannoy.ID(id), Value: fmt.Append(nil, row), Labels: a.draw()}
		with := []hannoy.PutOption{hannoy.Labels(item.Labels...), hannoy.Value(item.Value)}
		if o.Metric == hannoy.Hamming {
			item.Bits = bits[row]
			a.items[id] = item
			return b.PutBits(item.Key, item.Bits, with...)
		}
		item.Vector = a.keep(vectors[row])
		a.items[id] = item
		return b.Put(item.Key, vectors[row], with...)
	}
	for part := range 3 { // the last part stays pending
		update(t, a.Index, func(b *hannoy.Batch) (err error) {
			for i := range askedItems / 3 {
				err = errors.Join(err, put(b, r.Uint32N(askedItems), part*askedItems/3+i))
			}
			for range askedItems / 15 {
				id := r.Uint32N(askedItems)
				delete(a.items, id)
				err = errors.Join(err, b.Delete(hannoy.ID(id)))
			}
			return err
		})
		if part < 2 {
			build(t, a.Index, nil)
		}
	}
	return a
}

// draw draws the labels of an item.
func (a *asked) draw() (labels []string) {
	for _, label := range []string{"half", "two words", fmt.Sprintf("doc:%d", a.r.IntN(200))} {
		if a.r.IntN(2) == 0 {
			labels = append(labels, label)
		}
	}
	slices.Sort(labels)
	return labels
}

// filter draws a filter, and what it admits.
func (a *asked) filter(depth int) (*hannoy.Filter, func(hannoy.Item) bool) {
	has := func(label string) func(hannoy.Item) bool {
		return func(i hannoy.Item) bool { return slices.Contains(i.Labels, label) }
	}
	id := func(i hannoy.Item) uint32 {
		id, _ := hannoy.ParseID(i.Key)
		return id
	}
	kind := a.r.IntN(9)
	if depth == 0 {
		kind %= 6
	}
	switch kind {
	case 0:
		return hannoy.FilterLabel("half"), has("half")
	case 1:
		f, err := hannoy.ParseFilter(`!"two words" & doc:*`)
		if err != nil {
			panic(err) // the text is ours
		}
		return f, func(i hannoy.Item) bool {
			return !has("two words")(i) && slices.ContainsFunc(i.Labels, func(l string) bool { return l[:4] == "doc:" })
		}
	case 2:
		label := fmt.Sprintf("doc:%d", a.r.IntN(201)) // no item has the last
		return hannoy.FilterLabel(label), has(label)
	case 3, 4:
		ids, keys := roaring.New(), [][]byte{}
		for range a.r.IntN(askedItems) {
			ids.Add(a.r.Uint32N(askedItems + 100))
		}
		admits := func(i hannoy.Item) bool { return ids.Contains(id(i)) }
		if kind == 3 {
			return hannoy.FilterIDs(ids), admits
		}
		for it := ids.Iterator(); it.HasNext(); {
			keys = append(keys, hannoy.ID(it.Next()))
		}
		return hannoy.FilterKeys(keys...), admits
	case 5:
		n := 1 + a.r.Uint32N(20)
		test := func(i hannoy.Item) bool { return id(i)%n == 0 }
		return hannoy.FilterFunc(func(key []byte) bool { return test(hannoy.Item{Key: key}) }), test
	case 6:
		f, admits := a.filter(depth - 1)
		return f.Not(), func(i hannoy.Item) bool { return !admits(i) }
	}
	f, one := a.filter(depth - 1)
	g, other := a.filter(depth - 1)
	if kind == 7 {
		return f.And(g), func(i hannoy.Item) bool { return one(i) && other(i) }
	}
	return f.Or(g), func(i hannoy.Item) bool { return one(i) || other(i) }
}

// item draws an item.
func (a *asked) item() hannoy.Item {
	for {
		if item, is := a.items[a.r.Uint32N(askedItems)]; is {
			return item
		}
	}
}

// query draws a query, and the item's vector or bits that it means.
func (a *asked) query() (q hannoy.Query, at hannoy.Item) {
	if a.r.IntN(3) == 0 {
		at = a.item()
		return hannoy.Query{Key: at.Key}, at
	}
	if a.Metric() == hannoy.Hamming {
		at.Bits = fixture.Bits(1, askedDims, a.r.Uint64())[0]
		return hannoy.Query{Bits: at.Bits}, at
	}
	v := vectorsOf(a.VectorType(), 1, askedDims, a.r.Uint64())[0]
	return hannoy.Query{Vector: v}, hannoy.Item{Vector: a.keep(v)}
}

// distance is that of two items, as the metric reports it.
func (a *asked) distance(x, y hannoy.Item) float32 {
	if x.Bits != nil {
		return float32(fixture.Differing(x.Bits, y.Bits))
	}
	return float32(fixture.Distance(a.Metric(), x.Vector, y.Vector))
}

// group is the first label that the prefix groups by.
func group(item hannoy.Item, prefix string) string {
	for _, l := range item.Labels {
		if prefix != "" && bytes.HasPrefix([]byte(l), []byte(prefix)) {
			return l
		}
	}
	return ""
}

// exact is what an exact scan finds: all that may be returned, nearest first.
func (a *asked) exact(q hannoy.Query, at hannoy.Item, admits func(hannoy.Item) bool, o *hannoy.SearchOptions) []hannoy.Hit {
	var hits []hannoy.Hit
	for _, item := range a.items {
		if d := a.distance(at, item); !bytes.Equal(item.Key, q.Key) && admits(item) && (o.MaxDistance == nil || d <= *o.MaxDistance) {
			hits = append(hits, hannoy.Hit{Key: item.Key, Distance: d, Group: group(item, o.GroupBy)})
		}
	}
	slices.SortFunc(hits, func(x, y hannoy.Hit) int {
		return cmp.Or(cmp.Compare(x.Distance, y.Distance), bytes.Compare(x.Key, y.Key))
	})
	counts := map[string]int{}
	return slices.DeleteFunc(hits, func(h hannoy.Hit) bool {
		counts[h.Group]++
		return h.Group != "" && counts[h.Group] > max(o.PerGroup, 1)
	})
}

// ask draws a query of any form, and compares the answer with that of a scan.
func (a *asked) ask(t *testing.T) {
	q, at := a.query()
	k := 1 + a.r.IntN(30)
	o := &hannoy.SearchOptions{Ef: k + 20, Exact: a.r.IntN(4) == 0, WithValues: true, WithVectors: true, Stats: new(hannoy.SearchStats)}
	admits := func(hannoy.Item) bool { return true }
	if a.r.IntN(3) > 0 {
		o.Filter, admits = a.filter(2)
	}
	if a.r.IntN(3) == 0 {
		o.GroupBy, o.PerGroup = "doc:", a.r.IntN(3)
	}
	if a.r.IntN(4) == 0 {
		o.MaxDistance = new(a.distance(at, a.item()) + .01) // between distances: none is on the edge
	}
	exact := a.exact(q, at, admits, o)
	var hits []hannoy.Hit
	var err error
	form := a.r.IntN(3)
	switch form {
	case 0:
		hits = collect(t, a.Index, q, k, o)
	case 1:
		var all [][]hannoy.Hit
		if all, err = a.SearchBatch(ctx, []hannoy.Query{q, q}, k, o); err == nil {
			hits = all[1]
		}
	default:
		hits, err = (&corpus{Index: a.Index}).search(t, q, k, o), nil
	}
	name := fmt.Sprintf("query %d: form %d, k %d, filter %v, group %q, %d exact hits: %s", a.queries, form, k, o.Filter, o.GroupBy, len(exact), o.Stats.Explain())
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	a.judge(t, name, q, at, admits, hits, exact, k, o)
	a.queries++
	if o.Stats.Hops > 0 && !o.Stats.Scanned {
		a.walked++
	}
}

// judge fails the test if a hit may not be there, or too few are.
func (a *asked) judge(t *testing.T, name string, q hannoy.Query, at hannoy.Item, admits func(hannoy.Item) bool, hits, exact []hannoy.Hit, k int, o *hannoy.SearchOptions) {
	t.Helper()
	wanted := min(k, len(exact))
	if len(hits) > wanted || len(hits) < wanted && (o.Exact || o.MaxDistance == nil) {
		t.Fatalf("%s: %d hits", name, len(hits))
	}
	a.wanted += wanted
	seen, counts := map[string]bool{}, map[string]int{}
	for i, h := range hits {
		id, _ := hannoy.ParseID(h.Key)
		item, is := a.items[id]
		d := a.distance(at, item)
		near := func(x, y float32) bool { return math.Abs(float64(x-y)) <= 1e-3*(1+math.Abs(float64(y))) }
		counts[h.Group]++
		switch {
		case !is || seen[string(h.Key)]:
			t.Fatalf("%s: hit %d is no item, or there a second time", name, id)
		case !near(h.Distance, d) || o.MaxDistance != nil && h.Distance > *o.MaxDistance:
			t.Fatalf("%s: hit %d at %v is at %v", name, id, h.Distance, d)
		case h.Group != group(item, o.GroupBy) || h.Group != "" && counts[h.Group] > max(o.PerGroup, 1):
			t.Fatalf("%s: hit %d is the %d. of group %q", name, id, counts[h.Group], h.Group)
		case !bytes.Equal(h.Value, item.Value) || !slices.Equal(h.Vector, item.Vector) || !bytes.Equal(h.Bits, item.Bits):
			t.Fatalf("%s: hit %d with value %q, vector %v, bits %x", name, id, h.Value, h.Vector, h.Bits)
		case !admits(item) || bytes.Equal(h.Key, q.Key):
			t.Fatalf("%s: hit %d does not match", name, id)
		}
		seen[string(h.Key)] = true
		if o.Exact && !near(h.Distance, exact[i].Distance) {
			t.Fatalf("%s: hit %d is at %v, the one there is at %v", name, i, h.Distance, exact[i].Distance)
		}
		if last := exact[wanted-1].Distance; h.Distance <= last || near(h.Distance, last) {
			a.found++
		}
	}
}

// Queries of every form, with everything at once, in indexes of every metric, type and
// kind of codes.
func TestRandomQueriesAgainstScan(t *testing.T) {
	seed := fixture.Seed(t)
	var all []hannoy.Options
	for _, metric := range metrics {
		for _, typ := range numberTypes {
			all = append(all, hannoy.Options{Metric: metric, VectorType: typ})
		}
	}
	all = append(all, hannoy.Options{Metric: hannoy.Euclidean, Codes: hannoy.CodesNone}, hannoy.Options{Metric: hannoy.Cosine, Codes: hannoy.CodesBinary},
		hannoy.Options{Metric: hannoy.Hamming})
	for i, o := range all {
		t.Run(fmt.Sprintf("%v-%v-%v", o.Metric, o.VectorType, o.Codes), func(t *testing.T) {
			t.Parallel()
			a := newAsked(t, o, rand.New(rand.NewPCG(seed, uint64(i))))
			for range 80 {
				a.ask(t)
			}
			floor := .93
			if o.Codes == hannoy.CodesBinary || o.Metric == hannoy.InnerProduct {
				floor = .75 // signs of so few numbers say little; and inner products are no metric
			}
			recall := float64(a.found) / float64(a.wanted)
			t.Logf("recall %.3f, %d of %d queries walked", recall, a.walked, a.queries)
			if recall < floor || a.walked == 0 {
				t.Errorf("recall is %.3f, want %v", recall, floor)
			}
		})
	}
}
