package hannoy_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/RoaringBitmap/roaring/v2"

	"github.com/hannoydb/hannoy"
	"github.com/hannoydb/hannoy/internal/fixture"
)

// labelled is a model of an index with labels: by key.
type labelled struct {
	vectors map[string][]float32
	labels  map[string][]string
}

func (m *labelled) has(key, label string) bool {
	_, found := slices.BinarySearch(m.labels[key], label)
	return found
}

// testFilter is a filter and what it should admit.
type testFilter struct {
	filter *hannoy.Filter
	admits func(key string) bool
}

// randomFilter draws an expression over the labels, keys and ids of the model.
func (m *labelled) randomFilter(t *testing.T, r *rand.Rand, ids bool, depth int) testFilter {
	pick := r.IntN(9)
	if depth == 0 {
		pick = r.IntN(6)
	}
	sub := func() testFilter { return m.randomFilter(t, r, ids, depth-1) }
	switch pick {
	case 0, 1:
		label := testLabels[r.IntN(len(testLabels))]
		return testFilter{hannoy.FilterLabel(label), func(key string) bool { return m.has(key, label) }}
	case 2:
		f, err := hannoy.ParseFilter("lang:* & !\"two words\"")
		if err != nil {
			t.Fatal(err)
		}
		return testFilter{f, func(key string) bool {
			return !m.has(key, "two words") && slices.ContainsFunc(m.labels[key], func(l string) bool { return strings.HasPrefix(l, "lang:") })
		}}
	case 3:
		modulus := byte(2 + r.IntN(5))
		admits := func(key string) bool { return key[len(key)-1]%modulus == 0 }
		return testFilter{hannoy.FilterFunc(func(key []byte) bool { return admits(string(key)) }), admits}
	case 4:
		chosen := map[string]bool{"no": true}
		keys := [][]byte{}
		for key := range m.vectors {
			if r.IntN(4) == 0 {
				chosen[key] = true
				keys = append(keys, []byte(key))
			}
		}
		return testFilter{hannoy.FilterKeys(keys...), func(key string) bool { return chosen[key] }}
	case 5:
		if !ids {
			return m.randomFilter(t, r, ids, depth)
		}
		bitmap := roaring.New()
		for range 300 {
			bitmap.Add(r.Uint32N(600) * 7919)
		}
		return testFilter{hannoy.FilterIDs(bitmap), func(key string) bool {
			id, err := hannoy.ParseID([]byte(key))
			return err == nil && bitmap.Contains(id)
		}}
	case 6:
		a, b := sub(), sub()
		return testFilter{a.filter.And(b.filter), func(key string) bool { return a.admits(key) && b.admits(key) }}
	case 7:
		a, b := sub(), sub()
		return testFilter{a.filter.Or(b.filter), func(key string) bool { return a.admits(key) || b.admits(key) }}
	default:
		a := sub()
		return testFilter{a.filter.Not(), func(key string) bool { return !a.admits(key) }}
	}
}

var testLabels = []string{"lang:en", "lang:de", "draft", "two words", "größe", "lang", "rare"}

// One list of operations, random but replayable: labels are listed, got, counted and
// filtered by as the model has them, after every step, and an index built anew from the
// same items says the same.
func TestLabelsAgainstModel(t *testing.T) {
	seed := fixture.Seed(t)
	for _, ids := range []bool{false, true} {
		t.Run(fmt.Sprintf("ids=%t", ids), func(t *testing.T) { runLabelsAgainstModel(t, seed, ids) })
	}
}

