// Package lease bounds how long snapshots are held after later commits, and tells of those that other processes hold:
// what a snapshot needs cannot be used again, so the file grows meanwhile.
package lease

import (
	"errors"
	"fmt"
	"iter"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hannoydb/hannoy/kv"
)

// ErrExpired: a snapshot is older than is allowed.
var ErrExpired = errors.New("snapshot has expired")

// Lease is the hold of one user on a snapshot. It ends when he says so, or, where its age is bounded, when it
// has expired: the snapshot is then released as soon as no call is within.
type Lease struct {
	ended    atomic.Bool // by its user
	snapshot *kv.Snapshot
	limit    *Limit    // nil: none; then nothing below is used
	behind   time.Time // when it was first seen that the snapshot is not the latest; of limit's goroutine

	mu     sync.Mutex
	inside int  // mu: calls that read
	over   bool // mu: none may begin
}

// Unlimited is a lease without a limit, and a call within, of a snapshot that the caller releases.
func Unlimited(s *kv.Snapshot) *Lease { return &Lease{snapshot: s} }

// Enter begins a call that reads; Leave ends it.
func (l *Lease) Enter() error {
	if l.ended.Load() {
		return fmt.Errorf("snapshot: %w: it ends when View returns (do all that reads it in View's function)", kv.ErrClosed)
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

// Leave ends a call that Enter began.
func (l *Lease) Leave() {
	if l.limit == nil {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.inside--; l.inside == 0 && l.over {
		l.snapshot.Release()
	}
}

// End ends the lease: its user is done, and no call may begin.
func (l *Lease) End() {
	l.ended.Store(true)
	if l.limit != nil {
		l.limit.forget(l)
		l.release()
	}
}

// release gives the snapshot back, as soon as no call is within.
func (l *Lease) release() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.over && l.inside == 0 {
		l.snapshot.Release()
	}
	l.over = true
}

// Lend is seq within the lease, but for what is done with each item.
func Lend[T any](l *Lease, seq iter.Seq2[T, error]) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		var none T
		err := l.Enter()
		if err != nil {
			yield(none, err)
			return
		}
		within := true
		defer func() {
			if within {
				l.Leave()
			}
		}()
		seq(func(item T, problem error) bool {
			l.Leave()
			within = false // and so it stays when the range ends here, or panics
			if !yield(item, problem) {
				return false
			}
			err = l.Enter()
			within = err == nil
			return within
		})
		if err != nil {
			yield(none, err)
		}
	}
}
