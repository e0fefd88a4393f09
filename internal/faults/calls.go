package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/hannoydb/hannoy"
	"github.com/hannoydb/hannoy/internal/faults/trace"
)

// callSteps is how much a process does while one of its system calls fails.
const callSteps = 30

// failures are the ways in which a system call fails. The last means that a write
// writes half, and that no file can be opened.
var failures = []trace.Action{{Errno: syscall.EIO}, {Errno: syscall.ENOSPC}, {Errno: syscall.ENOMEM}, {Errno: syscall.EINTR}, {Short: true}}

// calls lets one system call of a process fail, in each trial another, and in another
// way. What fails must be told with an error that has a type; the work goes on behind it,
// and nothing acknowledged is lost. Where there are as many trials as calls and ways, or 0, each
// has its turn, and the summary says how many had it: of a process's threads another may run
// first in each run, so that it may make fewer calls; then it is run again.
func (c *campaign) calls(dir string, s *summary) error {
	if err := traceable(dir); err != nil {
		s.Skipped = []string{err.Error()}
		return nil
	}
	t := &callTrials{dir: filepath.Join(dir, "index"), model: model{work: &work{seed: c.seed, keys: 100}}}
	if _, err := t.run(-1, trace.Action{}); err != nil {
		return err
	}
	s.Sites = t.seen
	order := random(c.seed, 0).Perm(s.Sites * len(failures))
	covered := map[int]bool{}
	n := c.n
	if n == 0 {
		n = len(order)
	}
	for trial := c.from; trial < c.from+n; trial++ {
		n := order[trial%len(order)]
		how := failures[n%len(failures)]
		var outcome, text string
		for range 5 {
			if outcome, text = t.outcome(t.run(n/len(failures), how)); t.site != "" || outcome == wrong {
				break
			}
		}
		if t.site != "" {
			covered[n] = true
		}
		s.Covered = fmt.Sprintf("%d of %d calls x %d failures", len(covered), s.Sites, len(failures))
		s.count(trial, outcome, text)
		if c.verbose || outcome == wrong {
			fmt.Fprintln(os.Stderr, trial, outcome, t.site, how, text)
		}
	}
	return nil
}

type callTrials struct {
	dir   string
	model model
	seen  int    // calls in the last run
	site  string // that failed, "" if there were not so many
}

// run runs the work from the beginning; call number site fails.
func (t *callTrials) run(site int, how trace.Action) (*done, error) {
	if err := os.RemoveAll(t.dir); err != nil {
		return nil, err
	}
	t.seen, t.site = 0, ""
	w := &worker{dir: t.dir, work: t.model.work, steps: callSteps, tolerant: true}
	w.traced = tracer(t.dir, func(c *trace.Call) trace.Action {
		if c.Path == trace.Stdout {
			return trace.Action{}
		}
		at := t.seen
		if t.seen++; at != site {
			return trace.Action{}
		}
		t.site = c.Name + " " + strings.TrimPrefix(c.Path, t.dir+"/")
		if how.Short && !strings.Contains(c.Name, "write") {
			return trace.Action{Errno: syscall.EMFILE}
		}
		return how
	})
	return w.run()
}

// outcome is what came of a run.
func (t *callTrials) outcome(d *done, err error) (outcome, text string) {
	if err == nil {
		err = t.verify(d)
	}
	if err != nil {
		return wrong, fmt.Sprintf("%s: %v", t.site, err)
	}
	for _, failure := range d.failures {
		kind, message, _ := strings.Cut(failure, " ")
		if kind != "typed" {
			return wrong, fmt.Sprintf("%s: an error without a type: %s", t.site, message)
		}
		outcome, text = refused, message
	}
	return or(outcome, right), text
}

// verify opens the index behind the process.
func (t *callTrials) verify(d *done) error {
	if len(d.failures) > 2 {
		return fmt.Errorf("one call failed and the process went on failing: %s", d.failures)
	}
	ix, err := hannoy.Open(t.dir, workOptions())
	if err != nil {
		return err
	}
	_, err = t.model.verify(ix, d.acknowledged, d.acknowledged+1)
	return errors.Join(err, ix.Close())
}
