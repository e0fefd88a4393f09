package kv

import (
	"errors"
	"fmt"
	"path/filepath"
	"sync"
	"sync/atomic"

	"github.com/hannoydb/hannoy/kv/datafile"
	"github.com/hannoydb/hannoy/kv/place"
)

// Options says how to open an environment. The zero value opens one that exists,
// for reading and writing.
type Options struct {
	Create       bool  // make the environment if there is none
	ReadOnly     bool  // never write; many processes may also hold it read-write
	MapSizeBytes int64 // address space to reserve; 0: 1 TiB, or less where that is refused
	MaxReaders   int   // reader slots, fixed when the lock file is made; 0: 1,024
	ReaderGroup  int   // id of a group whose users may read; 0: nobody but the owner

	unsynced  bool // commits are not durable until all is synced
	untrusted bool // files are verified before LMDB reads more of them than meta pages
}

const (
	defaultMapSizeBytes = 1 << 40
	smallestMapBytes    = 1 << 28
	defaultMaxReaders   = 1024
)

// Env is an open environment. It is safe for concurrent use.
type Env struct {
	dir          string
	id           place.FileID // of the directory
	options      Options
	mapSizeBytes atomic.Int64
	maxReaders   atomic.Int64
	writes       chan *write // to the goroutine that owns write transactions; nil when read-only

	opened  int           // by registry's mutex: how often Open returned this Env less Close
	closing chan struct{} // by registry's mutex: set when the last Close, or a verification, begins, closed when it is done

	mu    sync.Mutex
	times *place.Times // of commits

	drained *sync.Cond // signalled, under mu, when a snapshot or a write ends
	closed  bool       // mu
	active  int        // mu: acquired snapshots and running writes
	files   *files     // mu: what is read and written now
	current *Snapshot  // mu: the latest snapshot, of these files and possibly without users
	// preparing is mu's: the number of a commit of this process of which refresh makes a
	// snapshot, 0 for none. Readers stay with the one before until Update returns.
	preparing uint64
	lingering lingering // mu: the hold on current after its users
}

// registry holds the environments that this process has open, by their directories.
// Opening the files of one a second time would be fatal: closing any descriptor of
// the lock file drops the process's locks, and other processes then clear the reader
// table while readers here are at work.
var registry = openEnvs{envs: map[place.FileID]*Env{}}

type openEnvs struct {
	sync.Mutex
	envs map[place.FileID]*Env
}

// Open opens the environment in the directory dir. Opened again in the same
// process in the same mode, it returns the same *Env, to be closed as often.
func Open(dir string, o Options) (*Env, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, err
	}
	registry.Lock()
	defer registry.Unlock()
	if e := registry.await(dir); e != nil {
		if e.options.ReadOnly != o.ReadOnly {
			return nil, fmt.Errorf("open %s: %w: this process has it open with read-only %t, not %t", dir, ErrBusy, e.options.ReadOnly, o.ReadOnly)
		}
		e.opened++
		return e, nil
	}
	e := newEnv(dir, o)
	if err := e.open(); err != nil {
		return nil, err
	}
	registry.envs[e.id] = e
	return e, nil
}

func newEnv(dir string, o Options) *Env {
	e := &Env{dir: dir, options: o, opened: 1, times: place.TimesOf(dir)}
	e.drained = sync.NewCond(&e.mu)
	return e
}

// Peek calls fn with a snapshot of the latest commit of the environment in dir, in
// whichever mode this process has it open, or opened for that moment only. Whoever
// opens it meanwhile waits.
func Peek(dir string, fn func(*Snapshot) error) (err error) {
	if dir, err = filepath.Abs(dir); err != nil {
		return err
	}
	registry.Lock()
	e := registry.await(dir)
	if e != nil {
		e.opened++
		registry.Unlock()
		defer func() { err = errors.Join(err, e.Close()) }()
	} else {
		defer registry.Unlock()
		e = newEnv(dir, Options{ReadOnly: true})
		if err := e.open(); err != nil {
			return err
		}
		defer func() { err = errors.Join(err, e.shut()) }()
	}
	s, err := e.Acquire()
	if err != nil {
		return err
	}
	defer s.Release()
	return fn(s)
}

