package kv

import (
	"errors"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/hannoydb/hannoy/codec"
	"github.com/hannoydb/hannoy/kv/place"
)

// succeed makes a successor with record 1, calls between, and has it take e's place.
func succeed(t *testing.T, e *Env, text string, between func(s *Successor) error) {
	t.Helper()
	s, err := e.NewSuccessor()
	must(t, err)
	put(t, s.Env, 1, text)
	must(t, s.TakePlace(ctx, func() error { return between(s) }))
}

func nothing(*Successor) error { return nil }

// onlyFiles fails unless the directory holds what an environment has and nothing else.
func onlyFiles(t *testing.T, dir string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	must(t, err)
	for _, entry := range entries {
		switch entry.Name() {
		case place.DataFile, place.LockFile, place.BuildFile, place.OpenFile, place.TimesFile:
		default:
			t.Errorf("%s is left", entry.Name())
		}
	}
}

func TestSuccessor(t *testing.T) {
	dir := t.TempDir()
	e := open(t, dir, Options{Create: true})
	put(t, e, 1, "old")
	before := acquire(t, e)
	for _, text := range []string{"new", "newer"} {
		succeed(t, e, text, func(s *Successor) error {
			put(t, s.Env, 2, text)
			return nil
		})
		after := acquire(t, e)
		if one, two := get(t, after, 1), get(t, after, 2); one != text || two != text {
			t.Errorf("after the move: %q and %q, want %q", one, two, text)
		}
		after.Release()
		if again, err := Open(dir, Options{}); err != nil || again != e {
			t.Errorf("opened again: %p, %v, want %p", again, err, e)
		} else {
			must(t, again.Close())
		}
	}
	if got := get(t, before, 1); got != "old" {
		t.Errorf("a snapshot from before reads %q", got)
	}
	before.Release()
	put(t, e, 1, "last")
	s := acquire(t, e)
	defer s.Release()
	if got := get(t, s, 1); got != "last" {
		t.Errorf("written after the move, read %q", got)
	}
	onlyFiles(t, dir)
}

// Readers must not come upon a move while the directory is locked for it: they would wait
// for that lock with one that the writer needs.
func TestSuccessorBeforeReaders(t *testing.T) {
	e := open(t, t.TempDir(), Options{Create: true})
	meta := newIndex(1, true, nil).meta
	meta.NextSlot, meta.Live, meta.Roots = 0, 0, nil
	write := func(txn *Txn) error {
		return txn.Put(codec.MetaKey(1), codec.AppendMeta(nil, &meta))
	}
	must(t, e.Update(ctx, write))
	base := acquire(t, e)
	defer base.Release()
	if _, err := base.Index(1); err != nil {
		t.Error(err)
	}
	must(t, e.Update(ctx, func(txn *Txn) error {
		txn.after = func(err error) error {
			s := acquire(t, e)
			defer s.Release()
			if s != base {
				t.Errorf("readers see commit %d before the writer is done with it", s.id)
			}
			return err
		}
		return write(txn)
	}))
	s := acquire(t, e)
	defer s.Release()
	if s.id != base.id+1 {
		t.Errorf("then readers see commit %d, want %d", s.id, base.id+1)
	}
}

func TestSuccessorOpenedAgainFirst(t *testing.T) {
	dir := t.TempDir()
	e := open(t, dir, Options{Create: true})
	succeed(t, e, "new", nothing)
	if again, err := Open(dir, Options{}); err != nil || again != e {
		t.Errorf("opened before the move was noticed: %p, %v, want %p", again, err, e)
	} else {
		must(t, again.Close())
	}
}

func TestSuccessorDiscarded(t *testing.T) {
	dir := t.TempDir()
	e := open(t, dir, Options{Create: true})
	put(t, e, 1, "old")
	s, err := e.NewSuccessor()
	must(t, err)
	must(t, s.Discard())
	if s, err = e.NewSuccessor(); err != nil {
		t.Fatal(err)
	}
	failure := errors.New("no more")
	if err := s.TakePlace(ctx, func() error { return failure }); !errors.Is(err, failure) {
		t.Errorf("TakePlace = %v", err)
	}
	onlyFiles(t, dir)
	put(t, e, 2, "goes on")
	now := acquire(t, e)
	defer now.Release()
	if get(t, now, 1) != "old" || get(t, now, 2) != "goes on" {
		t.Error("a successor that was discarded left its mark")
	}
}

