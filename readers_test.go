package hannoy_test

import (
	"fmt"
	"io"
	"maps"
	"os"
	"reflect"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/hannoydb/hannoy"
	"github.com/hannoydb/hannoy/internal/fixture"
)

// hold takes a snapshot, waits until its standard input ends, and makes sure that the
// snapshot still says what it said at first.
func hold(dir string) {
	ix, err := hannoy.Open(dir, &hannoy.Options{ReadOnly: true})
	fatal(err)
	queries := fixture.Vectors(50, processDims, 5)
	err = ix.View(func(s *hannoy.Snapshot) error {
		items, answers, err := everything(s, queries)
		if err != nil {
			return err
		}
		if _, err := os.Create(dir + ".held"); err != nil { // says that it is held
			return err
		}
		io.Copy(io.Discard, os.Stdin)
		again, answersAgain, err := everything(s, queries)
		if err != nil {
			return err
		}
		if !maps.EqualFunc(items, again, func(a, b []float32) bool { return reflect.DeepEqual(a, b) }) || !reflect.DeepEqual(answers, answersAgain) {
			return fmt.Errorf("the snapshot has changed")
		}
		return nil
	})
	fatal(err)
	fatal(ix.Close())
	fmt.Println("done")
	os.Exit(0)
}

// everything is all items of the snapshot, and the answers to the queries.
func everything(s *hannoy.Snapshot, queries [][]float32) (map[string][]float32, [][]hannoy.Hit, error) {
	items := map[string][]float32{}
	for item, err := range s.Items() {
		if err != nil {
			return nil, nil, err
		}
		items[string(item.Key)] = item.Vector
	}
	var answers [][]hannoy.Hit
	for _, q := range queries {
		hits, err := s.Search(ctx, q, 10, &hannoy.SearchOptions{Ef: 40})
		if err != nil {
			return nil, nil, err
		}
		answers = append(answers, hits)
	}
	return items, answers, nil
}

// Slots are used again at once, and their old meaning stays with those who read an old
// snapshot, also in a process that is suspended meanwhile. Stats names it.
func TestSlotsAreUsedAgainBehindAReader(t *testing.T) {
	const n = 1000
	dir := t.TempDir() + "/index"
	ix := open(t, dir, &processOptions)
	vectors := fixture.Vectors(5*n, processDims, 47)
	putRows(t, ix, vectors, 0, n)
	build(t, ix, nil)
	holder := start(t, "holder", dir)
	eventually(t, "the snapshot to be held", func() bool { _, err := os.Stat(dir + ".held"); return err == nil })
	if err := holder.cmd.Process.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	for turn := 1; turn <= 4; turn++ {
		update(t, ix, func(b *hannoy.Batch) error {
			for i := range n {
				if err := b.Put(key(i), vectors[turn*n+i]); err != nil {
					return err
				}
			}
			return nil
		})
		build(t, ix, nil)
		time.Sleep(350 * time.Millisecond) // the times of commits are kept by the second
	}
	s, err := ix.Stats()
	if err != nil {
		t.Fatal(err)
	}
	if slots := s.Items + s.Free + s.Dead; slots > 2*n*16/15+1 { // one in 16 may stay free
		t.Errorf("%d slots are in use for %d items, replaced in turn", slots, n)
	}
	if len(s.Held) != 1 || s.Held[0].PID != holder.cmd.Process.Pid || s.Held[0].Commits < 8 || s.Held[0].Bytes < 100_000 || s.Held[0].Bytes != s.Bytes.Held {
		t.Errorf("held snapshots: %+v, in all %d bytes, want that of process %d", s.Held, s.Bytes.Held, holder.cmd.Process.Pid)
	} else if held := s.Held[0].Seconds; held <= 0 || held > time.Since(began).Seconds()+1 {
		t.Errorf("held for %v s, it is %v", held, time.Since(began))
	}
	if err := holder.cmd.Process.Signal(syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	holder.stdin.Close()
	if out := holder.wait(); !strings.HasSuffix(out, "done\n") || holder.errors.Len() > 0 {
		t.Errorf("holder: %s%s", out, holder.errors.String())
	}
	update(t, ix, func(b *hannoy.Batch) error { return b.Delete(key(0)) })
	if s, err = ix.Stats(); err != nil || len(s.Held) != 0 || s.Bytes.Held != 0 {
		t.Errorf("held snapshots after the process has ended: %+v, %d bytes, %v", s.Held, s.Bytes.Held, err)
	}
}

// A reader that is killed holds nothing back any longer than until the next write.
func TestKilledReader(t *testing.T) {
	dir := t.TempDir() + "/index"
	ix := open(t, dir, &processOptions)
	vectors := fixture.Vectors(100, processDims, 48)
	putRows(t, ix, vectors, 0, 50)
	holder := start(t, "holder", dir)
	eventually(t, "the snapshot to be held", func() bool { _, err := os.Stat(dir + ".held"); return err == nil })
	putRows(t, ix, vectors, 50, 60)
	if s, err := ix.Stats(); err != nil || len(s.Held) != 1 {
		t.Errorf("held snapshots: %+v, %v", s.Held, err)
	}
	holder.cmd.Process.Kill()
	holder.wait()
	putRows(t, ix, vectors, 60, 70)
	if s, err := ix.Stats(); err != nil || len(s.Held) != 0 {
		t.Errorf("held snapshots after a kill and a write: %+v, %v", s.Held, err)
	}
}

// Whoever asks for the names does not keep others from opening for writing.
func TestIndexesBesideOpen(t *testing.T) {
	dir := t.TempDir()
	open(t, dir, &hannoy.Options{Dimensions: 2}).Close()
	stop, done := make(chan struct{}), make(chan error)
	for range 2 {
		go func() {
			var err error
			for err == nil {
				select {
				case <-stop:
					done <- nil
					return
				default:
					_, err = hannoy.Indexes(dir)
				}
			}
			<-stop
			done <- err
		}()
	}
	for range 100 {
		ix, err := hannoy.Open(dir, nil)
		if err != nil {
			t.Fatal(err)
		}
		if err := ix.Close(); err != nil {
			t.Fatal(err)
		}
	}
	close(stop)
	for range 2 {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
}

// Who makes a directory says how many reader slots it has.
func TestMaxReaders(t *testing.T) {
	for slots, want := range map[int]int{0: 1024, 77: 77, 5000: 5000} {
		dir := t.TempDir()
		if err := open(t, dir, &hannoy.Options{Dimensions: 2, MaxReaders: slots}).Close(); err != nil {
			t.Fatal(err)
		}
		if s, err := open(t, dir, &hannoy.Options{MaxReaders: 5}).Stats(); err != nil || s.MaxReaders != want {
			t.Errorf("%d reader slots, %v, want %d", s.MaxReaders, err, want)
		}
	}
}
