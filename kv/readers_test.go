package kv

import (
	"bytes"
	"errors"
	"os"
	"testing"
)

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
	if len(readers) < 2 || readers[0].PID != os.Getpid() || readers[0].Commit != held.id || readers[0].Behind != 5 {
		t.Fatalf("readers %+v, the first reads commit %d", readers, held.id)
	}
	// Four versions of the value, of which the last waits for the next commit anyway.
	if h := readers[0].Held; h < 3*25 || h > 5*25+20 {
		t.Errorf("%d pages are held", h)
	}
	if last := readers[1]; last.Commit != s.id || last.Behind != 0 || last.Held != 0 {
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
