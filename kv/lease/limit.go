package lease

import (
	"context"
	"os"
	"sync"
	"time"

	"github.com/hannoydb/hannoy/kv"
)

// Limit bounds the leases of an open environment.
type Limit struct {
	env     *kv.Env
	warn    func(message string, args ...any) // nil: nobody is told of the snapshots of others
	age     time.Duration
	stop    context.CancelFunc
	stopped chan struct{}

	mu  sync.Mutex
	all map[*Lease]struct{} // mu: that have not ended

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
	told  bool      // of it was warned
}

const (
	looksPerAge = 8 // within the age
	pollMin     = 5 * time.Millisecond
	pollMax     = time.Second
)

// Start starts to bound leases: none goes on for longer than age after a later commit. warn is told, as loggers
// are, of snapshots that other processes hold for longer.
func Start(env *kv.Env, age time.Duration, warn func(message string, args ...any)) *Limit {
	ctx, stop := context.WithCancel(context.Background())
	b := &Limit{env: env, warn: warn, age: age, stop: stop, stopped: make(chan struct{}), all: map[*Lease]struct{}{}, held: map[holder]*sighting{}}
	go b.run(ctx)
	return b
}

// Close ends it. Leases end by themselves.
func (b *Limit) Close() {
	b.stop()
	<-b.stopped
}

// Grant returns a lease of the snapshot, and a call within. It releases the snapshot.
func (b *Limit) Grant(s *kv.Snapshot) *Lease {
	l := &Lease{snapshot: s, limit: b, inside: 1}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.all[l] = struct{}{}
	return l
}

// forget takes a lease out that has ended.
func (b *Limit) forget(l *Lease) {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.all, l)
}

func (b *Limit) run(ctx context.Context) {
	defer close(b.stopped)
	ticker := time.NewTicker(min(max(b.age/looksPerAge, pollMin), pollMax))
	defer ticker.Stop()
	for looked := time.Now(); ; {
		select {
		case <-ctx.Done():
			return
		case now := <-ticker.C:
			b.expire(now)
			if b.warn != nil && now.Sub(looked) > b.age {
				looked = now
				b.report(now)
			}
		}
	}
}

// expire ends the leases that are too old. A snapshot of the latest commit is not old: it
// holds nothing back.
func (b *Limit) expire(now time.Time) {
	last, err := b.env.LastCommit()
	if err != nil {
		return // closed: their users end them
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
			l.release()
		}
	}
}

// report warns of snapshots that other processes hold for too long. Nothing can
// be done about these: LMDB would let the pages be used again under their hands.
func (b *Limit) report(now time.Time) {
	s, err := b.env.Acquire()
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
			b.warn("hannoy: another process holds an old snapshot, and the file grows meanwhile",
				"pid", r.PID, "held", age, "commits", r.Behind, "pages", r.Held)
		}
	}
	b.held = held
}
