package hannoy

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/hannoydb/hannoy/codec"
	"github.com/hannoydb/hannoy/kv"
	"github.com/hannoydb/hannoy/writer"
)

// AutoBuild, in Options, has an open index built in the background: what is put,
// replaced or deleted, here or by other processes, is folded into the graph soon
// after. The zero value is a good policy.
//
// Any number of processes may ask for it. One at a time builds in a directory; the
// others wait for their turn, and take over when it closes or dies.
type AutoBuild struct {
	// Pending bounds what a query has to compare one by one. Update waits, as long as
	// its context allows, while so many items are pending, and a fold begins at
	// half of it, or when as many were deleted. A larger batch is let through when fewer
	// are. While Compact or Alter writes the files anew, and no fold can run, sixteen times
	// as many may be. 0: as many as are compared in half the time of a search of the graph,
	// which is 1 MiB over 256 bytes and the bytes of a vector; 1,365 for 128 numbers.
	Pending int
	// Age is how long a change waits for its fold at most, while the builder keeps up;
	// 0: 1 second. A fold writes most of the links anew that are near what has changed,
	// so a short age costs writes.
	Age time.Duration
	// Threads are the processors that folds may take from queries; 0: 1.
	Threads int
	// Done, unless nil, is called after every fold that had something to do, from the
	// building goroutine, with its report or its error. It must neither close the index
	// nor call Update, which may wait for the next fold.
	//
	// A fold that failed is tried again, at longer and longer intervals. Nothing else
	// fails by it, since answers stay right without it, until Update would wait for it
	// in vain: then Update returns that error.
	Done func(*BuildReport, error)
}

const (
	autoAge         = time.Second
	autoRows        = 1 << 20 // bytes of rows, each with autoRowCost, that may be pending
	autoRowCost     = 256     // bytes: comparing a row costs as much again as reading these
	autoFold        = 2       // a fold begins at one in this many of the pending items allowed, or as many dead
	autoRewrite     = 16      // so many times as many are allowed while no fold can run
	autoCommitEvery = time.Second
	autoMemory      = 256 << 20

	// What a build does between two looks at its context, and how long it may take to
	// keep what it has linked, are such that Close returns within 50 ms.
	autoRound = 128
	autoKeep  = 20 * time.Millisecond

	autoPoll     = 100 * time.Millisecond // between two looks at what others have committed
	autoAdmit    = 5 * time.Millisecond   // and of an Update that waits
	autoRetry    = time.Second            // after a failure; twice as long after the next
	autoRetryMax = time.Minute
)

// check names what contradicts the policy.
func (p *AutoBuild) check(readOnly bool) error {
	switch {
	case p == nil:
	case readOnly:
		return fmt.Errorf("%w: AutoBuild writes, and the index is to be opened read-only", ErrInvalid)
	case p.Pending < 0 || p.Age < 0 || p.Threads < 0:
		return fmt.Errorf("%w: AutoBuild has pending %d, age %s, threads %d, none may be negative", ErrInvalid, p.Pending, p.Age, p.Threads)
	}
	return nil
}

// autoBuilder is the background builder of one open index.
type autoBuilder struct {
	AutoBuild
	index   *Index
	wake    chan struct{} // holds one token when there may be work
	stop    context.CancelFunc
	stopped chan struct{}
	failed  atomic.Pointer[error] // of the last fold; nil when it went well

	// Of the goroutine:
	commit kv.Commit // that the counts are of
	work   int       // pending or dead slots as of then, whichever are more
	since  time.Time // when the oldest of them was noticed; zero without work
}

// startAutoBuild starts the background builder.
func (ix *Index) startAutoBuild(policy AutoBuild) {
	a := &autoBuilder{AutoBuild: policy, index: ix, wake: make(chan struct{}, 1), stopped: make(chan struct{})}
	a.Pending = or(a.Pending, max(autoFold, autoRows/(autoRowCost+ix.kernel.Load().RowBytes())))
	a.Age = or(a.Age, autoAge)
	a.Threads = or(a.Threads, 1)
	ctx, stop := context.WithCancel(context.Background())
	a.stop = stop
	ix.auto = a
	go a.run(ctx)
}

