package hannoy_test

import (
	"errors"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/hannoydb/hannoy"
	"github.com/hannoydb/hannoy/codec"
	"github.com/hannoydb/hannoy/internal/fixture"
	"github.com/hannoydb/hannoy/kv"
)

// TestChurn changes an index in every way that hurts; after each it checks clean, has no
// more slots than it must, and finds what a scan finds.
func TestChurn(t *testing.T) {
	const n, dims = 900, 16
	vectors, queries := fixture.Vectors(2*n, dims, 31), fixture.Vectors(40, dims, 32)
	r := rand.New(rand.NewPCG(33, 1))
	ix := open(t, t.TempDir(), &hannoy.Options{Dimensions: dims, M: 8, EfConstruction: 60})
	m := newModel(hannoy.Euclidean, nil)
	most := 0
	step := func(what string, remove, put []int, at func(i int) []float32) {
		t.Helper()
		update(t, ix, func(b *hannoy.Batch) error {
			var errs error
			for _, i := range remove {
				errs = errors.Join(errs, b.Delete(key(i)))
				delete(m.items, string(key(i)))
			}
			for _, i := range put {
				v := at(i)
				errs = errors.Join(errs, b.Put(key(i), v))
				m.put(i, v)
			}
			return errs
		})
		// New and old slots are there at once until the build: so many and no more.
		most = max(most, len(m.items)+len(remove)+len(put))
		build(t, ix, nil)
		stats, err := ix.Stats()
		if err != nil {
			t.Fatal(err)
		}
		// One in 16 stays free.
		if stats.Items != len(m.items) || stats.Pending+stats.Dead != 0 || stats.Items+stats.Free > most*16/15+1 {
			t.Fatalf("%s: %d items, %d pending, %d dead, %d free; want %d, 0, 0 and at most %d slots", what, stats.Items, stats.Pending, stats.Dead, stats.Free, len(m.items), most*16/15+1)
		}
		if recall := m.recall(t, ix, queries, 10, &hannoy.SearchOptions{Ef: 48}); recall < .97 {
			t.Errorf("%s: recall %v", what, recall)
		}
	}
	row := func(i int) []float32 { return vectors[i] }
	some := r.Perm(n)
	step("fill", nil, some, row)
	byDistance := func(to []float32) []int {
		all := slices.Clone(some)
		slices.SortFunc(all, func(a, b int) int {
			d := fixture.Distance(hannoy.Euclidean, to, vectors[a]) - fixture.Distance(hannoy.Euclidean, to, vectors[b])
			if d < 0 {
				return -1
			}
			return 1
		})
		return all
	}
	step("a region leaves", byDistance(vectors[7])[:n/4], nil, row)
	step("the region comes back", nil, byDistance(vectors[7])[:n/4], row)
	step("nine tenths leave", some[n/10:], nil, row)
	step("they come back", nil, some[n/10:], row)
	step("all are replaced", nil, some, func(i int) []float32 { return vectors[n+i] })
	for range 20 {
		step("one key is replaced", nil, []int{5}, func(int) []float32 { return vectors[r.IntN(2*n)] })
	}
	step("everything leaves", some, nil, row)
	step("everything comes back", nil, some, row)
	step("half becomes equal", nil, some[:n/2], func(int) []float32 { return vectors[0] })
	step("the equals leave", some[:n/2], nil, row)
}

