package kv

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"github.com/hannoydb/hannoy/kv/place"
)

// buildPoll is the time between two tries to take the builder's lock.
const buildPoll = 20 * time.Millisecond

// LockBuild takes the lock of the builder: one build at a time runs on an
// environment, over all processes. The kernel drops the lock when its holder dies.
// When another build runs it waits for its turn until ctx is done, or, without wait, the
// error wraps ErrBusy.
func (e *Env) LockBuild(ctx context.Context, wait bool) (unlock func() error, err error) {
	for {
		if unlock, err = e.lockBuild(); !wait || !errors.Is(err, ErrBusy) {
			return unlock, err
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(buildPoll):
		}
	}
}

func (e *Env) lockBuild() (unlock func() error, err error) {
	if e.options.ReadOnly {
		return nil, fmt.Errorf("build %s: %w", e.dir, ErrReadOnly)
	}
	if err := e.enter(); err != nil {
		return nil, err
	}
	f, err := place.LockNow(filepath.Join(e.dir, place.BuildFile))
	if errors.Is(err, syscall.EWOULDBLOCK) {
		err = fmt.Errorf("build %s: %w: another build is running (wait for it, or cancel it)", e.dir, ErrBusy)
	}
	if err != nil {
		e.leave()
		return nil, err
	}
	if n, _ := f.ReadAt(make([]byte, 1), 0); n > 0 { // who held it has died in a rewrite
		if err := f.Truncate(0); err != nil {
			e.leave()
			return nil, errors.Join(err, f.Close())
		}
	}
	return func() error {
		defer e.leave()
		return f.Close()
	}, nil
}

// rewriting is what the lock's file holds while the environment is written anew.
const rewriting = "rewriting"

// NoteRewrite lets others know, until done is called, that whoever holds the builder's
// lock, the caller, writes the environment anew, which takes long and links nothing.
func (e *Env) NoteRewrite() (done func() error, err error) {
	path := filepath.Join(e.dir, place.BuildFile)
	if err := os.WriteFile(path, []byte(rewriting), 0o600); err != nil {
		return nil, err
	}
	return func() error { return os.Truncate(path, 0) }, nil
}

// IsRewritten reports whether the environment is being written anew. Builds wait meanwhile.
func (e *Env) IsRewritten() bool {
	content, err := os.ReadFile(filepath.Join(e.dir, place.BuildFile))
	return err == nil && string(content) == rewriting
}
