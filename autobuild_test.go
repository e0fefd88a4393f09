package hannoy_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/hannoydb/hannoy"
	"github.com/hannoydb/hannoy/internal/fixture"
	"github.com/hannoydb/hannoy/kv"
)

// eventually waits until what holds. The machine that runs tests may have much else to do.
func eventually(t testing.TB, what string, holds func() bool) {
	t.Helper()
	for end := time.Now().Add(5 * time.Minute); !holds(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("waited in vain for: %s", what)
		}
	}
}

func pending(t testing.TB, ix *hannoy.Index) int {
	t.Helper()
	n, err := ix.Pending()
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// allFolded reports whether a build has nothing left to do.
func allFolded(t testing.TB, ix *hannoy.Index) bool {
	t.Helper()
	s, err := ix.Stats()
	if err != nil {
		t.Fatal(err)
	}
	return s.Pending == 0 && s.Dead == 0
}

// folds collects what Done is told.
type folds struct {
	mu              sync.Mutex
	linked, removed int
	errors          []error
}

func (f *folds) done(r *hannoy.BuildReport, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err != nil {
		f.errors = append(f.errors, err)
		return
	}
	f.linked += r.Linked
	f.removed += r.Removed
}

func (f *folds) counts() (linked, removed int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.linked, f.removed
}

func (f *folds) failures() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.errors)
}

func TestAutoBuildByAgeAndByCount(t *testing.T) {
	const n, dims = 600, 8
	vectors := fixture.Vectors(n+50, dims, 40)
	for name, policy := range map[string]hannoy.AutoBuild{
		"age":   {Pending: 1 << 20, Age: 50 * time.Millisecond},
		"count": {Pending: n, Age: time.Hour},
	} {
		t.Run(name, func(t *testing.T) {
			var f folds
			policy.Done = f.done
			ix := open(t, t.TempDir(), &hannoy.Options{Dimensions: dims, AutoBuild: &policy})
			m := newModel(hannoy.Euclidean, vectors[:n])
			putRows(t, ix, vectors, 0, n)
			eventually(t, "the puts to be linked", func() bool { return allFolded(t, ix) })
			update(t, ix, func(b *hannoy.Batch) error {
				for i := range n / 2 {
					delete(m.items, string(key(i)))
					if err := b.Delete(key(i)); err != nil {
						return err
					}
				}
				return nil
			})
			eventually(t, "the deletes to be repaired", func() bool { return allFolded(t, ix) })
			checkSound(t, ix)
			if r := m.recall(t, ix, vectors[n:], 10, nil); r < .97 {
				t.Errorf("recall is %v", r)
			}
			// Done is called after the commit that shows it.
			eventually(t, fmt.Sprintf("Done to be told of %d linked and %d removed", n, n/2), func() bool {
				linked, removed := f.counts()
				return linked == n && removed == n/2
			})
			if failures := f.failures(); failures > 0 {
				t.Errorf("%d folds failed", failures)
			}
		})
	}
}

// Below the count and the age nothing is built; a batch however large is let through.
func TestAutoBuildWaits(t *testing.T) {
	vectors := fixture.Vectors(500, 8, 41)
	ix := open(t, t.TempDir(), &hannoy.Options{Dimensions: 8, AutoBuild: &hannoy.AutoBuild{Pending: 200, Age: time.Hour}})
	putRows(t, ix, vectors, 0, 99)
	time.Sleep(300 * time.Millisecond)
	if n := pending(t, ix); n != 99 {
		t.Errorf("%d items are pending, 99 are too few for a fold", n)
	}
	putRows(t, ix, vectors, 99, len(vectors))
	eventually(t, "a fold", func() bool { return pending(t, ix) == 0 })
}

// A commit is looked at again when it was not yet to be read at the first look: while it
// was being synced. Puts of an index without AutoBuild do not wake the builder.
func TestAutoBuildMissesNothing(t *testing.T) {
	vectors := fixture.Vectors(30, 8, 47)
	dir := t.TempDir()
	manual := open(t, dir, &hannoy.Options{Dimensions: 8})
	open(t, dir, &hannoy.Options{AutoBuild: &hannoy.AutoBuild{Age: time.Millisecond}})
	for i := range vectors {
		putRows(t, manual, vectors, i, i+1)
		eventually(t, fmt.Sprintf("put %d to be linked", i), func() bool { return pending(t, manual) == 0 })
	}
}