func runLabelsAgainstModel(t *testing.T, seed uint64, ids bool) {
	const dims = 6
	r := rand.New(rand.NewPCG(seed, 9))
	vectors := fixture.Vectors(2000, dims, seed)
	ix := open(t, t.TempDir(), &hannoy.Options{Dimensions: dims, M: 4, EfConstruction: 30, IDs: ids})
	keyOf := key
	if ids {
		keyOf = func(i int) []byte { return hannoy.ID(uint32(i) * 7919) }
	}
	m := &labelled{map[string][]float32{}, map[string][]string{}}
	for step := range 12 {
		update(t, ix, func(b *hannoy.Batch) error {
			for range 1 + r.IntN(300) {
				k := keyOf(r.IntN(600))
				if r.IntN(4) == 0 {
					delete(m.vectors, string(k))
					delete(m.labels, string(k))
					if err := b.Delete(k); err != nil {
						return err
					}
					continue
				}
				var labels []string
				for i, label := range testLabels {
					if r.IntN(1+i*i) == 0 {
						labels = append(labels, label)
					}
				}
				v := vectors[r.IntN(len(vectors))]
				shuffled := append(slices.Clone(labels), labels...)
				r.Shuffle(len(shuffled), func(i, j int) { shuffled[i], shuffled[j] = shuffled[j], shuffled[i] })
				slices.Sort(labels)
				m.vectors[string(k)], m.labels[string(k)] = v, labels
				if err := b.Put(k, v, hannoy.Labels(shuffled...)); err != nil {
					return err
				}
			}
			return nil
		})
		if step%3 == 2 {
			build(t, ix, nil)
		}
		checkSound(t, ix)
		m.compare(t, ix)
		for range 6 {
			f := m.randomFilter(t, r, ids, 3)
			m.compareSearch(t, ix, f, vectors[r.IntN(len(vectors))])
		}
	}
}

