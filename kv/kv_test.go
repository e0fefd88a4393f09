package kv

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/hannoydb/hannoy/codec"
)

var ctx = context.Background()

// open opens an environment that the test closes.
func open(t *testing.T, dir string, o Options) *Env {
	t.Helper()
	e, err := Open(dir, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := e.Close(); err != nil {
			t.Error(err)
		}
	})
	return e
}

func testKey(n int) []byte { return codec.AppendNumberKey(nil, 7, codec.KindValue, uint32(n)) }

func testValue(text string) []byte { return append(make([]byte, codec.SumBytes), text...) }

func put(t *testing.T, e *Env, n int, text string) {
	t.Helper()
	if err := e.Update(ctx, func(txn *Txn) error { return txn.Put(testKey(n), testValue(text)) }); err != nil {
		t.Fatal(err)
	}
}

func get(t *testing.T, s *Snapshot, n int) string {
	t.Helper()
	body, err := s.Get(testKey(n))
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}

func acquire(t *testing.T, e *Env) *Snapshot {
	t.Helper()
	s, err := e.Acquire()
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestSnapshotsDoNotChange(t *testing.T) {
	e := open(t, t.TempDir(), Options{Create: true})
	put(t, e, 1, "one")
	old := acquire(t, e)
	put(t, e, 1, "uno")
	fresh := acquire(t, e)
	if a, b := get(t, old, 1), get(t, fresh, 1); a != "one" || b != "uno" {
		t.Errorf("old snapshot reads %q, new one %q", a, b)
	}
	if old.id >= fresh.id {
		t.Errorf("ids %d and %d do not rise", old.id, fresh.id)
	}
	if again := acquire(t, e); again != fresh {
		t.Error("two snapshots of one commit")
	} else {
		again.Release()
	}
	old.Release()
	fresh.Release()
	again := acquire(t, e)
	if again != fresh && !poisoning {
		t.Error("a snapshot without users was not used again although nothing was committed")
	}
	again.Release()
	put(t, e, 2, "two")
	if s := acquire(t, e); get(t, s, 2) != "two" {
		t.Error("a commit is not visible to the next snapshot")
	} else {
		s.Release()
	}
}

func TestUpdateIsAtomic(t *testing.T) {
	e := open(t, t.TempDir(), Options{Create: true})
	failed := errors.New("no")
	err := e.Update(ctx, func(txn *Txn) error {
		if err := txn.Put(testKey(1), testValue("x")); err != nil {
			return err
		}
		return failed
	})
	if !errors.Is(err, failed) {
		t.Fatalf("Update = %v", err)
	}
	s := acquire(t, e)
	defer s.Release()
	if body, _ := s.Get(testKey(1)); body != nil {
		t.Errorf("a failed update wrote %q", body)
	}
}

func TestCancelledUpdate(t *testing.T) {
	e := open(t, t.TempDir(), Options{Create: true})
	running, finish := make(chan bool), make(chan bool)
	go e.Update(ctx, func(*Txn) error { close(running); <-finish; return nil })
	<-running
	short, cancel := context.WithTimeout(ctx, 10*time.Millisecond)
	defer cancel()
	if err := e.Update(short, func(*Txn) error { t.Error("ran after it was given up"); return nil }); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Update = %v, want the context's error", err)
	}
	close(finish)
	put(t, e, 1, "works on")
}

func TestScan(t *testing.T) {
	e := open(t, t.TempDir(), Options{Create: true})
	for i := range 500 {
		put(t, e, i, fmt.Sprint(i))
	}
	s := acquire(t, e)
	defer s.Release()
	n := 0
	prefix := codec.AppendPrefix(nil, 7, codec.KindValue)
	err := s.Scan(prefix, func(key, body []byte) error {
		if !bytes.Equal(key, testKey(n)) || string(body) != fmt.Sprint(n) {
			t.Fatalf("record %d is %x %q", n, key, body)
		}
		n++
		return nil
	})
	if err != nil || n != 500 {
		t.Errorf("Scan saw %d records, %v", n, err)
	}
	if err := s.Scan(codec.MetaKey(9), func(_, _ []byte) error { t.Error("found a record"); return nil }); err != nil {
		t.Error(err)
	}
	all := 0
	if err := s.Scan(nil, func(_, _ []byte) error { all++; return nil }); err != nil || all != 501 {
		t.Errorf("scan of all saw %d records, %v", all, err)
	}
}

