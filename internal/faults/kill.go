package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hannoydb/hannoy"
	"github.com/hannoydb/hannoy/internal/faults/trace"
)

// killsPerLife is how often the processes that work on one directory are killed.
const killsPerLife = 20

// kills lets processes work on an index and kills them: at a random moment, or, where
// processes can be traced, before a random one of the system calls that change files, every second time
// within a build for which the form has turned.
// In every second life of a directory a reader queries without pause. Nothing
// acknowledged may be lost, the reader must never fail, and Check must be content.
func (c *campaign) kills(dir string, s *summary) error {
	if err := traceable(dir); err != nil {
		s.Skipped = append(s.Skipped, "kills at a system call: "+err.Error())
	}
	for life := c.from; s.Trials < c.n; life++ {
		l := newLife(filepath.Join(dir, fmt.Sprint(life)), c.seed, life, len(s.Skipped) == 0)
		l.other = c.other
		l.live(min(killsPerLife, c.n-s.Trials), s)
		if err := os.RemoveAll(l.dir); err != nil {
			return err
		}
	}
	return nil
}

// life is the life of a directory.
type life struct {
	dir          string
	number       int
	seed         uint64
	byCall       bool   // kill at system calls, too
	other        string // program that every second pair of processes runs; "": this one
	model        model
	acknowledged uint64
	opened       bool
	watched      bool
}

func newLife(dir string, seed uint64, number int, byCall bool) *life {
	return &life{dir: dir, number: number, seed: seed, byCall: byCall, model: model{work: &work{seed: seed + uint64(number)*1e6, keys: 150}}}
}

// live kills so many processes, unless something goes wrong.
func (l *life) live(kills int, s *summary) {
	var watcher *watcher
	for n := range kills {
		err := l.kill(n, s)
		if err == nil && watcher == nil && l.opened && l.number%2 == 1 {
			watcher, err = watch(l.dir, l.model.work)
			l.watched = true
		}
		if err == nil {
			err = l.verify(s)
		}
		if n == kills-1 || err != nil {
			if watcher != nil {
				s.Answers += int(watcher.answers.Load())
				err = errors.Join(err, watcher.stop())
			}
		}
		if err != nil {
			s.count(l.number, wrong, fmt.Sprintf("kill %d: %v", n, err))
			return
		}
		s.count(l.number, right, "")
	}
}

func (l *life) kill(n int, s *summary) error {
	r := random(l.seed^0x4111, l.number*killsPerLife+n)
	w := &worker{dir: l.dir, work: l.model.work, steps: 60, first: n * 100}
	if n%4 >= 2 {
		w.program = l.other
	}
	if l.byCall && n%2 == 1 {
		w.traced = killAt(l.dir, r.IntN(1+r.IntN(600)), n%4 == 3)
	} else {
		w.killAfter = time.Duration(1+r.IntN(60_000)) * time.Microsecond
	}
	d, err := w.run()
	if err != nil {
		return err
	}
	if d.killed {
		s.Killed++
		if d.turned {
			s.Turned++
		}
	}
	l.acknowledged = max(l.acknowledged, d.acknowledged)
	l.opened = l.opened || d.opened
	return nil
}

// killAt is for a process that is killed before call number at, of all, or of those within builds for which the form has turned.
func killAt(dir string, at int, whereTurned bool) (t *trace.Tracer) {
	counts := !whereTurned
	t = tracer(dir, func(c *trace.Call) trace.Action {
		if c.Path == trace.Stdout {
			said, _ := t.Said(c)
			counts = !whereTurned || said == turned+"\n"
			return trace.Action{}
		}
		if counts {
			at--
		}
		return trace.Action{Kill: at < 0}
	})
	return t
}

// verify opens the index as the next user would.
func (l *life) verify(s *summary) error {
	ix, err := hannoy.Open(l.dir, &hannoy.Options{ReadOnly: true})
	if errors.Is(err, hannoy.ErrNotFound) && !l.opened || errors.Is(err, fs.ErrNotExist) && !l.opened {
		return nil // killed while it was made
	}
	if err != nil {
		return err
	}
	defer ix.Close()
	l.opened = true
	most := l.acknowledged + 1
	if l.watched { // then the last look may have missed one, of a process that died before it told readers
		most++
	}
	if stats, err := ix.Stats(); err == nil && stats.Codes == "none" && stats.Bytes.Codes > 0 {
		s.Halfway++ // on their way to the file, or from there
	}
	l.acknowledged, err = l.model.verify(ix, l.acknowledged, most)
	return err
}

// watcher queries an index without pause.
type watcher struct {
	answers atomic.Int64
	ended   chan struct{}
	done    sync.WaitGroup
	err     error
}

// watch begins to query. Every answer is compared with a scan of its own snapshot, and
// with what the batches up to then have put.
func watch(dir string, w *work) (*watcher, error) {
	ix, err := hannoy.Open(dir, &hannoy.Options{ReadOnly: true})
	if err != nil {
		return nil, err
	}
	q := &watcher{ended: make(chan struct{})}
	m := model{work: w}
	q.done.Go(func() {
		last := uint64(0)
		for q.err == nil {
			select {
			case <-q.ended:
				q.err = ix.Close()
				return
			default:
			}
			q.err = ix.View(func(s *hannoy.Snapshot) error {
				n := s.Sequence()
				if n < last {
					return fmt.Errorf("reader: sequence %d after %d", n, last)
				}
				last = n
				return compare(s, m.at(n), int(n))
			})
			q.answers.Add(1)
			time.Sleep(time.Millisecond) // the trial needs the processor, too
		}
		q.err = errors.Join(q.err, ix.Close())
	})
	return q, nil
}

func (q *watcher) stop() error {
	close(q.ended)
	q.done.Wait()
	return q.err
}
