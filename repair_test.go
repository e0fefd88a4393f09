package hannoy_test

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/hannoydb/hannoy"
	"github.com/hannoydb/hannoy/internal/fixture"
)

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
	for _, lost := range [][]int{{0}, {1}, {0, 1}} {
		file := bytes.Clone(sound)
		for _, i := range lost {
			clear(file[i*page : (i+1)*page])
		}
		if err := os.WriteFile(data, file, 0o600); err != nil {
			t.Fatal(err)
		}
		out := t.TempDir()
		report, err := hannoy.Repair(ctx, dir, out, nil)
		if err != nil {
			t.Fatal(err)
		}
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
