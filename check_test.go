package hannoy_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/hannoydb/hannoy"
	"github.com/hannoydb/hannoy/codec"
	"github.com/hannoydb/hannoy/internal/fixture"
	"github.com/hannoydb/hannoy/kv"
)

// locksOn counts the locks of this process on a file of a directory.
func locksOn(t *testing.T, dir, name string) int {
	t.Helper()
	table, err := os.ReadFile("/proc/locks")
	if err != nil {
		t.Skip(err)
	}
	var st syscall.Stat_t
	if err := syscall.Stat(filepath.Join(dir, name), &st); err != nil {
		t.Fatal(err)
	}
	n := 0
	for line := range strings.Lines(string(table)) { // 1: POSIX ADVISORY WRITE 1234 08:01:5678 0 EOF
		f := strings.Fields(line)
		if len(f) > 5 && f[4] == strconv.Itoa(os.Getpid()) && strings.HasSuffix(f[5], fmt.Sprintf(":%d", st.Ino)) {
			n++
		}
	}
	return n
}

// A check reads one commit while others follow, and leaves the locks of LMDB alone,
// which closing the wrong descriptor would drop.
func TestCheckBesideAWriter(t *testing.T) {
	const dims = 8
	vectors := fixture.Vectors(3000, dims, 31)
	dir := t.TempDir()
	ix := open(t, dir, &hannoy.Options{Dimensions: dims})
	open(t, dir, &hannoy.Options{Dimensions: dims, Index: "other"})
	putRows(t, ix, vectors, 0, 1000)
	build(t, ix, nil)
	held := locksOn(t, dir, "lock.mdb")
	if held == 0 {
		t.Skip("LMDB holds a lock on lock.mdb, and /proc/locks does not show it here")
	}
	if n := locksOn(t, dir, "data.mdb"); n != 0 {
		t.Fatalf("%d locks on data.mdb", n)
	}
	stop := make(chan bool)
	var writer sync.WaitGroup
	writer.Go(func() {
		for i := 0; ; i++ {
			select {
			case <-stop:
				return
			default:
				putRows(t, ix, vectors, i*7%2900, i*7%2900+5)
			}
		}
	})
	for range 10 {
		checkSound(t, ix)
		for _, o := range []*hannoy.CheckOptions{nil, {Fast: true}, {Index: "other"}} {
			if report, err := hannoy.Check(ctx, dir, o); err != nil || !report.Sound {
				t.Fatalf("Check(%+v) = %+v, %v", o, report, err)
			}
		}
	}
	close(stop)
	writer.Wait()
	if now := locksOn(t, dir, "lock.mdb"); now != held {
		t.Errorf("%d locks on lock.mdb, there were %d", now, held)
	}
}

func TestOpenUntrusted(t *testing.T) {
	dir := t.TempDir()
	ix, err := hannoy.Open(dir, &hannoy.Options{Dimensions: 8})
	if err != nil {
		t.Fatal(err)
	}
	putRows(t, ix, fixture.Vectors(500, 8, 3), 0, 500)
	update(t, ix, func(b *hannoy.Batch) error {
		return b.Put(key(1), make([]float32, 8), hannoy.Value([]byte("MARK")))
	})
	build(t, ix, nil)
	again, err := hannoy.OpenUntrusted(ctx, dir, nil) // while it is open
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(again.Close(), ix.Close()); err != nil {
		t.Fatal(err)
	}
	if ix, err = hannoy.OpenUntrusted(ctx, dir, &hannoy.Options{ReadOnly: true}); err != nil {
		t.Fatal(err)
	}
	checkSound(t, ix)
	if err := ix.Close(); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "data.mdb")
	file, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	marked := bytes.ReplaceAll(file, []byte("MARK"), []byte("MASK"))
	if err := os.WriteFile(path, marked, 0o600); err != nil {
		t.Fatal(err)
	}
	if ix, err = hannoy.OpenUntrusted(ctx, dir, nil); err == nil {
		ix.Close()
	}
	if !errors.Is(err, hannoy.ErrCorrupt) {
		t.Errorf("OpenUntrusted = %v", err)
	}
	if _, err := hannoy.OpenUntrusted(ctx, dir+"/none", nil); !errors.Is(err, hannoy.ErrNotFound) {
		t.Errorf("OpenUntrusted of nothing = %v", err)
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
			putIDs(t, ix, vectors)
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
				t.Errorf("Build = %v, want ErrCorrupt", err)
			}
			if err := ix.Close(); err != nil {
				t.Error(err)
			}
		})
	}
}
