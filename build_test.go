package hannoy_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hannoydb/hannoy"
	"github.com/hannoydb/hannoy/codec"
	"github.com/hannoydb/hannoy/internal/fixture"
	"github.com/hannoydb/hannoy/kv"
)

// The graph depends on the items and the seed, not on threads or commits.
func TestBuildIsDeterministic(t *testing.T) {
	const dims = 16
	n := fewer(4000)
	vectors := fixture.Vectors(n, dims, 5)
	var dumps []string
	for _, o := range []hannoy.BuildOptions{{Threads: 1}, {Threads: 2}, {Threads: 8}, {Threads: 3, MemoryBudget: 1 << 20}, {Threads: 2, MemoryBudget: 4 << 20, CommitEvery: 1}} {
		ix := open(t, t.TempDir(), &hannoy.Options{Dimensions: dims, Seed: 9})
		putRows(t, ix, vectors, 0, n)
		build(t, ix, &o)
		update(t, ix, func(b *hannoy.Batch) error {
			for i := 0; i < n; i += 7 {
				if err := b.Delete(key(i)); err != nil {
					return err
				}
			}
			return b.Put(key(1), vectors[2])
		})
		report := build(t, ix, &o)
		dumps = append(dumps, dump(t, ix))
		if o.MemoryBudget > 0 && report.Commits == 0 {
			t.Error("no commit")
		}
	}
	for i, d := range dumps[1:] {
		if d != dumps[0] {
			t.Errorf("build %d differs from the first", i+1)
		}
	}
}

