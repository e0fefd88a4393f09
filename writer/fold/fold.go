// Package fold builds an index in the background: what is put, replaced or deleted, by whichever process, is folded
// into the graph soon after.
package fold

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/hannoydb/hannoy/codec"
	"github.com/hannoydb/hannoy/kv"
	"github.com/hannoydb/hannoy/writer"
)

// Policy says when a fold begins, and how much it takes.
type Policy struct {
	Pending int           // items that may wait; 0: as many as are compared in half the time of a search of the graph
	Age     time.Duration // how long a change waits at most; 0: 1 second
	Threads int           // 0: 1
	Done    func(*writer.Report, error)
}

// Target is the open index that is built.
type Target struct {
	Env      *kv.Env
	ID       codec.IndexID
	Name     string
	RowBytes int                                                         // of a vector
	Usable   func() error                                                // an error once the index is closed
	Log      func(ctx context.Context, report *writer.Report, err error) // of every fold
}

const (
	defaultAge    = time.Second
	pendingBytes  = 1 << 20 // bytes of rows, each with rowCost, that may be pending
	rowCost       = 256     // bytes: comparing a row costs as much again as reading these
	foldShare     = 2       // a fold begins at one in this many of the pending items allowed, or as many dead
	rewriteFactor = 16      // so many times as many are allowed while no fold can run
	commitEvery   = time.Second
	memoryBytes   = 256 << 20

	// What a build does between two looks at its context, and how long it may take to
	// keep what it has linked, are such that Close returns within 50 ms.
	round      = 128
	keepWithin = 20 * time.Millisecond

	poll       = 100 * time.Millisecond // between two looks at what others have committed
	admitPoll  = 5 * time.Millisecond   // and of an Update that waits
	retryFirst = time.Second            // after a failure; twice as long after the next
	retryMost  = time.Minute
)

// Builder is the background builder of one open index.
type Builder struct {
	Policy
	Target
	wake    chan struct{} // holds one token when there may be work
	stop    context.CancelFunc
	stopped chan struct{}
	failed  atomic.Pointer[error] // of the last fold; nil when it went well

	// Of the goroutine:
	commit kv.Commit // that the counts are of
	work   int       // pending or dead slots as of then, whichever are more
	since  time.Time // when the oldest of them was noticed; zero without work
}

// Start starts a builder.
func Start(policy Policy, target Target) *Builder {
	a := &Builder{Policy: policy, Target: target, wake: make(chan struct{}, 1), stopped: make(chan struct{})}
	if a.Pending == 0 {
		a.Pending = max(foldShare, pendingBytes/(rowCost+target.RowBytes))
	}
	if a.Age == 0 {
		a.Age = defaultAge
	}
	a.Threads = max(a.Threads, 1)
	ctx, stop := context.WithCancel(context.Background())
	a.stop = stop
	go a.run(ctx)
	return a
}

// Close ends the builder. What it has linked is kept if that takes no time.
func (a *Builder) Close() {
	a.stop()
	<-a.stopped
}

// Notify tells the builder that something was committed.
func (a *Builder) Notify() {
	select {
	case a.wake <- struct{}{}:
	default:
	}
}

func (a *Builder) run(ctx context.Context) {
	defer close(a.stopped)
	retry := retryFirst
	for a.sleep(ctx, min(poll, a.Age), a.wake) {
		err := a.look()
		if err == nil && a.due() {
			err = a.fold(ctx)
		}
		if err == nil {
			retry = retryFirst
			continue
		}
		if !a.sleep(ctx, retry, nil) {
			return
		}
		retry = min(2*retry, retryMost)
	}
}

// sleep returns after some time, or when woken, and false when the context is done.
func (a *Builder) sleep(ctx context.Context, d time.Duration, wake <-chan struct{}) bool {
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
func (a *Builder) look() error {
	commit, err := a.Env.LastCommit()
	if err != nil || commit == a.commit {
		return err
	}
	// Not the commit that was asked for: of that there may not be a snapshot yet.
	m, commit, err := a.counts()
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

func (a *Builder) due() bool {
	return a.work > 0 && (a.work >= (a.Pending+foldShare-1)/foldShare || time.Since(a.since) >= a.Age)
}

// fold builds what there is.
func (a *Builder) fold(ctx context.Context) error {
	a.since = time.Now() // for what is committed while the fold runs
	report, err := writer.Build(ctx, a.Env, a.ID, writer.BuildOptions{
		Threads: a.Threads, MemoryBytes: memoryBytes, CommitEvery: commitEvery,
		Wait: true, KeepWithin: keepWithin, LargestRound: round,
	})
	if err != nil && ctx.Err() != nil {
		return nil
	}
	a.Log(ctx, report, err)
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

// Admit waits until few enough items are pending for more to be put.
func (a *Builder) Admit(ctx context.Context) error {
	for {
		m, err := a.Env.Meta(a.ID)
		if err != nil || m.Unlinked() < a.Pending {
			return err
		}
		if m.Unlinked() < rewriteFactor*a.Pending && a.Env.IsRewritten() {
			return nil
		}
		if failed := a.failed.Load(); failed != nil {
			return fmt.Errorf("index %q has %d pending items, %d are allowed, and they cannot be built: %w", a.Name, m.Pending, a.Pending, *failed)
		}
		a.Notify()
		if !a.sleep(ctx, admitPoll, a.stopped) {
			return ctx.Err()
		}
		if err := a.Usable(); err != nil {
			return err
		}
	}
}

// counts returns the metadata of the index as of the latest commit, and that commit.
func (a *Builder) counts() (*codec.Meta, kv.Commit, error) {
	s, err := a.Env.Acquire()
	if err != nil {
		return nil, kv.Commit{}, err
	}
	defer s.Release()
	m, err := s.Meta(a.ID)
	return m, s.Commit(), err
}
