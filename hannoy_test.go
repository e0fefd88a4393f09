package hannoy_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hannoydb/hannoy"
	"github.com/hannoydb/hannoy/codec"
	"github.com/hannoydb/hannoy/internal/fixture"
	"github.com/hannoydb/hannoy/kv"
)

var ctx = context.Background()

func open(t testing.TB, dir string, o *hannoy.Options) *hannoy.Index {
	t.Helper()
	ix, err := hannoy.Open(dir, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := ix.Close(); err != nil {
			t.Error(err)
		}
	})
	return ix
}

func update(t testing.TB, ix *hannoy.Index, fn func(b *hannoy.Batch) error) int {
	t.Helper()
	changed, err := ix.Update(ctx, fn)
	if err != nil {
		t.Fatal(err)
	}
	return changed
}

// key is the key of row i, in decimal as the command line makes it.
func key(i int) []byte { return strconv.AppendInt(nil, int64(i), 10) }

// putRows puts vectors[from:to] under their row numbers.
func putRows(t testing.TB, ix *hannoy.Index, vectors [][]float32, from, to int) {
	t.Helper()
	update(t, ix, func(b *hannoy.Batch) error {
		for i := from; i < to; i++ {
			if err := b.Put(key(i), vectors[i]); err != nil {
				return err
			}
		}
		return nil
	})
}

func build(t testing.TB, ix *hannoy.Index, o *hannoy.BuildOptions) *hannoy.BuildReport {
	t.Helper()
	report, err := ix.Build(ctx, o)
	if err != nil {
		t.Fatal(err)
	}
	checkSound(t, ix)
	return report
}

