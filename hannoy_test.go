package hannoy_test

import (
	"context"
	"errors"
	"io/fs"
	"math"
	"os"
	"slices"
	"strconv"
	"syscall"
	"testing"

	"github.com/hannoydb/hannoy"
	"github.com/hannoydb/hannoy/codec"
	"github.com/hannoydb/hannoy/internal/fixture"
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

// putIDs puts the vectors under the ids from 0 up.
func putIDs(t testing.TB, ix *hannoy.Index, vectors [][]float32) {
	t.Helper()
	update(t, ix, func(b *hannoy.Batch) error {
		for i, v := range vectors {
			if err := b.Put(hannoy.ID(uint32(i)), v); err != nil {
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

// during runs work on a goroutine of its own, and step again and again until it has ended.
func during(t *testing.T, work func() error, step func(i int)) {
	t.Helper()
	done := make(chan error, 1)
	go func() { done <- work() }()
	for i := 0; ; i++ {
		step(i)
		select {
		case err := <-done:
			if err != nil {
				t.Fatal(err)
			}
			return
		default:
		}
	}
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
	// Nobody reads it, so it takes no memory.
	long, err := syscall.Mmap(-1, 0, codec.MaxValueBytes+1, syscall.PROT_READ, syscall.MAP_PRIVATE|syscall.MAP_ANON)
	if err != nil {
		t.Fatal(err)
	}
	defer syscall.Munmap(long)
	update(t, ix, func(b *hannoy.Batch) error { return b.Put([]byte("good"), good) })
	before := dump(t, ix)

	put := func(ix *hannoy.Index, key []byte, v []float32, opts ...hannoy.PutOption) func() error {
		return func() error {
			_, err := ix.Update(ctx, func(b *hannoy.Batch) error { return b.Put(key, v, opts...) })
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
		{"value of more than 1 GiB", put(ix, []byte("k"), good, hannoy.Value(long)), hannoy.ErrInvalid},
		{"nil option", put(ix, []byte("k"), good, nil), hannoy.ErrInvalid},
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

// A name that was forgotten is not the current directory.
func TestOpenNowhere(t *testing.T) {
	t.Chdir(t.TempDir())
	if _, err := hannoy.Open("", &hannoy.Options{Dimensions: 2}); !errors.Is(err, hannoy.ErrInvalid) {
		t.Errorf("Open of no directory: %v", err)
	}
	if _, err := os.Stat("data.mdb"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("data.mdb: %v", err)
	}
}