// TestFreedSlotsUnderASnapshot: slots are used again while a reader holds a snapshot in
// which they mean something else.
func TestFreedSlotsUnderASnapshot(t *testing.T) {
	const n, dims = 600, 12
	vectors, queries := fixture.Vectors(3*n, dims, 41), fixture.Vectors(20, dims, 42)
	ix := open(t, t.TempDir(), &hannoy.Options{Dimensions: dims})
	putRows(t, ix, vectors, 0, n)
	build(t, ix, nil)
	var held [][]hannoy.Hit
	search := func(s *hannoy.Snapshot) (all [][]hannoy.Hit) {
		for _, q := range queries {
			hits, err := s.Search(ctx, q, 10, nil)
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, hits)
		}
		return all
	}
	err := ix.View(func(s *hannoy.Snapshot) error {
		held = search(s)
		for turn := 1; turn <= 2; turn++ {
			update(t, ix, func(b *hannoy.Batch) error {
				var errs error
				for i := range n {
					errs = errors.Join(errs, b.Delete(key((turn-1)*n+i)))
				}
				return errs
			})
			build(t, ix, nil)
			putRows(t, ix, vectors, turn*n, (turn+1)*n)
			build(t, ix, nil)
		}
		stats, err := ix.Stats()
		if err != nil {
			return err
		}
		if slots := stats.Free + stats.Items; slots > n*16/15 || stats.Items != n { // one in 16 may stay free
			t.Errorf("%d items and %d free slots: too few were used again", stats.Items, stats.Free)
		}
		for q, hits := range search(s) {
			for i, h := range hits {
				if want := held[q][i]; string(h.Key) != string(want.Key) || h.Distance != want.Distance {
					t.Fatalf("query %d, hit %d: %q at %v, was %q at %v", q, i, h.Key, h.Distance, want.Key, want.Distance)
				}
			}
		}
		item, err := s.Get(key(3))
		if err != nil || !slices.Equal(item.Vector, vectors[3]) {
			t.Errorf("item %q: %v, %v", key(3), item.Vector, err)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	m := newModel(hannoy.Euclidean, nil)
	for i := 2 * n; i < 3*n; i++ {
		m.put(i, vectors[i])
	}
	if r := m.recall(t, ix, queries, 10, nil); r < .97 {
		t.Errorf("recall %v after two turnovers", r)
	}
}

// TestRanksAreRenumbered: an index whose ranks are used up goes on from 1.
func TestRanksAreRenumbered(t *testing.T) {
	const n, dims = 400, 8
	dir := t.TempDir()
	vectors, queries := fixture.Vectors(n+100, dims, 51), fixture.Vectors(20, dims, 52)
	ix := open(t, dir, &hannoy.Options{Dimensions: dims})
	putRows(t, ix, vectors, 0, n)
	build(t, ix, nil)
	env, err := kv.Open(dir, kv.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer env.Close()
	meta := func(edit func(m *codec.Meta)) {
		t.Helper()
		err := env.Update(ctx, func(txn *kv.Txn) error {
			key := codec.MetaKey(1)
			body, err := txn.Get(key)
			if err != nil {
				return err
			}
			m, err := codec.ParseMeta(key, body)
			if err != nil {
				return err
			}
			edit(m)
			return txn.Put(key, codec.AppendMeta(nil, m))
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	meta(func(m *codec.Meta) { m.NextRank = 1<<32 - 50 })
	update(t, ix, func(b *hannoy.Batch) error { return b.Delete(key(0)) })
	putRows(t, ix, vectors, n, n+100)
	build(t, ix, nil)
	meta(func(m *codec.Meta) {
		if m.NextRank != n+100+1 {
			t.Errorf("next rank is %d, want %d", m.NextRank, n+100+1)
		}
	})
	m := newModel(hannoy.Euclidean, vectors)
	delete(m.items, string(key(0)))
	if r := m.recall(t, ix, queries, 10, nil); r < .97 {
		t.Errorf("recall %v", r)
	}
}

// TestSpreadFollows: when what is in an index is replaced step by step by what is unlike
// it, beams go by the spread of what is there.
func TestSpreadFollows(t *testing.T) {
	const n, dims, plane = 1600, 12, 2
	wide := fixture.Vectors(n, dims, 61)
	flat := fixture.Vectors(n, dims, 62)
	for _, v := range flat {
		clear(v[plane:])
	}
	spread := func(vectors ...[][]float32) float32 {
		t.Helper()
		dir := t.TempDir()
		ix := open(t, dir, &hannoy.Options{Dimensions: dims, M: 8, EfConstruction: 60})
		for i, rows := range vectors {
			for from, step := 0, n/(1+7*i); from < n; from += step { // the first all at once
				putRows(t, ix, rows, from, min(from+step, n))
				build(t, ix, nil)
			}
		}
		var m *codec.Meta
		err := kv.Peek(dir, func(s *kv.Snapshot) (err error) {
			m, err = s.Meta(1)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		return m.Spread
	}
	before, after, fresh := spread(flat), spread(flat, wide), spread(wide)
	if !(fresh > 0) || before < 1.5*fresh {
		t.Fatalf("the spread is %v in a plane and %v in space", before, fresh)
	}
	if after < .8*fresh || after > 1.25*fresh {
		t.Errorf("after a turnover the spread is %v, in a new index of the same %v", after, fresh)
	}
}
