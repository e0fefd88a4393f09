package hannoy

import (
	"context"
	"fmt"
	"iter"
	"log/slog"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hannoydb/hannoy/kv"
)

// lease is the hold of one View on its snapshot. It ends with the View, or, where
// Options.MaxSnapshotAge bounds it, when it has expired: the snapshot is then released as
// soon as no call is within.
type lease struct {
	ended    atomic.Bool // View has returned
	snapshot *kv.Snapshot
	limit    *leases   // nil: without MaxSnapshotAge; then nothing below is used
	behind   time.Time // when it was first seen that the snapshot is not the latest; of limit's goroutine

	mu     sync.Mutex
	inside int  // mu: calls that read
	over   bool // mu: none may begin
}

// enter begins a call that reads; leave ends it.
func (l *lease) enter() error {
	if l.ended.Load() {
		return fmt.Errorf("snapshot: %w: it ends when View returns (do all that reads it in View's function)", ErrClosed)
	}
	if l.limit == nil {
		return nil
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.over {
		return fmt.Errorf("%w: it was held for more than %s after a later commit (take another with View)", ErrExpired, l.limit.age)
	}
	l.inside++
	return nil
}

func (l *lease) leave() {
	if l.limit == nil {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.inside--; l.inside == 0 && l.over {
		l.snapshot.Release()
	}
}

// end ends the lease, if that has not been done.
func (l *lease) end() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.over && l.inside == 0 {
		l.snapshot.Release()
	}
	l.over = true
}

// lend is seq within the lease, but for what is done with each item.
func lend[T any](l *lease, seq iter.Seq2[T, error]) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		var none T
		err := l.enter()
		if err != nil {
			yield(none, err)
			return
		}
		within := true
		defer func() {
			if within {
				l.leave()
			}
		}()
		seq(func(item T, problem error) bool {
			l.leave()
			within = false // and so it stays when the range ends here, or panics
			if !yield(item, problem) {
				return false
			}
			err = l.enter()
			within = err == nil
			return within
		})
		if err != nil {
			yield(none, err)
		}
	}
}

// leases bounds the leases of an open index.
type leases struct {
	index   *Index
	age     time.Duration
	stop    context.CancelFunc
	stopped chan struct{}

	mu  sync.Mutex
	all map[*lease]struct{} // mu: that have not ended

	held map[holder]*sighting // of the goroutine: by other processes
}

// holder is a process and the commit whose snapshot it holds.
type holder struct {
	pid    int
	commit uint64
}

// sighting is what this process knows of a snapshot that another holds.
type sighting struct {
	since time.Time // it is not the latest, at least
	told  bool      // the logger was
}

const (
	leaseLooks   = 8 // within the age
	leasePollMin = 5 * time.Millisecond
	leasePollMax = time.Second
)

// bound starts to bound the snapshots of the index.
func (ix *Index) bound(age time.Duration) {
	ctx, stop := context.WithCancel(context.Background())
	ix.leases = &leases{index: ix, age: age, stop: stop, stopped: make(chan struct{}), all: map[*lease]struct{}{}, held: map[holder]*sighting{}}
	go ix.leases.run(ctx)
}

func (b *leases) close() {
	b.stop()
	<-b.stopped
}

// grant returns a lease of the snapshot, and a call within. It releases the snapshot.
func (b *leases) grant(s *kv.Snapshot) *lease {
	l := &lease{snapshot: s, limit: b, inside: 1}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.all[l] = struct{}{}
	return l
}

// end ends a lease whose View is over.
func (b *leases) end(l *lease) {
	b.mu.Lock()
	delete(b.all, l)
	b.mu.Unlock()
	l.end()
}

func (b *leases) run(ctx context.Context) {
	defer close(b.stopped)
	ticker := time.NewTicker(min(max(b.age/leaseLooks, leasePollMin), leasePollMax))
	defer ticker.Stop()
	for looked := time.Now(); ; {
		select {
		case <-ctx.Done():
			return
		case now := <-ticker.C:
			b.expire(now)
			if b.index.logger != nil && now.Sub(looked) > b.age {
				looked = now
				b.report(now)
			}
		}
	}
}

// expire ends the leases that are too old. A snapshot of the latest commit is not old: it
// holds nothing back.
func (b *leases) expire(now time.Time) {
	last, err := b.index.env.LastCommit()
	if err != nil {
		return // closed: Views end by themselves
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	for l := range b.all {
		if l.snapshot.Commit() == last {
			continue
		}
		if l.behind.IsZero() {
			l.behind = now
		}
		if now.Sub(l.behind) > b.age {
			delete(b.all, l)
			l.end()
		}
	}
}

// report tells the logger of snapshots that other processes hold for too long. Nothing can
// be done about these: LMDB would let the pages be used again under their hands.
func (b *leases) report(now time.Time) {
	s, err := b.index.env.Acquire()
	if err != nil {
		return
	}
	defer s.Release()
	readers, err := s.Readers()
	if err != nil {
		return
	}
	held := map[holder]*sighting{}
	for _, r := range readers {
		if r.PID == os.Getpid() || r.Behind == 0 {
			continue
		}
		h := holder{r.PID, r.Commit}
		seen := b.held[h]
		if seen == nil {
			seen = &sighting{since: now.Add(-r.HeldFor)}
		}
		held[h] = seen
		if age := now.Sub(seen.since); age > b.age && !seen.told {
			seen.told = true
			b.index.log(context.Background(), slog.LevelWarn, "hannoy: another process holds an old snapshot, and the file grows meanwhile",
				"pid", r.PID, "held", age, "commits", r.Behind, "pages", r.Held)
		}
	}
	b.held = held
}