func TestOpenTwice(t *testing.T) {
	dir := t.TempDir()
	a := open(t, dir, Options{Create: true})
	link := filepath.Join(t.TempDir(), "link")
	if err := os.Symlink(dir, link); err != nil {
		t.Fatal(err)
	}
	b := open(t, link, Options{})
	if a != b {
		t.Error("two environments over the same files in one process")
	}
	if _, err := Open(dir, Options{ReadOnly: true}); !errors.Is(err, ErrBusy) {
		t.Errorf("opened in the other mode: %v, want ErrBusy", err)
	}
}

func TestClose(t *testing.T) {
	dir := t.TempDir()
	e, err := Open(dir, Options{Create: true})
	if err != nil {
		t.Fatal(err)
	}
	s := acquire(t, e)
	closed := make(chan error)
	go func() { closed <- e.Close() }()
	select {
	case <-closed:
		t.Fatal("Close did not wait for the snapshot")
	case <-time.After(20 * time.Millisecond):
	}
	s.Release()
	if err := <-closed; err != nil {
		t.Fatal(err)
	}
	if _, err := e.Acquire(); !errors.Is(err, ErrClosed) {
		t.Errorf("Acquire after Close = %v", err)
	}
	if err := e.Update(ctx, nil); !errors.Is(err, ErrClosed) {
		t.Errorf("Update after Close = %v", err)
	}
	if err := e.Close(); err != nil {
		t.Errorf("second Close = %v", err)
	}
	open(t, dir, Options{})
}

// Programs that this process starts do not get the data file.
func TestChildrenDoNotInherit(t *testing.T) {
	for _, readOnly := range []bool{false, true} {
		e := open(t, made(t), Options{ReadOnly: readOnly})
		fd, err := e.files.raw.FD()
		must(t, err)
		if flags, _, err := syscall.Syscall(syscall.SYS_FCNTL, fd, syscall.F_GETFD, 0); err != 0 || flags&syscall.FD_CLOEXEC == 0 {
			t.Errorf("read-only %t: descriptor flags of the data file are %#x, %v", readOnly, flags, err)
		}
	}
}

func TestReadOnly(t *testing.T) {
	dir := t.TempDir()
	e, err := Open(dir, Options{Create: true})
	if err != nil {
		t.Fatal(err)
	}
	put(t, e, 1, "one")
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
	r := open(t, dir, Options{ReadOnly: true})
	s := acquire(t, r)
	defer s.Release()
	if got := get(t, s, 1); got != "one" {
		t.Errorf("read %q", got)
	}
	if err := r.Update(ctx, nil); !errors.Is(err, ErrReadOnly) {
		t.Errorf("Update = %v, want ErrReadOnly", err)
	}
	if _, err := r.LockBuild(t.Context(), false); !errors.Is(err, ErrReadOnly) {
		t.Errorf("LockBuild = %v, want ErrReadOnly", err)
	}
}

func TestMapFull(t *testing.T) {
	e := open(t, t.TempDir(), Options{Create: true, MapSizeBytes: 1 << 20})
	put(t, e, 1, "stays")
	big := testValue(string(make([]byte, 1<<20)))
	if err := e.Update(ctx, func(txn *Txn) error { return txn.Put(testKey(2), big) }); !errors.Is(err, ErrMapFull) {
		t.Fatalf("Update = %v, want ErrMapFull", err)
	}
	put(t, e, 3, "goes on")
	s := acquire(t, e)
	defer s.Release()
	if get(t, s, 1) != "stays" || get(t, s, 3) != "goes on" {
		t.Error("the environment does not work after a full map")
	}
}

func TestConcurrentReadersAndWriter(t *testing.T) {
	e := open(t, t.TempDir(), Options{Create: true})
	put(t, e, 0, "0")
	put(t, e, 1, "0")
	var wg sync.WaitGroup
	stop := make(chan bool)
	for range 8 {
		wg.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				s, err := e.Acquire()
				if err != nil {
					t.Error(err)
					return
				}
				if a, b := get(t, s, 0), get(t, s, 1); a != b {
					t.Errorf("snapshot %d reads %q and %q", s.id, a, b)
				}
				s.Release()
			}
		})
	}
	for i := range 100 {
		err := e.Update(ctx, func(txn *Txn) error {
			return errors.Join(txn.Put(testKey(0), testValue(fmt.Sprint(i))), txn.Put(testKey(1), testValue(fmt.Sprint(i))))
		})
		if err != nil {
			t.Error(err)
		}
	}
	close(stop)
	wg.Wait()
}
