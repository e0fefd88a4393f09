package hannoy_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/hannoydb/hannoy"
	"github.com/hannoydb/hannoy/internal/fixture"
)

// contents are the items of an index, by key.
func contents(t *testing.T, ix *hannoy.Index) map[string]hannoy.Item {
	t.Helper()
	all := map[string]hannoy.Item{}
	err := ix.View(func(s *hannoy.Snapshot) error {
		for item, err := range s.Items() {
			if err != nil {
				return err
			}
			all[string(item.Key)] = item
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// answers are the hits of some queries, as text.
func answers(t *testing.T, ix *hannoy.Index, queries [][]float32) (all []string) {
	t.Helper()
	for _, q := range queries {
		hits, err := ix.Search(ctx, q, 10, &hannoy.SearchOptions{Ef: 40})
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, fmt.Sprint(hits))
	}
	return all
}

// wornOut fills an index with n items and then with live, pending, dead and free slots.
func wornOut(t *testing.T, ix *hannoy.Index, vectors [][]float32, n int, key func(int) []byte) {
	t.Helper()
	put := func(from, to, at int) {
		update(t, ix, func(b *hannoy.Batch) error {
			for i := from; i < to; i++ {
				var options []hannoy.PutOption
				if i%3 == 0 {
					options = append(options, hannoy.Value(key(i)), hannoy.Labels(fmt.Sprintf("third:%d", i%9), "all"))
				}
				if err := b.Put(key(i), vectors[i+at], options...); err != nil {
					return err
				}
			}
			return nil
		})
	}
	remove := func(from, to int) {
		update(t, ix, func(b *hannoy.Batch) error {
			for i := from; i < to; i++ {
				if err := b.Delete(key(i)); err != nil {
					return err
				}
			}
			return nil
		})
	}
	put(0, n, 0)
	build(t, ix, nil)
	remove(n/20, n*9/20)
	build(t, ix, nil)   // free
	remove(n-100, n)    // dead
	put(n/2, n/2+50, 1) // replaced
	put(n, n+100, 0)    // pending
}

func TestCompact(t *testing.T) {
	vectors := fixture.Vectors(2200, 16, 3)
	queries := fixture.Vectors(40, 16, 4)
	keys := map[bool]func(int) []byte{false: key, true: func(i int) []byte { return hannoy.ID(uint32(7 * i)) }}
	for ids, key := range keys {
		for _, codes := range []hannoy.Codes{hannoy.CodesInt8, hannoy.CodesNone, hannoy.CodesBinary} {
			t.Run(fmt.Sprintf("ids %t, codes %v", ids, codes), func(t *testing.T) {
				dir := t.TempDir()
				ix := open(t, dir, &hannoy.Options{Dimensions: 16, IDs: ids, Codes: codes, M: 8, EfConstruction: 60})
				other := open(t, dir, &hannoy.Options{Index: "other", Dimensions: 16})
				wornOut(t, ix, vectors, 2000, key)
				putRows(t, other, vectors, 0, 50)
				items, hits := contents(t, ix), answers(t, ix, queries)
				report, err := ix.Compact(ctx)
				if err != nil {
					t.Fatal(err)
				}
				if report.BytesAfter >= report.BytesBefore {
					t.Errorf("%d bytes before, %d after", report.BytesBefore, report.BytesAfter)
				}
				checkSound(t, ix)
				checkSound(t, other)
				sameItems(t, contents(t, ix), items)
				// Many are equally far by their signs, and ties are broken by slot.
				if codes != hannoy.CodesBinary && !slices.Equal(answers(t, ix, queries), hits) {
					t.Error("other answers after a compaction")
				}
				s, err := ix.Stats()
				if err != nil || s.Free != 0 || s.Dead != 150 || s.Pending != 150 {
					t.Errorf("after a compaction: %d free, %d dead, %d pending, %v", s.Free, s.Dead, s.Pending, err)
				}
				build(t, ix, nil)
				if got := len(contents(t, other)); got != 50 {
					t.Errorf("the other index has %d items", got)
				}
			})
		}
	}
}

func sameItems(t *testing.T, got, want map[string]hannoy.Item) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%d items, want %d", len(got), len(want))
	}
	for k, item := range want {
		if fmt.Sprint(got[k]) != fmt.Sprint(item) {
			t.Fatalf("item %q is %v, want %v", k, got[k], item)
		}
	}
}

func TestCompactTo(t *testing.T) {
	dir := t.TempDir()
	ix := open(t, filepath.Join(dir, "from"), &hannoy.Options{Dimensions: 16, M: 8, EfConstruction: 60})
	wornOut(t, ix, fixture.Vectors(2200, 16, 3), 2000, key)
	if _, err := ix.CompactTo(ctx, filepath.Join(dir, "to")); err != nil {
		t.Fatal(err)
	}
	if err := ix.Close(); err != nil {
		t.Fatal(err)
	}
	ix = open(t, filepath.Join(dir, "from"), &hannoy.Options{ReadOnly: true})
	if _, err := ix.CompactTo(ctx, dir+"/./from"); !errors.Is(err, hannoy.ErrInvalid) {
		t.Errorf("to itself: %v, want ErrInvalid", err)
	}
	if _, err := ix.CompactTo(ctx, filepath.Join(dir, "to")); !errors.Is(err, hannoy.ErrInvalid) {
		t.Errorf("over another index: %v, want ErrInvalid", err)
	}
	album := filepath.Join(dir, "album")
	if err := errors.Join(os.Mkdir(album, 0o700), os.WriteFile(filepath.Join(album, "cat.jpg"), nil, 0o600)); err != nil {
		t.Fatal(err)
	}
	if _, err := ix.CompactTo(ctx, album); !errors.Is(err, hannoy.ErrInvalid) || !strings.Contains(err.Error(), "it holds cat.jpg already") {
		t.Errorf("into a directory of something else: %v, want ErrInvalid", err)
	}
	if entries, err := os.ReadDir(album); err != nil || len(entries) != 1 {
		t.Errorf("refused, it left %v, %v", entries, err)
	}
	half := filepath.Join(dir, "half")
	cancelled, cancel := context.WithCancel(ctx)
	cancel()
	for _, c := range []context.Context{cancelled, ctx} { // what is left of a copy that was given up is in nobody's way
		if _, err := ix.CompactTo(c, half); !errors.Is(err, c.Err()) {
			t.Errorf("copy is %v, want %v", err, c.Err())
		}
	}
	checkSound(t, open(t, half, nil))
	to := open(t, filepath.Join(dir, "to"), nil)
	checkSound(t, to)
	sameItems(t, contents(t, to), contents(t, ix))
	entries, err := os.ReadDir(filepath.Join(dir, "to"))
	if err != nil || len(entries) > 4 {
		t.Errorf("left in the copy: %v, %v", entries, err)
	}
}

// What is committed while a compaction runs is in the new files, in indexes that were
// created meanwhile too.
func TestCompactAmongWriters(t *testing.T) {
	dir := t.TempDir()
	vectors := fixture.Vectors(4000, 16, 3)
	ix := open(t, dir, &hannoy.Options{Dimensions: 16, M: 8, EfConstruction: 60})
	putRows(t, ix, vectors, 0, 2000)
	build(t, ix, nil)
	want := map[string]int{}
	for i := range 2000 {
		want[string(key(i))] = i
	}
	work := func() error {
		_, err := ix.Compact(ctx)
		return err
	}
	for n := range 5 {
		var newer *hannoy.Index
		during(t, work, func(i int) {
			if i == 0 {
				newer = open(t, dir, &hannoy.Options{Index: fmt.Sprint("newer", n), Dimensions: 16})
				putRows(t, newer, vectors, 0, 10)
			}
			at := (i*7 + n) % 2000
			update(t, ix, func(b *hannoy.Batch) error {
				want[string(key(at))] = at + 2000
				delete(want, string(key(at+1)))
				return errors.Join(b.Put(key(at), vectors[at+2000]), b.Delete(key(at+1)))
			})
		})
		checkSound(t, ix)
		checkSound(t, newer)
		if got := len(contents(t, newer)); got != 10 {
			t.Errorf("%d items in the new index", got)
		}
	}
	got := contents(t, ix)
	if len(got) != len(want) {
		t.Fatalf("%d items, want %d", len(got), len(want))
	}
	for k, at := range want {
		if !slices.Equal(got[k].Vector, vectors[at]) {
			t.Fatalf("item %q holds another vector than it was given", k)
		}
	}
	build(t, ix, nil)
}
