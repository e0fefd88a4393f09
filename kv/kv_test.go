package kv

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
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
	if old.ID() >= fresh.ID() {
		t.Errorf("ids %d and %d do not rise", old.ID(), fresh.ID())
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

func TestReadersFull(t *testing.T) {
	e := open(t, t.TempDir(), Options{Create: true, MaxReaders: 3})
	var held []*Snapshot
	defer func() {
		for _, s := range held {
			s.Release()
		}
	}()
	for i := range 10 {
		put(t, e, i, "x")
		s, err := e.Acquire()
		if errors.Is(err, ErrReadersFull) {
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		held = append(held, s)
	}
	t.Errorf("%d snapshots in 3 reader slots", len(held))
}

func TestBuildLock(t *testing.T) {
	e := open(t, t.TempDir(), Options{Create: true})
	unlock, err := e.LockBuild(t.Context(), false)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := e.LockBuild(t.Context(), false); !errors.Is(err, ErrBusy) {
		t.Errorf("second lock: %v, want ErrBusy", err)
	}
	if err := unlock(); err != nil {
		t.Fatal(err)
	}
	if unlock, err = e.LockBuild(t.Context(), false); err != nil {
		t.Fatal(err)
	}
	done, err := e.NoteRewrite()
	if err != nil || !e.IsRewritten() {
		t.Errorf("a rewrite: %t, %v", e.IsRewritten(), err)
	}
	must(t, done())
	if e.IsRewritten() {
		t.Error("a rewrite that is done")
	}
	if _, err = e.NoteRewrite(); err != nil {
		t.Fatal(err)
	}
	must(t, unlock()) // as if its process had died
	if unlock, err = e.LockBuild(t.Context(), false); err != nil {
		t.Fatal(err)
	}
	if e.IsRewritten() {
		t.Error("the rewrite of one who held the lock before")
	}
	must(t, unlock())
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
					t.Errorf("snapshot %d reads %q and %q", s.ID(), a, b)
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

func TestReaders(t *testing.T) {
	dir := t.TempDir()
	e := open(t, dir, Options{Create: true})
	put(t, e, 1, "one")
	held := acquire(t, e)
	big := string(bytes.Repeat([]byte("x"), 100_000))
	for range 5 {
		put(t, e, 2, big)
	}
	s := acquire(t, e)
	readers, err := s.Readers()
	if err != nil {
		t.Fatal(err)
	}
	if len(readers) < 2 || readers[0].PID != os.Getpid() || readers[0].Commit != held.ID() || readers[0].Behind != 5 {
		t.Fatalf("readers %+v, the first reads commit %d", readers, held.ID())
	}
	// Four versions of the value, of which the last waits for the next commit anyway.
	if h := readers[0].Held; h < 3*25 || h > 5*25+20 {
		t.Errorf("%d pages are held", h)
	}
	if last := readers[1]; last.Commit != s.ID() || last.Behind != 0 || last.Held != 0 {
		t.Errorf("the reader of the latest commit: %+v", last)
	}
	held.Release()
	s.Release()
	if s = acquire(t, e); s == nil {
		return
	}
	defer s.Release()
	if readers, err = s.Readers(); err != nil || readers[0].Behind != 0 || readers[len(readers)-1].Commit != 0 {
		t.Errorf("after release: %+v, %v", readers, err)
	}
}

func TestCommitTimes(t *testing.T) {
	c := commits{path: filepath.Join(t.TempDir(), timesFile)}
	data, other := fileID{1, 2}, fileID{1, 3}
	if c.read(data) != nil {
		t.Error("times without a file")
	}
	at := time.Unix(1_700_000_000, 0)
	for i := range 3 {
		c.note(data, uint64(10*i), at.Add(time.Duration(i)*time.Second))
		c.note(data, uint64(10*i+1), at.Add(time.Duration(i)*time.Second+time.Second/2)) // within the second
	}
	c.note(other, 7, at.Add(time.Minute))
	times := c.read(data)
	for _, tt := range []struct {
		commit, last uint64
		want         time.Time
	}{
		{0, 100, at.Add(time.Second)}, {9, 100, at.Add(time.Second)}, {10, 100, at.Add(2 * time.Second)},
		{20, 100, time.Time{}}, {0, 9, time.Time{}},
	} {
		if got := times.after(tt.commit, tt.last); !got.Equal(tt.want) {
			t.Errorf("after %d to %d: %v, want %v", tt.commit, tt.last, got, tt.want)
		}
	}
	c.note(data, 99, at.Add(commitRing*time.Second))
	if times := c.read(data); len(times) != 3 || !times[99].Equal(at.Add(commitRing*time.Second)) {
		t.Errorf("the ring holds %v", times)
	}
	if err := c.close(); err != nil {
		t.Error(err)
	}
	if err := os.Truncate(c.path, 30); err != nil || len(c.read(data)) != 0 {
		t.Errorf("a cut file: %v, %v", c.read(data), err)
	}
}