// close ends the builder. What it has linked is kept if that takes no time.
func (a *autoBuilder) close() {
	a.stop()
	<-a.stopped
}

// notify tells the builder that something was committed.
func (a *autoBuilder) notify() {
	select {
	case a.wake <- struct{}{}:
	default:
	}
}

func (a *autoBuilder) run(ctx context.Context) {
	defer close(a.stopped)
	retry := autoRetry
	for a.sleep(ctx, min(autoPoll, a.Age), a.wake) {
		err := a.look()
		if err == nil && a.due() {
			err = a.fold(ctx)
		}
		if err == nil {
			retry = autoRetry
			continue
		}
		if !a.sleep(ctx, retry, nil) {
			return
		}
		retry = min(2*retry, autoRetryMax)
	}
}

// sleep returns after some time, or when woken, and false when the context is done.
func (a *autoBuilder) sleep(ctx context.Context, d time.Duration, wake <-chan struct{}) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-wake:
	case <-timer.C:
	}
	return ctx.Err() == nil
}

// look reads how much there is to do, if anything was committed since the last look.
func (a *autoBuilder) look() error {
	commit, err := a.index.env.LastCommit()
	if err != nil || commit == a.commit {
		return err
	}
	// Not the commit that was asked for: of that there may not be a snapshot yet.
	m, commit, err := a.index.counts()
	if err != nil {
		return err
	}
	a.commit, a.work = commit, max(m.Unlinked(), int(m.Dead))
	if a.work == 0 {
		a.since = time.Time{}
	} else if a.since.IsZero() {
		a.since = time.Now()
	}
	return nil
}

func (a *autoBuilder) due() bool {
	return a.work > 0 && (a.work >= (a.Pending+autoFold-1)/autoFold || time.Since(a.since) >= a.Age)
}

// fold builds what there is.
func (a *autoBuilder) fold(ctx context.Context) error {
	a.since = time.Now() // for what is committed while the fold runs
	report, err := writer.Build(ctx, a.index.env, a.index.id, writer.BuildOptions{
		Threads: a.Threads, MemoryBytes: autoMemory, CommitEvery: autoCommitEvery,
		Wait: true, KeepWithin: autoKeep, LargestRound: autoRound,
	})
	if err != nil && ctx.Err() != nil {
		return nil
	}
	a.index.logBuild(ctx, report, err)
	if err == nil {
		a.failed.Store(nil)
	} else {
		a.failed.Store(&err)
	}
	if a.Done != nil && (err != nil || report.Linked+report.Removed > 0) {
		a.Done(report, err)
	}
	return err
}

// admit waits until few enough items are pending for more to be put.
func (a *autoBuilder) admit(ctx context.Context) error {
	for {
		m, _, err := a.index.counts()
		if err != nil || m.Unlinked() < a.Pending {
			return err
		}
		if m.Unlinked() < autoRewrite*a.Pending && a.index.env.IsRewritten() {
			return nil
		}
		if failed := a.failed.Load(); failed != nil {
			return fmt.Errorf("index %q has %d pending items, %d are allowed, and they cannot be built: %w", a.index.name, m.Pending, a.Pending, *failed)
		}
		a.notify()
		if !a.sleep(ctx, autoAdmit, a.stopped) {
			return ctx.Err()
		}
		if err := a.index.usable(); err != nil {
			return err
		}
	}
}

// counts returns the metadata of the index as of the latest commit, and that commit.
func (ix *Index) counts() (*codec.Meta, kv.Commit, error) {
	s, err := ix.env.Acquire()
	if err != nil {
		return nil, kv.Commit{}, err
	}
	defer s.Release()
	m, err := s.Meta(ix.id)
	return m, s.Commit(), err
}

// Pending is how many items no build has linked yet: none in an index without a graph.
// It reads one record.
func (ix *Index) Pending() (int, error) {
	if err := ix.usable(); err != nil {
		return 0, err
	}
	m, _, err := ix.counts()
	if err != nil {
		return 0, err
	}
	return m.Unlinked(), nil
}