func dump(t *testing.T, ix *hannoy.Index) string {
	t.Helper()
	env, err := kv.Open(ix.Path(), kv.Options{}) // the one that is open
	if err != nil {
		t.Fatal(err)
	}
	defer env.Close()
	snap, err := env.Acquire()
	if err != nil {
		t.Fatal(err)
	}
	defer snap.Release()
	var b strings.Builder
	err = snap.ScanUnverified(nil, func(key, value []byte) error {
		b.WriteString(codec.Describe(key, value, nil))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// A small change writes the records that it touches and no others.
func TestIncrementalBuildWritesLittle(t *testing.T) {
	const dims = 16
	n := fewer(20000)
	vectors := fixture.Vectors(n+101, dims, 6)
	ix := open(t, t.TempDir(), &hannoy.Options{Dimensions: dims})
	putRows(t, ix, vectors, 0, n)
	build(t, ix, nil)
	putRows(t, ix, vectors, n, n+1)
	if r := build(t, ix, nil); r.Linked != 1 || r.RecordsWritten > 200 {
		t.Errorf("one put: linked %d, wrote %d records", r.Linked, r.RecordsWritten)
	}
	putRows(t, ix, vectors, n+1, n+101)
	if r := build(t, ix, nil); r.Linked != 100 || r.RecordsWritten > 100*60 || r.Distances > 100*20000 {
		t.Errorf("100 puts: linked %d, wrote %d records, computed %d distances", r.Linked, r.RecordsWritten, r.Distances)
	}
	if r := build(t, ix, nil); r.Commits != 0 {
		t.Errorf("a build of nothing made %d commits", r.Commits)
	}
}

func TestDuplicates(t *testing.T) {
	const dims = 8
	n := fewer(10000)
	equal := n / 5
	vectors, queries := fixture.Vectors(n, dims, 7), fixture.Vectors(50, dims, 8)
	for i := range equal {
		vectors[i] = vectors[0]
	}
	ix := open(t, t.TempDir(), &hannoy.Options{Dimensions: dims})
	m := newModel(hannoy.Euclidean, vectors)
	putRows(t, ix, vectors, 0, n)
	build(t, ix, nil)
	if r := m.recall(t, ix, append(queries, vectors[0]), 10, &hannoy.SearchOptions{Ef: 40}); r < 0.98 {
		t.Errorf("recall is %v", r)
	}
}

func TestOthersWriteWhileABuildRuns(t *testing.T) {
	const dims = 16
	n := fewer(6000)
	vectors, queries := fixture.Vectors(2*n, dims, 8), fixture.Vectors(20, dims, 9)
	ix := open(t, t.TempDir(), &hannoy.Options{Dimensions: dims})
	putRows(t, ix, vectors, 0, n)
	m := newModel(hannoy.Euclidean, vectors[:n])
	var writer sync.WaitGroup
	started := make(chan bool)
	var once sync.Once
	writer.Go(func() {
		<-started
		for i := range 300 {
			update(t, ix, func(b *hannoy.Batch) error {
				// Slots that the build has linked, is linking and has never seen.
				if err := b.Delete(key(3 * i)); err != nil {
					return err
				}
				if err := b.Put(key(3*i+1), vectors[n+i]); err != nil {
					return err
				}
				return b.Put(key(n+i), vectors[n+1000+i])
			})
		}
	})
	progress := func(hannoy.BuildProgress) { once.Do(func() { close(started) }) }
	if _, err := ix.Build(ctx, &hannoy.BuildOptions{Progress: progress, MemoryBudget: 1 << 20}); err != nil {
		t.Fatal(err)
	}
	writer.Wait()
	for i := range 300 {
		delete(m.items, string(key(3*i)))
		m.put(3*i+1, vectors[n+i])
		m.put(n+i, vectors[n+1000+i])
	}
	checkSound(t, ix)
	if r := m.recall(t, ix, queries, 10, nil); r < 0.97 {
		t.Errorf("before the second build recall is %v", r)
	}
	build(t, ix, nil)
	if r := m.recall(t, ix, queries, 10, nil); r < 0.97 {
		t.Errorf("after it recall is %v", r)
	}
}

func TestCancelledBuildResumes(t *testing.T) {
	const n, dims = 8000, 16
	vectors := fixture.Vectors(n, dims, 10)
	ix := open(t, t.TempDir(), &hannoy.Options{Dimensions: dims})
	putRows(t, ix, vectors, 0, n)
	cancelled, cancel := context.WithCancel(ctx)
	var at time.Time
	o := &hannoy.BuildOptions{MemoryBudget: 1 << 20, Progress: func(p hannoy.BuildProgress) {
		if p.Done > n/2 && at.IsZero() {
			at = time.Now()
			cancel()
		}
	}}
	if _, err := ix.Build(cancelled, o); !errors.Is(err, context.Canceled) {
		t.Fatalf("Build = %v", err)
	}
	checkSound(t, ix)
	stats, err := ix.Stats()
	if err != nil {
		t.Fatal(err)
	}
	if stats.Pending == 0 || stats.Pending == n {
		t.Errorf("%d of %d items are pending after half a build", stats.Pending, n)
	}
	if r := build(t, ix, nil); r.Linked != stats.Pending {
		t.Errorf("the next build linked %d of %d pending items", r.Linked, stats.Pending)
	}
}

func TestSecondBuildIsRefused(t *testing.T) {
	vectors := fixture.Vectors(2000, 8, 11)
	ix := open(t, t.TempDir(), &hannoy.Options{Dimensions: 8})
	putRows(t, ix, vectors, 0, len(vectors))
	var second error
	_, err := ix.Build(ctx, &hannoy.BuildOptions{Progress: func(hannoy.BuildProgress) {
		if second == nil {
			_, second = ix.Build(ctx, nil)
		}
	}})
	if err != nil || !errors.Is(second, hannoy.ErrBusy) {
		t.Errorf("builds returned %v and %v, want nil and ErrBusy", err, second)
	}
}

// fewer is n, or a third of it under the race detector, which makes everything ten times slower.
func fewer(n int) int {
	if slices.Contains(fixture.BuildFlags(), "-race") {
		return n / 3
	}
	return n
}