func checkSound(t testing.TB, ix *hannoy.Index) {
	t.Helper()
	report, err := ix.Check(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if !report.Sound {
		t.Fatalf("check found %d problems, the first: %+v", report.Found, report.Problems[:min(5, len(report.Problems))])
	}
}

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

// The graph depends on the items and the seed, not on threads or commits.
func TestBuildIsDeterministic(t *testing.T) {
	const dims = 16
	n := fewer(4000)
	vectors := fixture.Vectors(n, dims, 5)
	var dumps []string
	for _, o := range []hannoy.BuildOptions{{Threads: 1}, {Threads: 2}, {Threads: 8}, {Threads: 3, MemoryBudget: 1 << 20}, {Threads: 2, MemoryBudget: 4 << 20, CommitEvery: 1}} {
		ix := open(t, t.TempDir(), &hannoy.Options{Dimensions: dims, Seed: 9})
		putRows(t, ix, vectors, 0, n)
		build(t, ix, &o)
		update(t, ix, func(b *hannoy.Batch) error {
			for i := 0; i < n; i += 7 {
				if err := b.Delete(key(i)); err != nil {
					return err
				}
			}
			return b.Put(key(1), vectors[2])
		})
		report := build(t, ix, &o)
		dumps = append(dumps, dump(t, ix))
		if o.MemoryBudget > 0 && report.Commits == 0 {
			t.Error("no commit")
		}
	}
	for i, d := range dumps[1:] {
		if d != dumps[0] {
			t.Errorf("build %d differs from the first", i+1)
		}
	}
}

func dump(t *testing.T, ix *hannoy.Index) string {
	t.Helper()
	env, err := kv.Open(ix.Path(), kv.Options{}) // the one that is open
	if err != nil {
		t.Fatal(err)
	}
	defer env.Close()
	snap, err := env.Acquire()
	if err != nil {
		t.Fatal(err)
	}
	defer snap.Release()
	var b strings.Builder
	err = snap.ScanUnverified(nil, func(key, value []byte) error {
		b.WriteString(codec.Describe(key, value, nil))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// A small change writes the records that it touches and no others.
func TestIncrementalBuildWritesLittle(t *testing.T) {
	const dims = 16
	n := fewer(20000)
	vectors := fixture.Vectors(n+101, dims, 6)
	ix := open(t, t.TempDir(), &hannoy.Options{Dimensions: dims})
	putRows(t, ix, vectors, 0, n)
	build(t, ix, nil)
	putRows(t, ix, vectors, n, n+1)
	if r := build(t, ix, nil); r.Linked != 1 || r.RecordsWritten > 200 {
		t.Errorf("one put: linked %d, wrote %d records", r.Linked, r.RecordsWritten)
	}
	putRows(t, ix, vectors, n+1, n+101)
	if r := build(t, ix, nil); r.Linked != 100 || r.RecordsWritten > 100*60 || r.Distances > 100*20000 {
		t.Errorf("100 puts: linked %d, wrote %d records, computed %d distances", r.Linked, r.RecordsWritten, r.Distances)
	}
	if r := build(t, ix, nil); r.Commits != 0 {
		t.Errorf("a build of nothing made %d commits", r.Commits)
	}
}

func TestDuplicates(t *testing.T) {
	const dims = 8
	n := fewer(10000)
	equal := n / 5
	vectors, queries := fixture.Vectors(n, dims, 7), fixture.Vectors(50, dims, 8)
	for i := range equal {
		vectors[i] = vectors[0]
	}
	ix := open(t, t.TempDir(), &hannoy.Options{Dimensions: dims})
	m := newModel(hannoy.Euclidean, vectors)
	putRows(t, ix, vectors, 0, n)
	build(t, ix, nil)
	if r := m.recall(t, ix, append(queries, vectors[0]), 10, &hannoy.SearchOptions{Ef: 40}); r < 0.98 {
		t.Errorf("recall is %v", r)
	}
}

func TestOthersWriteWhileABuildRuns(t *testing.T) {
	const dims = 16
	n := fewer(6000)
	vectors, queries := fixture.Vectors(2*n, dims, 8), fixture.Vectors(20, dims, 9)
	ix := open(t, t.TempDir(), &hannoy.Options{Dimensions: dims})
	putRows(t, ix, vectors, 0, n)
	m := newModel(hannoy.Euclidean, vectors[:n])
	var writer sync.WaitGroup
	started := make(chan bool)
	var once sync.Once
	writer.Go(func() {
		<-started
		for i := range 300 {
			update(t, ix, func(b *hannoy.Batch) error {
				// Slots that the build has linked, is linking and has never seen.
				if err := b.Delete(key(3 * i)); err != nil {
					return err
				}
				if err := b.Put(key(3*i+1), vectors[n+i]); err != nil {
					return err
				}
				return b.Put(key(n+i), vectors[n+1000+i])
			})
		}
	})
	progress := func(hannoy.BuildProgress) { once.Do(func() { close(started) }) }
	if _, err := ix.Build(ctx, &hannoy.BuildOptions{Progress: progress, MemoryBudget: 1 << 20}); err != nil {
		t.Fatal(err)
	}
	writer.Wait()
	for i := range 300 {
		delete(m.items, string(key(3*i)))
		m.put(3*i+1, vectors[n+i])
		m.put(n+i, vectors[n+1000+i])
	}
	checkSound(t, ix)
	if r := m.recall(t, ix, queries, 10, nil); r < 0.97 {
		t.Errorf("before the second build recall is %v", r)
	}
	build(t, ix, nil)
	if r := m.recall(t, ix, queries, 10, nil); r < 0.97 {
		t.Errorf("after it recall is %v", r)
	}
}

func TestCancelledBuildResumes(t *testing.T) {
	const n, dims = 8000, 16
	vectors := fixture.Vectors(n, dims, 10)
	ix := open(t, t.TempDir(), &hannoy.Options{Dimensions: dims})
	putRows(t, ix, vectors, 0, n)
	cancelled, cancel := context.WithCancel(ctx)
	var at time.Time
	o := &hannoy.BuildOptions{MemoryBudget: 1 << 20, Progress: func(p hannoy.BuildProgress) {
		if p.Done > n/2 && at.IsZero() {
			at = time.Now()
			cancel()
		}
	}}
	if _, err := ix.Build(cancelled, o); !errors.Is(err, context.Canceled) {
		t.Fatalf("Build = %v", err)
	}
	checkSound(t, ix)
	stats, err := ix.Stats()
	if err != nil {
		t.Fatal(err)
	}
	if stats.Pending == 0 || stats.Pending == n {
		t.Errorf("%d of %d items are pending after half a build", stats.Pending, n)
	}
	if r := build(t, ix, nil); r.Linked != stats.Pending {
		t.Errorf("the next build linked %d of %d pending items", r.Linked, stats.Pending)
	}
}

func TestSecondBuildIsRefused(t *testing.T) {
	vectors := fixture.Vectors(2000, 8, 11)
	ix := open(t, t.TempDir(), &hannoy.Options{Dimensions: 8})
	putRows(t, ix, vectors, 0, len(vectors))
	var second error
	_, err := ix.Build(ctx, &hannoy.BuildOptions{Progress: func(hannoy.BuildProgress) {
		if second == nil {
			_, second = ix.Build(ctx, nil)
		}
	}})
	if err != nil || !errors.Is(second, hannoy.ErrBusy) {
		t.Errorf("builds returned %v and %v, want nil and ErrBusy", err, second)
	}
}

func TestSeveralIndexes(t *testing.T) {
	dir := t.TempDir()
	texts := open(t, dir, &hannoy.Options{Index: "texts", Dimensions: 4})
	images := open(t, dir, &hannoy.Options{Index: "images", Dimensions: 6, Metric: hannoy.Cosine, IDs: true})
	changed := update(t, texts, func(b *hannoy.Batch) error {
		if err := b.Put([]byte("a"), []float32{1, 2, 3, 4}); err != nil {
			return err
		}
		return b.On(images).Put(hannoy.ID(1), []float32{1, 2, 3, 4, 5, 6})
	})
	if changed != 2 {
		t.Errorf("%d items changed, want 2", changed)
	}
	for _, ix := range []*hannoy.Index{texts, images} {
		build(t, ix, nil)
		if s, err := ix.Stats(); err != nil || s.Items != 1 || s.Sequence != 1 {
			t.Errorf("%s: %+v, %v", ix.Name(), s, err)
		}
	}
	names, err := hannoy.Indexes(dir)
	if err != nil || !slices.Equal(names, []string{"images", "texts"}) {
		t.Errorf("Indexes = %v, %v", names, err)
	}
	failed := errors.New("no")
	_, err = texts.Update(ctx, func(b *hannoy.Batch) error {
		if err := b.On(images).Delete(hannoy.ID(1)); err != nil {
			return err
		}
		return failed
	})
	if !errors.Is(err, failed) {
		t.Errorf("Update = %v", err)
	}
	hits, err := images.Search(ctx, []float32{1, 2, 3, 4, 5, 6}, 1, nil)
	if err != nil || len(hits) != 1 || hits[0].Distance > 1e-6 {
		t.Errorf("Search = %v, %v", hits, err)
	}
}

func TestBadInput(t *testing.T) {
	nan, inf := float32(math.NaN()), float32(math.Inf(1))
	dir := t.TempDir()
	ix := open(t, dir, &hannoy.Options{Dimensions: 3, Metric: hannoy.Cosine})
	ids := open(t, dir, &hannoy.Options{Index: "ids", Dimensions: 3, IDs: true})
	good := []float32{1, 2, 3}
	update(t, ix, func(b *hannoy.Batch) error { return b.Put([]byte("good"), good) })
	before := dump(t, ix)

	put := func(ix *hannoy.Index, key []byte, v []float32) func() error {
		return func() error {
			_, err := ix.Update(ctx, func(b *hannoy.Batch) error { return b.Put(key, v) })
			return err
		}
	}
	search := func(q []float32, k int, o *hannoy.SearchOptions) func() error {
		return func() error { _, err := ix.Search(ctx, q, k, o); return err }
	}
	openWith := func(dir string, o *hannoy.Options) func() error {
		return func() error {
			ix, err := hannoy.Open(dir, o)
			if err == nil {
				ix.Close()
			}
			return err
		}
	}
	tests := []struct {
		name string
		do   func() error
		want error
	}{
		{"short vector", put(ix, []byte("k"), []float32{1}), hannoy.ErrInvalid},
		{"long vector", put(ix, []byte("k"), []float32{1, 2, 3, 4}), hannoy.ErrInvalid},
		{"no vector", put(ix, []byte("k"), nil), hannoy.ErrInvalid},
		{"NaN", put(ix, []byte("k"), []float32{1, nan, 3}), hannoy.ErrInvalid},
		{"infinity", put(ix, []byte("k"), []float32{1, inf, 3}), hannoy.ErrInvalid},
		{"zero vector under cosine", put(ix, []byte("k"), []float32{0, 0, 0}), hannoy.ErrInvalid},
		{"empty key", put(ix, nil, good), hannoy.ErrInvalid},
		{"long key", put(ix, make([]byte, 481), good), hannoy.ErrInvalid},
		{"key that is no id", put(ids, []byte("k"), good), hannoy.ErrInvalid},
		{"bits into numbers", func() error {
			_, err := ix.Update(ctx, func(b *hannoy.Batch) error { return b.PutBits([]byte("k"), []byte{1}) })
			return err
		}, hannoy.ErrInvalid},
		{"k = 0", search(good, 0, nil), hannoy.ErrInvalid},
		{"ef < k", search(good, 10, &hannoy.SearchOptions{Ef: 9}), hannoy.ErrInvalid},
		{"short query", search(good[:2], 1, nil), hannoy.ErrInvalid},
		{"query with NaN", search([]float32{nan, 1, 1}, 1, nil), hannoy.ErrInvalid},
		{"other dimensions", openWith(dir, &hannoy.Options{Dimensions: 4}), hannoy.ErrMismatch},
		{"other metric", openWith(dir, &hannoy.Options{Metric: hannoy.Manhattan}), hannoy.ErrMismatch},
		{"other M", openWith(dir, &hannoy.Options{M: 7}), hannoy.ErrMismatch},
		{"unknown index", openWith(dir, &hannoy.Options{Index: "none"}), hannoy.ErrNotFound},
		{"no directory", openWith(dir+"/none", nil), hannoy.ErrNotFound},
		{"negative dimensions", openWith(dir+"/new", &hannoy.Options{Dimensions: -1}), hannoy.ErrInvalid},
		{"too many dimensions", openWith(dir+"/new", &hannoy.Options{Dimensions: 1 << 30}), hannoy.ErrInvalid},
		{"M = 1", openWith(dir+"/new", &hannoy.Options{Dimensions: 3, M: 1}), hannoy.ErrInvalid},
		{"other mode", openWith(dir, &hannoy.Options{ReadOnly: true}), hannoy.ErrBusy},
	}
	for _, test := range tests {
		if err := test.do(); !errors.Is(err, test.want) {
			t.Errorf("%s: %v, want %v", test.name, err, test.want)
		} else {
			t.Logf("%s: %v", test.name, err)
		}
	}
	if after := dump(t, ix); after != before {
		t.Error("bad input has changed the index")
	}
}

func TestEmptyIndex(t *testing.T) {
	ix := open(t, t.TempDir(), &hannoy.Options{Dimensions: 3})
	for range 2 {
		hits, err := ix.Search(ctx, []float32{1, 2, 3}, 5, nil)
		if err != nil || len(hits) != 0 {
			t.Errorf("Search = %v, %v", hits, err)
		}
		build(t, ix, nil)
	}
	err := ix.View(func(s *hannoy.Snapshot) error {
		if _, err := s.Get([]byte("k")); !errors.Is(err, hannoy.ErrNotFound) {
			t.Errorf("Get = %v", err)
		}
		ok, err := s.Has([]byte("k"))
		if ok || s.Len() != 0 {
			t.Errorf("Has = %t, Len = %d", ok, s.Len())
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}

func TestContextEndsLongCalls(t *testing.T) {
	vectors := fixture.Vectors(3000, 32, 12)
	ix := open(t, t.TempDir(), &hannoy.Options{Dimensions: 32})
	putRows(t, ix, vectors, 0, len(vectors))
	done, cancel := context.WithCancel(ctx)
	cancel()
	if _, err := ix.Search(done, vectors[0], 1, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("Search = %v", err)
	}
	if _, err := ix.Build(done, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("Build = %v", err)
	}
	if _, err := ix.Check(done); !errors.Is(err, context.Canceled) {
		t.Errorf("Check = %v", err)
	}
	if _, err := ix.Update(done, func(b *hannoy.Batch) error { return b.Delete(key(1)) }); !errors.Is(err, context.Canceled) {
		t.Errorf("Update = %v", err)
	}
	checkSound(t, ix)
}

func TestCloseTwice(t *testing.T) {
	dir := t.TempDir()
	a, err := hannoy.Open(dir, &hannoy.Options{Dimensions: 2})
	if err != nil {
		t.Fatal(err)
	}
	b := open(t, dir, nil)
	for range 2 {
		if err := a.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := a.Stats(); !errors.Is(err, hannoy.ErrClosed) {
		t.Errorf("Stats of a closed index: %v", err)
	}
	if _, err := b.Stats(); err != nil {
		t.Errorf("closing one index twice has closed another: %v", err)
	}
}

// Records that are gone give an error and leave the process and the environment
// working, whatever reads them.
func TestMissingRecords(t *testing.T) {
	const n, dims = 500, 16
	vectors := fixture.Vectors(n, dims, 13)
	for _, kind := range []codec.Kind{codec.KindVectors, codec.KindCodes, codec.KindRank, codec.KindLinks, codec.KindKey, codec.KindSlotID} {
		t.Run(kind.String(), func(t *testing.T) {
			dir := t.TempDir()
			ix, err := hannoy.Open(dir, &hannoy.Options{Dimensions: dims, IDs: kind == codec.KindSlotID})
			if err != nil {
				t.Fatal(err)
			}
			update(t, ix, func(b *hannoy.Batch) error {
				for i, v := range vectors {
					if err := b.Put(hannoy.ID(uint32(i)), v); err != nil {
						return err
					}
				}
				return nil
			})
			build(t, ix, nil)
			env, err := kv.Open(dir, kv.Options{})
			if err != nil {
				t.Fatal(err)
			}
			err = env.Update(ctx, func(txn *kv.Txn) error {
				var keys [][]byte
				prefix := codec.AppendPrefix(nil, 1, kind)
				err := txn.ScanUnverified(prefix, func(key, _ []byte) error { keys = append(keys, bytes.Clone(key)); return nil })
				for _, key := range keys {
					err = errors.Join(err, txn.Delete(key))
				}
				return err
			})
			if err := errors.Join(err, env.Close()); err != nil {
				t.Fatal(err)
			}
			report, err := ix.Check(ctx)
			if err == nil && report.Sound {
				t.Error("check finds nothing wrong")
			}
			hits, err := ix.Search(ctx, vectors[0], 5, nil)
			if err == nil && len(hits) == 5 && kind != codec.KindRank {
				t.Errorf("Search = %v, nil", hits)
			}
			if err != nil && !errors.Is(err, hannoy.ErrCorrupt) {
				t.Errorf("Search = %v, want ErrCorrupt", err)
			}
			update(t, ix, func(b *hannoy.Batch) error { return b.Put(hannoy.ID(n+1), vectors[1]) })
			if _, err := ix.Build(ctx, nil); err != nil && !errors.Is(err, hannoy.ErrCorrupt) {
				t.Logf("Build = %v", err)
			}
			if err := ix.Close(); err != nil {
				t.Error(err)
			}
		})
	}
}