// open opens the files, or makes them.
func (e *Env) open() error {
	if e.options.Create && !e.options.ReadOnly {
		if err := create(e.dir, e.options); err != nil {
			return err
		}
	}
	// Before the lock: a directory of something else gets no lock file.
	if _, err := datafile.Inspect(e.dir); err != nil {
		return err
	}
	if err := place.Vet(e.dir); err != nil {
		return err
	}
	if err := e.openLocked(); err != nil {
		return err
	}
	// Not under the lock of the directory: it may wait for the writer, who may wait for
	// that lock.
	if err := e.files.recover(e); err != nil {
		return errors.Join(err, e.files.close())
	}
	if !e.options.ReadOnly {
		e.writes = make(chan *write)
		go e.writeLoop()
	}
	return nil
}

func (e *Env) openLocked() error {
	unlock, err := place.LockDirectory(e.dir)
	if err != nil {
		return err
	}
	defer unlock()
	if e.id, err = place.Identify(e.dir); err != nil {
		return err
	}
	e.files, err = e.openFiles()
	if err == nil && !e.options.ReadOnly {
		e.removeLeftovers()
	}
	return err
}

// await returns the open environment whose files are in dir, nil if there is none; it opens
// no file. It waits for one that is being closed. The caller holds the registry's lock,
// which is free meanwhile.
func (r *openEnvs) await(dir string) *Env {
	for {
		id, err := place.Identify(dir)
		if err != nil {
			return nil
		}
		e := r.envs[id]
		if e == nil || e.closing == nil {
			if e != nil && !e.has(dir) {
				return nil
			}
			return e
		}
		r.Unlock()
		<-e.closing
		r.Lock()
	}
}

// has reports whether the data file in the directory is the one at work: the
// directory may have been removed and made again under a forgotten Env.
func (e *Env) has(dir string) bool {
	if s, err := e.Acquire(); err == nil { // follows the files if they have moved
		s.Release()
	}
	id, err := place.Identify(filepath.Join(dir, place.DataFile))
	e.mu.Lock()
	defer e.mu.Unlock()
	return err == nil && id == e.files.id
}

// Dir is the directory of the environment.
func (e *Env) Dir() string { return e.dir }

// enter counts a user of the environment in, so that Close waits for it.
func (e *Env) enter() error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.closed {
		return fmt.Errorf("%s: %w", e.dir, ErrClosed)
	}
	e.active++
	return nil
}

// leave undoes enter.
func (e *Env) leave() {
	e.mu.Lock()
	e.active--
	e.drained.Broadcast()
	e.mu.Unlock()
}

// Close closes the environment when it has been called as often as Open. It waits
// for running snapshots and writes, so it must not be called from within one.
func (e *Env) Close() error {
	registry.Lock()
	if e.opened > 0 {
		e.opened--
	}
	last := e.opened == 0 && e.closing == nil
	if last {
		e.closing = make(chan struct{})
	}
	registry.Unlock()
	if !last {
		return nil
	}
	// Others may wait long for their turn, so the registry is free meanwhile.
	err := e.shut()
	registry.Lock()
	if registry.envs[e.id] == e {
		delete(registry.envs, e.id)
	}
	registry.Unlock()
	close(e.closing)
	return err
}

// shut waits for all users and closes the files.
func (e *Env) shut() error {
	e.mu.Lock()
	e.closed = true
	for e.active > 0 {
		e.drained.Wait()
	}
	e.unlinger()
	f := e.files
	if e.current != nil {
		e.current.free()
		f.idle = append(f.idle, e.current.txn)
		e.current = nil
	}
	e.mu.Unlock()
	if e.writes != nil {
		close(e.writes)
	}
	return errors.Join(f.close(), e.times.Close())
}