// compare holds the labels that the index lists and those of each item against the model.
func (m *labelled) compare(t *testing.T, ix *hannoy.Index) {
	t.Helper()
	counts := map[string]int{}
	for _, labels := range m.labels {
		for _, label := range labels {
			counts[label]++
		}
	}
	err := ix.View(func(s *hannoy.Snapshot) error {
		for _, prefix := range []string{"", "lang", "x"} {
			listed, err := s.Labels(prefix)
			if err != nil {
				return err
			}
			want := 0
			for label := range counts {
				if strings.HasPrefix(label, prefix) {
					want++
				}
			}
			if len(listed) != want || !slices.IsSortedFunc(listed, func(a, b hannoy.LabelCount) int { return strings.Compare(a.Label, b.Label) }) {
				t.Fatalf("labels with prefix %q: %v, want those of %v", prefix, listed, counts)
			}
			for _, l := range listed {
				if counts[l.Label] != l.Items {
					t.Fatalf("label %q is listed with %d items, %d have it", l.Label, l.Items, counts[l.Label])
				}
			}
		}
		for item, err := range s.Items() {
			if err != nil {
				return err
			}
			if !slices.Equal(item.Labels, m.labels[string(item.Key)]) {
				t.Fatalf("item %q has labels %q, want %q", item.Key, item.Labels, m.labels[string(item.Key)])
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// compareSearch holds a filtered search against the model: min(k, matches) hits, all of
// which match, at their distances; all of them the nearest when the search is as wide as the index.
func (m *labelled) compareSearch(t *testing.T, ix *hannoy.Index, f testFilter, query []float32) {
	t.Helper()
	var all []float64
	for key, v := range m.vectors {
		if f.admits(key) {
			all = append(all, fixture.Distance(hannoy.Euclidean, query, v))
		}
	}
	for _, k := range []int{1, 10, 700} {
		nearest := fixture.Nearest(all, k)
		var stats hannoy.SearchStats
		hits, err := ix.Search(ctx, query, k, &hannoy.SearchOptions{Ef: max(k, 20), Filter: f.filter, Stats: &stats})
		if err != nil {
			t.Fatalf("filter %v: %v", f.filter, err)
		}
		if len(hits) != len(nearest) {
			t.Fatalf("filter %v, k = %d: %d hits of %d matches (%+v)", f.filter, k, len(hits), len(all), stats)
		}
		for i, h := range hits {
			want := fixture.Distance(hannoy.Euclidean, query, m.vectors[string(h.Key)])
			if !f.admits(string(h.Key)) || float64(h.Distance)-want > 1e-4*(1+want) {
				t.Fatalf("filter %v: hit %q at %v does not match, or is at %v", f.filter, h.Key, h.Distance, want)
			}
			if k == 700 && float64(h.Distance)-nearest[i] > 1e-4*(1+nearest[i]) {
				t.Fatalf("filter %v: hit %d is at %v, the one there should be at %v", f.filter, i, h.Distance, nearest[i])
			}
		}
	}
	err := ix.View(func(s *hannoy.Snapshot) error {
		prepared, items, err := s.Prepare(ctx, f.filter)
		if err != nil {
			return err
		}
		if items != len(all) || prepared.String() != f.filter.String() {
			t.Errorf("filter %v is prepared as %v with %d items, want %d", f.filter, prepared, items, len(all))
		}
		for _, filter := range []*hannoy.Filter{f.filter, prepared} {
			seen := map[string]bool{}
			for item, err := range s.Matching(ctx, filter) {
				if err != nil {
					return err
				}
				if !f.admits(string(item.Key)) || seen[string(item.Key)] || !slices.Equal(item.Labels, m.labels[string(item.Key)]) {
					t.Errorf("filter %v: item %q with labels %q does not match, or came before", filter, item.Key, item.Labels)
				}
				seen[string(item.Key)] = true
			}
			if len(seen) != len(all) {
				t.Errorf("filter %v: %d items match, want %d", filter, len(seen), len(all))
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestLabelLimits(t *testing.T) {
	ix := open(t, t.TempDir(), &hannoy.Options{Dimensions: 1})
	for _, bad := range []string{"", strings.Repeat("x", 256), "a\x00b", "tab\t", "\xff"} {
		_, err := ix.Update(ctx, func(b *hannoy.Batch) error { return b.Put([]byte("a"), []float32{1}, hannoy.Labels("fine", bad)) })
		if !errors.Is(err, hannoy.ErrInvalid) {
			t.Errorf("label %q: %v, want ErrInvalid", bad, err)
		}
	}
	var many []string
	for i := range 64 {
		many = append(many, fmt.Sprintf("%0254d", i))
	}
	_, err := ix.Update(ctx, func(b *hannoy.Batch) error { return b.Put([]byte("a"), []float32{1}, hannoy.Labels(many...)) })
	if err != nil {
		t.Errorf("64 labels of 254 bytes: %v", err)
	}
	many = append(many, "one more, of many bytes: "+strings.Repeat("x", 200))
	_, err = ix.Update(ctx, func(b *hannoy.Batch) error { return b.Put([]byte("a"), []float32{1}, hannoy.Labels(many...)) })
	if !errors.Is(err, hannoy.ErrInvalid) {
		t.Errorf("more labels than an entry holds: %v, want ErrInvalid", err)
	}
	checkSound(t, ix)
}

// What has no meaning in an index is refused, and so is text that is no filter.
func TestFilterErrors(t *testing.T) {
	ix := open(t, t.TempDir(), &hannoy.Options{Dimensions: 1})
	putRows(t, ix, [][]float32{{1}}, 0, 1)
	for name, f := range map[string]*hannoy.Filter{
		"ids":   hannoy.FilterIDs(roaring.BitmapOf(1)).Not(),
		"key":   hannoy.FilterKeys([]byte("a"), nil),
		"label": hannoy.FilterLabel("a").And(hannoy.FilterLabel("\x00")),
	} {
		if _, err := ix.Search(ctx, []float32{1}, 1, &hannoy.SearchOptions{Filter: f}); !errors.Is(err, hannoy.ErrInvalid) {
			t.Errorf("filter of %s: %v, want ErrInvalid", name, err)
		}
	}
	_, err := hannoy.ParseFilter("lang:en & | draft")
	var at *hannoy.FilterError
	if !errors.As(err, &at) || !errors.Is(err, hannoy.ErrInvalid) || at.Offset != 10 || at.Caret() != "lang:en & | draft\n          ^" {
		t.Errorf("error %v", err)
	}
}