// Writers that are faster than the builder are slowed.
func TestAutoBuildSlowsWriters(t *testing.T) {
	const limit, batch, writers = 60, 10, 3
	vectors := fixture.Vectors(900, 8, 42)
	ix := open(t, t.TempDir(), &hannoy.Options{Dimensions: 8, AutoBuild: &hannoy.AutoBuild{Pending: limit}})
	var group sync.WaitGroup
	for w := range writers {
		group.Go(func() {
			for i := w * 300; i < (w+1)*300; i += batch {
				putRows(t, ix, vectors, i, i+batch)
				// Each writer may have been let through at one below the limit.
				if n := pending(t, ix); n >= limit+writers*batch {
					t.Errorf("%d items are pending, the limit is %d", n, limit)
				}
			}
		})
	}
	group.Wait()
	eventually(t, "the last fold", func() bool { return allFolded(t, ix) })
	checkSound(t, ix)
}

// While something else builds, writers wait as long as their context allows, and
// deletes do not wait at all.
func TestAutoBuildWriterGivesUp(t *testing.T) {
	const limit = 40
	vectors := fixture.Vectors(200, 8, 43)
	dir := t.TempDir()
	manual := open(t, dir, &hannoy.Options{Dimensions: 8})
	putRows(t, manual, vectors, 0, limit)
	inBuild, goOn, built := make(chan struct{}), make(chan struct{}), make(chan error)
	var once sync.Once
	go func() {
		_, err := manual.Build(ctx, &hannoy.BuildOptions{Progress: func(hannoy.BuildProgress) {
			once.Do(func() { close(inBuild); <-goOn })
		}})
		built <- err
	}()
	<-inBuild
	ix := open(t, dir, &hannoy.Options{AutoBuild: &hannoy.AutoBuild{Pending: limit}})
	short, cancel := context.WithTimeout(ctx, 50*time.Millisecond)
	defer cancel()
	put := func(b *hannoy.Batch) error { return b.Put(key(limit), vectors[limit]) }
	if _, err := ix.Update(short, put); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Update = %v, want the deadline", err)
	}
	if n := update(t, ix, func(b *hannoy.Batch) error { return b.Delete(key(0)) }); n != 1 {
		t.Errorf("%d items deleted", n)
	}
	m := newModel(hannoy.Euclidean, vectors[:limit])
	delete(m.items, string(key(0)))
	if r := m.recall(t, ix, vectors[100:], 10, nil); r != 1 {
		t.Errorf("recall is %v while all is pending", r)
	}
	close(goOn)
	if err := <-built; err != nil {
		t.Error(err)
	}
	if _, err := ix.Update(ctx, put); err != nil {
		t.Error(err)
	}
	if _, err := ix.Build(ctx, nil); err != nil { // waits for a fold, if one runs
		t.Error(err)
	}
	if !allFolded(t, ix) {
		t.Error("Build left something")
	}
}

// A fold that fails is reported and tried again, and fails only the Update that would
// wait for it in vain.
func TestAutoBuildFailure(t *testing.T) {
	const limit = 40
	vectors := fixture.Vectors(200, 8, 44)
	dir := t.TempDir()
	var f folds
	ix := open(t, dir, &hannoy.Options{Dimensions: 8, AutoBuild: &hannoy.AutoBuild{Pending: limit, Age: 10 * time.Millisecond, Done: f.done}})
	lock := filepath.Join(dir, "build.lock")
	if err := os.Mkdir(lock, 0o700); err != nil {
		t.Fatal(err)
	}
	putRows(t, ix, vectors, 0, limit-1)
	eventually(t, "a failure", func() bool { return f.failures() > 0 })
	putRows(t, ix, vectors, limit-1, limit)
	_, err := ix.Update(ctx, func(b *hannoy.Batch) error { return b.Put(key(limit), vectors[limit]) })
	if !errors.Is(err, syscall.EISDIR) {
		t.Errorf("Update = %v, want what failed the fold", err)
	}
	if err := os.Remove(lock); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the fold to be tried again", func() bool { return pending(t, ix) == 0 })
	putRows(t, ix, vectors, limit, limit+1)
}

