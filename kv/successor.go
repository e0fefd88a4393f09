package kv

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/hannoydb/hannoy/codec"
	"github.com/hannoydb/hannoy/kv/place"
)

// Successor is an environment in the making that is to take the place of another. It
// lies in a directory of its own within that of the other; nothing of it is durable,
// and nobody sees it, until TakePlace.
//
// The move is committed by a record in the old data file, written in a write
// transaction during which nobody else can write. It names the successor's directory.
// From then on the successor's files are the environment, whether or not they lie in
// their place yet: who reads that record, in whichever process, puts them there if
// that has not been done, and opens them. So a process that is killed at any moment
// leaves one of the two environments, whole.
type Successor struct {
	*Env
	of    *Env
	alive *os.File // locked: by this others see that it is not forsaken
}

// aliveFile is locked by the process that makes a successor.
const aliveFile = "alive.lock"

// NewSuccessor makes an empty environment that may take the place of e. It must be
// given to TakePlace or discarded.
func (e *Env) NewSuccessor() (*Successor, error) {
	if e.options.ReadOnly {
		return nil, fmt.Errorf("replace %s: %w", e.dir, ErrReadOnly)
	}
	s := &Successor{of: e}
	dir, err := s.reserve()
	if err != nil {
		return nil, err
	}
	o := e.options
	o.Create, o.unsynced = true, true
	if s.Env, err = Open(dir, o); err != nil {
		return nil, errors.Join(err, s.alive.Close(), os.RemoveAll(dir))
	}
	return s, nil
}

// reserve makes the successor's directory.
func (s *Successor) reserve() (dir string, err error) {
	// Others, who might take it for a leftover, hold this lock.
	unlock, err := place.LockDirectory(s.of.dir)
	if err != nil {
		return "", err
	}
	defer unlock()
	if dir, err = os.MkdirTemp(s.of.dir, place.SuccessorPrefix); err != nil {
		return "", err
	}
	s.alive, err = place.LockNow(filepath.Join(dir, aliveFile))
	return dir, err
}

// Discard removes the successor.
func (s *Successor) Discard() error {
	return errors.Join(s.close(), os.RemoveAll(s.dir))
}

func (s *Successor) close() error {
	if s.alive == nil {
		return nil
	}
	alive := s.alive
	s.alive = nil
	return errors.Join(s.Env.Close(), alive.Close())
}

// Sync makes what was committed to the successor so far durable.
func (s *Successor) Sync() error {
	return s.translate("write "+s.dir, s.files.raw.Sync(true))
}

// TakePlace makes the successor the environment: it calls last, during which nobody
// can write to the old files, and has the new ones take their place. Snapshots of the
// old files stay what they are; the next that are acquired, in whichever process, are
// of the new ones. The successor is used up, also by an error, which leaves the old
// environment as it was.
func (s *Successor) TakePlace(ctx context.Context, last func() error) error {
	name := filepath.Base(s.dir)
	marked := false
	err := s.of.Update(ctx, func(txn *Txn) error {
		if err := last(); err != nil {
			return err
		}
		if err := errors.Join(s.Sync(), s.close(), place.Sync(s.dir), place.Sync(s.of.dir)); err != nil {
			return err
		}
		key := codec.MovedKey()
		if err := txn.Put(key, append(make([]byte, codec.SumBytes), name...)); err != nil {
			return err
		}
		unlock, err := place.LockDirectory(s.of.dir)
		if err != nil {
			return err
		}
		// Env.mu is not held while the directory is locked: who waits for the directory
		// holds it.
		marked = true
		txn.after = func(err error) error {
			defer unlock()
			if err == nil {
				_, err = s.of.finishMove(name)
			}
			return err
		}
		return nil
	})
	if err != nil && !marked {
		err = errors.Join(err, s.Discard())
	}
	// Once marked, an error may come after the commit: who opens the files next finds
	// out, and ends the move or removes the successor.
	return err
}

// finishMove puts the files of a successor in their place, and reports whether they
// were there to be put. The caller holds the lock of the directory, and the data file
// in place names the successor.
//
// The lock file goes first: nobody must open the new data file with the lock file of
// the old, which says which of the old pages are valid.
func (e *Env) finishMove(name string) (moved bool, err error) {
	doing := func(err error) error {
		return fmt.Errorf("bring the move of %s to %s to its end: %w", name, e.dir, err)
	}
	from := filepath.Join(e.dir, name)
	if _, err := os.Lstat(filepath.Join(from, place.DataFile)); errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err := os.Remove(filepath.Join(e.dir, place.LockFile)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return false, doing(err)
	}
	if err := os.Rename(filepath.Join(from, place.DataFile), filepath.Join(e.dir, place.DataFile)); err != nil {
		return false, doing(err)
	}
	if err := errors.Join(place.Sync(e.dir), os.RemoveAll(from)); err != nil {
		return true, doing(err)
	}
	return true, nil
}

// follow makes the files of the successor that those at work name the files at work.
// The caller holds e.mu.
func (e *Env) follow(successor string) error {
	unlock, err := place.LockDirectory(e.dir)
	if err != nil {
		return err
	}
	defer unlock()
	old := e.files
	placed, err := place.Identify(filepath.Join(e.dir, place.DataFile))
	if err != nil {
		return err
	}
	if placed == old.id {
		// Who committed the move did not live to end it.
		moved, err := e.finishMove(successor)
		if err != nil {
			return err
		}
		if !moved {
			old.ignored = successor
			return nil
		}
	}
	next, err := e.openFiles()
	if err != nil {
		return err
	}
	if s := e.current; s != nil {
		if e.current = nil; s.users == 0 {
			s.free()
			old.idle = append(old.idle, s.txn)
		}
		e.unlinger()
	}
	old.users++
	e.files = next
	e.leaveFiles(old)
	return nil
}

// leaveFiles counts a user of files out, and closes them after the last if they are
// not at work any more. The caller holds e.mu.
func (e *Env) leaveFiles(f *files) {
	if f.users--; f.users == 0 && f != e.files {
		// What could not be closed is held until the process ends, and does no harm.
		_ = f.close()
	}
}

// removeLeftovers removes what processes that were killed have left of environments
// in the making. What cannot be removed stays. The caller holds the lock of the
// directory.
func (e *Env) removeLeftovers() {
	txn, err := e.files.begin()
	if err != nil {
		return
	}
	successor, err := e.files.successor(e, txn)
	txn.Abort()
	entries, readErr := os.ReadDir(e.dir)
	if err != nil || readErr != nil {
		return
	}
	for _, entry := range entries {
		name, path := entry.Name(), filepath.Join(e.dir, entry.Name())
		made := strings.HasPrefix(name, place.NurseryPrefix) // under the lock of the directory
		// A link would lead the look for its lock elsewhere.
		forsaken := strings.HasPrefix(name, place.SuccessorPrefix) && name != successor && (!entry.IsDir() || isForsaken(path))
		if made || forsaken {
			_ = os.RemoveAll(path)
		}
	}
}

// isForsaken reports whether the process that made a successor has died.
func isForsaken(dir string) bool {
	f, err := place.LockNow(filepath.Join(dir, aliveFile))
	if err != nil {
		return false
	}
	f.Close()
	return true
}
