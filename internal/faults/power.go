package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"

	"github.com/hannoydb/hannoy"
	"github.com/hannoydb/hannoy/internal/faults/replay"
	"github.com/hannoydb/hannoy/internal/faults/trace"
)

// sessionSteps is how much a process does in a session.
const sessionSteps = 60

// statesPerSession is how many states are made of one session.
const statesPerSession = 500

// powerTrials makes states of sessions and opens the index in each.
type powerTrials struct {
	dir     string
	seed    uint64
	number  int // of the session
	session *replay.Session
	model   model
}

func (p *powerTrials) try(trial int) (outcome, text string, err error) {
	if n := trial / statesPerSession; p.session == nil || n != p.number {
		p.number = n
		p.model = model{work: &work{seed: p.seed + uint64(n)*1e6, keys: 150}}
		w := &worker{dir: filepath.Join(p.dir, "session"+strconv.Itoa(n)), work: p.model.work, steps: sessionSteps}
		if p.session, err = session(w); err != nil {
			return "", "", err
		}
		if err := os.RemoveAll(w.dir); err != nil {
			return "", "", err
		}
	}
	files, said := p.session.Lose(random(p.seed^0x90e7, trial))
	dir := filepath.Join(p.dir, "state")
	if err := replay.Materialise(dir, files); err != nil {
		return "", "", err
	}
	defer os.RemoveAll(dir)
	if err := p.verify(dir, said); err != nil {
		return wrong, err.Error(), nil
	}
	return right, "", nil
}

// session runs a worker from an empty directory and returns what it did.
func session(w *worker) (*replay.Session, error) {
	w.traced = tracer(w.dir, func(*trace.Call) trace.Action { return trace.Action{} })
	s := replay.Record(w.traced)
	// The directory is there, so that all that is recorded happens within it.
	if err := os.MkdirAll(w.dir, 0o700); err != nil {
		return nil, err
	}
	d, err := w.run()
	if err == nil && d.killed {
		err = errors.New("worker was killed: " + d.stderr)
	}
	return s, err
}

// verify opens the index in the state, and works on.
func (p *powerTrials) verify(dir, said string) error {
	d := &done{}
	d.read(said)
	o := workOptions()
	o.MustExist = d.opened
	ix, err := hannoy.Open(dir, o)
	if err != nil {
		return err
	}
	defer ix.Close()
	n, err := p.model.verify(ix, d.acknowledged, d.acknowledged+1)
	if err != nil {
		return err
	}
	if _, err := p.model.work.commit(ix); err != nil {
		return fmt.Errorf("the next batch: %w", err)
	}
	_, err = p.model.verify(ix, n+1, n+1)
	return err
}