// Close does not wait for a fold, and keeps what the fold has committed.
func TestAutoBuildCloses(t *testing.T) {
	const n, dims = 12000, 24
	vectors := fixture.Vectors(n, dims, 45)
	dir := t.TempDir()
	if err := func() error {
		ix, err := hannoy.Open(dir, &hannoy.Options{Dimensions: dims})
		if err != nil {
			return err
		}
		putRows(t, ix, vectors, 0, n)
		return ix.Close()
	}(); err != nil {
		t.Fatal(err)
	}
	// How far a fold comes, and how long a Close takes, is up to the machine, too: rounds go
	// on until one has committed something, and of a Close the processor time counts.
	least, left := time.Hour, n
	for wait := 100 * time.Millisecond; left == n; wait += wait / 2 {
		ix, err := hannoy.Open(dir, &hannoy.Options{AutoBuild: &hannoy.AutoBuild{}})
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(wait)
		left = pending(t, ix)
		before := processorTime(t)
		if err := ix.Close(); err != nil {
			t.Fatal(err)
		}
		least = min(least, processorTime(t)-before)
		if wait > 5*time.Minute {
			t.Fatalf("%d of %d items are pending after folds of up to %v", left, n, wait)
		}
	}
	// 50 ms is the promise; the machine that runs tests may have more to do.
	if least > time.Second {
		t.Errorf("Close took %v", least)
	}
	ix := open(t, dir, nil)
	checkSound(t, ix)
	if now := pending(t, ix); now > left {
		t.Errorf("%d items are pending after Close, %d before", now, left)
	}
}

// processorTime is what all threads of this process have used.
func processorTime(t testing.TB) time.Duration {
	t.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		t.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

func TestAutoBuildOfSeveralIndexes(t *testing.T) {
	vectors := fixture.Vectors(400, 8, 46)
	dir := t.TempDir()
	policy := &hannoy.AutoBuild{Age: 20 * time.Millisecond, Pending: 100}
	a := open(t, dir, &hannoy.Options{Index: "a", Dimensions: 8, AutoBuild: policy})
	b := open(t, dir, &hannoy.Options{Index: "b", Dimensions: 8, AutoBuild: policy})
	for i := 0; i < len(vectors); i += 10 {
		update(t, a, func(batch *hannoy.Batch) error {
			for j := i; j < i+10; j++ {
				if err := errors.Join(batch.Put(key(j), vectors[j]), batch.On(b).Put(key(j), vectors[j])); err != nil {
					return err
				}
			}
			return nil
		})
		if n := pending(t, b); n > 110 {
			t.Errorf("%d items of the other index are pending", n)
		}
	}
	eventually(t, "both to be folded", func() bool { return allFolded(t, a) && allFolded(t, b) })
	checkSound(t, a)
}

func TestAutoBuildPolicyIsChecked(t *testing.T) {
	dir := t.TempDir()
	open(t, dir, &hannoy.Options{Dimensions: 2}).Close()
	for _, o := range []hannoy.Options{
		{ReadOnly: true, AutoBuild: &hannoy.AutoBuild{}}, {AutoBuild: &hannoy.AutoBuild{Pending: -1}},
		{AutoBuild: &hannoy.AutoBuild{Age: -1}}, {AutoBuild: &hannoy.AutoBuild{Threads: -1}},
	} {
		if _, err := hannoy.Open(dir, &o); !errors.Is(err, hannoy.ErrInvalid) {
			t.Errorf("%+v: %v", o, err)
		}
	}
}

// While nothing can be folded because the files are written anew, more may be pending, but
// not any number.
func TestAutoBuildBesideARewrite(t *testing.T) {
	const limit = 20
	dir := t.TempDir()
	ix := open(t, dir, &hannoy.Options{Dimensions: 8, AutoBuild: &hannoy.AutoBuild{Pending: limit}})
	env, err := kv.Open(dir, kv.Options{}) // the one that is open
	if err != nil {
		t.Fatal(err)
	}
	defer env.Close()
	unlock, err := env.LockBuild(ctx, true)
	if err != nil {
		t.Fatal(err)
	}
	done, err := env.NoteRewrite()
	if err != nil {
		t.Fatal(err)
	}
	vectors := fixture.Vectors(17*limit, 8, 23)
	for i := range 16 * limit {
		putRows(t, ix, vectors, i, i+1)
	}
	soon, cancel := context.WithTimeout(ctx, 50*time.Millisecond)
	defer cancel()
	put := func(b *hannoy.Batch) error { return b.Put(key(16*limit), vectors[16*limit]) }
	if _, err := ix.Update(soon, put); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Update with %d pending items = %v", 16*limit, err)
	}
	if err := errors.Join(done(), unlock()); err != nil {
		t.Fatal(err)
	}
	update(t, ix, put)
	checkSound(t, ix)
}