// A process that is killed leaves the directory in one of these states.
func TestSuccessorOfAKilledProcess(t *testing.T) {
	const name = place.SuccessorPrefix + "1"
	tests := []struct {
		step   string
		marked bool
		then   func(t *testing.T, dir, from string)
		want   string
	}{
		{"before the commit", false, func(*testing.T, string, string) {}, "old"},
		{"after the commit", true, func(*testing.T, string, string) {}, "new"},
		{"after the lock file went", true, func(t *testing.T, dir, from string) {
			must(t, os.Remove(filepath.Join(dir, place.LockFile)))
		}, "new"},
		{"after the data file was moved", true, func(t *testing.T, dir, from string) {
			must(t, os.Remove(filepath.Join(dir, place.LockFile)))
			must(t, os.Rename(filepath.Join(from, place.DataFile), filepath.Join(dir, place.DataFile)))
		}, "new"},
		{"the file was copied without its successor", true, func(t *testing.T, dir, from string) {
			must(t, os.RemoveAll(from))
		}, "old"},
	}
	for _, tt := range tests {
		t.Run(tt.step, func(t *testing.T) {
			dir := t.TempDir()
			from := filepath.Join(dir, name)
			e, err := Open(dir, Options{Create: true})
			must(t, err)
			put(t, e, 1, "old")
			if tt.marked {
				mark(t, e, name)
			}
			must(t, e.Close())
			e, err = Open(from, Options{Create: true})
			must(t, err)
			put(t, e, 1, "new")
			must(t, e.Close())
			must(t, os.Mkdir(filepath.Join(dir, place.NurseryPrefix+"1"), 0o700))
			tt.then(t, dir, from)

			e = open(t, dir, Options{})
			s := acquire(t, e)
			if got := get(t, s, 1); got != tt.want {
				t.Errorf("read %q, want %q", got, tt.want)
			}
			s.Release()
			onlyFiles(t, dir)
			put(t, e, 2, "goes on")
			succeed(t, e, "newest", nothing)
			s = acquire(t, e)
			defer s.Release()
			if got := get(t, s, 1); got != "newest" {
				t.Errorf("moved once more, read %q", got)
			}
		})
	}
}

// mark commits the move to the successor called name.
func mark(t *testing.T, e *Env, name string) {
	t.Helper()
	must(t, e.Update(ctx, func(txn *Txn) error {
		return txn.Put(codec.MovedKey(), append(make([]byte, codec.SumBytes), name...))
	}))
}

func TestSuccessorOfAStranger(t *testing.T) {
	for _, name := range []string{"..", "other", place.SuccessorPrefix + "/../../other", ""} {
		dir := made(t)
		e, err := Open(dir, Options{})
		must(t, err)
		mark(t, e, name)
		if s, err := e.Acquire(); !errors.Is(err, codec.ErrCorrupt) {
			t.Errorf("successor %q: %v, want ErrCorrupt", name, err)
			if err == nil {
				s.Release()
			}
		}
		must(t, e.Close())
	}
}

// What looks like a leftover and is a link is removed, and nothing happens where it leads.
func TestLeftoverThatIsALink(t *testing.T) {
	dir, elsewhere := made(t), t.TempDir()
	for _, name := range []string{place.SuccessorPrefix + "x", place.NurseryPrefix + "x"} {
		must(t, os.Symlink(elsewhere, filepath.Join(dir, name)))
	}
	must(t, open(t, dir, Options{}).Close())
	onlyFiles(t, dir)
	if made, err := os.ReadDir(elsewhere); err != nil || len(made) > 0 {
		t.Errorf("made where the links lead: %v, %v", made, err)
	}
}

// Nothing that is written while the files move is lost.
func TestSuccessorAmongWriters(t *testing.T) {
	e := open(t, t.TempDir(), Options{Create: true})
	var wg sync.WaitGroup
	stop := make(chan bool)
	written := make([]atomic.Int64, 3)
	for w := range written {
		wg.Go(func() {
			for ; ; written[w].Add(1) {
				select {
				case <-stop:
					return
				default:
				}
				number := 1000*(w+1) + int(written[w].Load())
				if err := e.Update(ctx, func(txn *Txn) error { return txn.Put(testKey(number), testValue("x")) }); err != nil {
					t.Error(err)
					return
				}
				s, err := e.Acquire()
				if err != nil {
					t.Error(err)
					return
				}
				if get(t, s, number) != "x" {
					t.Errorf("record %d is lost", number)
				}
				s.Release()
			}
		})
	}
	for range 10 {
		time.Sleep(5 * time.Millisecond)
		succeed(t, e, "new", func(s *Successor) error {
			from := acquire(t, e)
			defer from.Release()
			return s.Update(ctx, func(txn *Txn) error {
				return from.ScanUnverified(nil, func(key, value []byte) error { return txn.Put(key, append([]byte{}, value...)) })
			})
		})
	}
	for w := range written {
		for written[w].Load() == 0 && !t.Failed() {
			time.Sleep(time.Millisecond)
		}
	}
	close(stop)
	wg.Wait()
	s := acquire(t, e)
	defer s.Release()
	for w := range written {
		for i := range int(written[w].Load()) {
			if get(t, s, 1000*(w+1)+i) != "x" {
				t.Fatalf("record %d is lost", 1000*(w+1)+i)
			}
		}
	}
}
