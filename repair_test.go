package hannoy_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/hannoydb/hannoy"
	"github.com/hannoydb/hannoy/internal/fixture"
	"github.com/hannoydb/hannoy/kv/pages"
)

// repairWithout repairs the directory, whose data file was sound, once pages of it are zero.
func repairWithout(t *testing.T, dir string, sound []byte, page uint64, lost ...uint64) (out string, report *hannoy.RepairReport) {
	t.Helper()
	file := bytes.Clone(sound)
	for _, n := range lost {
		clear(file[n*page : (n+1)*page])
	}
	if err := os.WriteFile(filepath.Join(dir, "data.mdb"), file, 0o600); err != nil {
		t.Fatal(err)
	}
	out = t.TempDir()
	report, err := hannoy.Repair(ctx, dir, out, nil)
	if err != nil {
		t.Fatal(err)
	}
	return out, report
}

// A repair finds the latest commit even where the meta page that leads to it, or both, are
// lost; and goes by the meta page that is left where that is the newest.
func TestRepairWithoutMetaPages(t *testing.T) {
	const dims, n, page = 8, 600, 4096
	if os.Getpagesize() != page {
		t.Skip("pages of another size")
	}
	vectors := fixture.Vectors(n, dims, 41)
	dir := t.TempDir()
	ix := open(t, dir, &hannoy.Options{Dimensions: dims})
	for from := 0; from < n; from += n / 5 {
		putRows(t, ix, vectors, from, from+n/5)
		build(t, ix, nil)
	}
	update(t, ix, func(b *hannoy.Batch) error {
		for i := range 100 {
			if err := b.Delete(key(i)); err != nil {
				return err
			}
		}
		return b.Put([]byte("last"), vectors[0], hannoy.Value([]byte("of the last batch")))
	})
	if err := ix.Close(); err != nil {
		t.Fatal(err)
	}
	data := filepath.Join(dir, "data.mdb")
	sound, err := os.ReadFile(data)
	if err != nil {
		t.Fatal(err)
	}
	for _, lost := range [][]uint64{{0}, {1}, {0, 1}} {
		out, report := repairWithout(t, dir, sound, page, lost...)
		if got := report.Indexes[0]; got.Items != n-99 || got.Expected != n-99 {
			t.Errorf("without meta pages %d: %+v, want %d items", lost, got, n-99)
		}
		repaired := open(t, out, nil)
		checkSound(t, repaired)
		err = repaired.View(func(s *hannoy.Snapshot) error {
			item, err := s.Get([]byte("last"))
			if string(item.Value) != "of the last batch" {
				t.Errorf("without meta pages %d: %+v, %v", lost, item, err)
			}
			return err
		})
		if err != nil {
			t.Error(err)
		}
	}
}

// What the latest commit has lost is found where the one before it has it: also behind a branch of the
// tree, and when nothing says which pages are free.
func TestRepairFromTheCommitBefore(t *testing.T) {
	const dims, n, page, branch = 4, 800, 4096, 1
	if os.Getpagesize() != page {
		t.Skip("pages of another size")
	}
	vectors := fixture.Vectors(n+20, dims, 43)
	longKey := func(i int) []byte { return fmt.Appendf(nil, "%0200d", i) } // so that branches have few children
	want := map[string][]float32{}
	put := func(b *hannoy.Batch, i int, vector []float32) error {
		want[string(longKey(i))] = vector
		return b.Put(longKey(i), vector)
	}
	dir := t.TempDir()
	ix := open(t, dir, &hannoy.Options{Dimensions: dims, NoGraph: true})
	for from := 0; from < n; from += n / 5 {
		update(t, ix, func(b *hannoy.Batch) error {
			for i := from; i < from+n/5; i++ {
				if err := put(b, i, vectors[i]); err != nil {
					return err
				}
			}
			return nil
		})
	}
	update(t, ix, func(b *hannoy.Batch) error {
		for i := range 20 {
			if err := put(b, i, vectors[n+i]); err != nil {
				return err
			}
			delete(want, string(longKey(100+i)))
			if err := b.Delete(longKey(100 + i)); err != nil {
				return err
			}
		}
		return nil
	})
	if err := ix.Close(); err != nil {
		t.Fatal(err)
	}
	data := filepath.Join(dir, "data.mdb")
	sound, err := os.ReadFile(data)
	if err != nil {
		t.Fatal(err)
	}
	f, err := pages.Open(bytes.NewReader(sound), page)
	if err != nil {
		t.Fatal(err)
	}
	trials := 0
	for at := uint64(2); at <= f.Newest().LastPage; at++ {
		if binary.NativeEndian.Uint64(sound[at*page:]) != at || sound[at*page+10] != branch || at == f.Newest().Main.Root {
			continue
		}
		trials++
		out, report := repairWithout(t, dir, sound, page, at, f.Newest().Free.Root)
		found := 0
		err = open(t, out, nil).View(func(s *hannoy.Snapshot) error {
			for item, err := range s.Items() {
				if err != nil {
					return err
				}
				if !slices.Equal(item.Vector, want[string(item.Key)]) {
					t.Errorf("without branch %d: item %q was deleted, or has another vector", at, item.Key)
				}
				found++
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		if found < len(want)-20 { // what the last batch put may be lost with it
			t.Errorf("without branch %d: %d items of %d: %+v", at, found, len(want), report.Indexes)
		}
	}
	if trials < 2 {
		t.Errorf("%d branches", trials)
	}
}
