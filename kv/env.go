package kv

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"syscall"
	"time"

	"github.com/hannoydb/hannoy/codec"
)

// Options says how to open an environment. The zero value opens one that exists,
// for reading and writing.
type Options struct {
	Create       bool  // make the environment if there is none
	ReadOnly     bool  // never write; many processes may also hold it read-write
	MapSizeBytes int64 // address space to reserve; 0: 1 TiB, or less where that is refused
	MaxReaders   int   // reader slots, fixed when the lock file is made; 0: 1,024
}

const (
	defaultMapSizeBytes = 1 << 40
	smallestMapBytes    = 1 << 28
	defaultMaxReaders   = 1024
)

// Env is an open environment. It is safe for concurrent use.
type Env struct {
	dir          string
	id           fileID
	readOnly     bool
	mapSizeBytes int64
	raw          *rawEnv
	dbi          rawDBI
	writes       chan *write // to the goroutine that owns write transactions; nil when read-only

	opened  int           // by registry's mutex: how often Open returned this Env less Close
	closing chan struct{} // by registry's mutex: set when the last Close begins, closed when it is done

	mu      sync.Mutex
	drained *sync.Cond // signalled, under mu, when a snapshot or a write ends
	closed  bool       // mu
	active  int        // mu: acquired snapshots and running writes
	current *Snapshot  // mu: the latest snapshot, possibly without users
	idle    []*rawTxn  // mu: reset read transactions, kept for their reader slots
}

// registry holds the environments that this process has open. Opening the files of
// one a second time would be fatal: closing any descriptor of the lock file drops
// the process's locks, and other processes then clear the reader table while
// readers here are at work.
var registry = openEnvs{envs: map[fileID]*Env{}}

type openEnvs struct {
	sync.Mutex
	envs map[fileID]*Env
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
	for {
		e := registry.find(dir)
		if e == nil {
			break
		}
		if e.closing != nil {
			registry.Unlock()
			<-e.closing
			registry.Lock()
			continue
		}
		if e.readOnly != o.ReadOnly {
			return nil, fmt.Errorf("open %s: %w: this process has it open with read-only %t, not %t", dir, ErrBusy, e.readOnly, o.ReadOnly)
		}
		e.opened++
		return e, nil
	}
	if o.Create && !o.ReadOnly {
		if _, err := os.Lstat(filepath.Join(dir, dataFile)); errors.Is(err, fs.ErrNotExist) {
			if err := create(dir, o); err != nil {
				return nil, err
			}
		}
	}
	id, err := inspect(dir)
	if err != nil {
		return nil, err
	}
	e := &Env{dir: dir, id: id, readOnly: o.ReadOnly, opened: 1}
	e.drained = sync.NewCond(&e.mu)
	if err := e.openRaw(o); err != nil {
		return nil, err
	}
	if err := errors.Join(e.recover(), e.readSuperblock()); err != nil {
		return nil, errors.Join(err, e.raw.Close())
	}
	if !o.ReadOnly {
		e.writes = make(chan *write)
		go e.writeLoop()
	}
	registry.envs[id] = e
	return e, nil
}

// find returns the open environment whose data file is the one in dir. It opens no
// file.
func (r *openEnvs) find(dir string) *Env {
	fi, err := os.Lstat(filepath.Join(dir, dataFile))
	if err != nil {
		return nil
	}
	st, ok := fi.Sys().(*syscall.Stat_t)
	if !ok {
		return nil
	}
	return r.envs[fileID{uint64(st.Dev), st.Ino}]
}

// openRaw opens LMDB in e.dir with as large a map as the address space allows.
func (e *Env) openRaw(o Options) error {
	e.mapSizeBytes = o.MapSizeBytes
	if e.mapSizeBytes == 0 {
		e.mapSizeBytes = defaultMapSizeBytes
	}
	readers := o.MaxReaders
	if readers == 0 {
		readers = defaultMaxReaders
	}
	var flags uint
	if o.ReadOnly {
		flags |= flagReadonly
	}
	for attempt := 0; ; {
		raw, err := newRawEnv()
		if err != nil {
			return err
		}
		err = errors.Join(raw.SetMapSize(e.mapSizeBytes), raw.SetMaxReaders(readers))
		if err == nil {
			err = raw.Open(e.dir, flags, 0o600)
		}
		if err == nil {
			e.raw = raw
			return nil
		}
		raw.Close()
		switch {
		case isErrno(err, syscall.ENOMEM) && o.MapSizeBytes == 0 && e.mapSizeBytes > smallestMapBytes:
			e.mapSizeBytes /= 2
		case (isErrno(err, syscall.EAGAIN) || isErrno(err, syscall.EBUSY)) && attempt < 50:
			// Another process opens or closes the environment at this very moment.
			attempt++
			time.Sleep(time.Duration(attempt) * time.Millisecond)
		default:
			return e.translate("open "+e.dir, err)
		}
	}
}

func isErrno(err error, want syscall.Errno) bool {
	var op *opError
	return errors.As(err, &op) && op.Errno == want
}

// recover puts right what processes that were killed have left: reader slots, and a
// commit that is on disk and that readers are not told of. LMDB notices the latter
// when the next writer takes its lock, so this takes it, if there is need.
func (e *Env) recover() error {
	doing := "open " + e.dir
	if _, err := e.raw.ReaderCheck(); err != nil {
		return e.translate(doing, err)
	}
	if e.readOnly {
		return nil
	}
	txn, err := e.raw.BeginTxn(nil, flagReadonly)
	if err != nil {
		return e.translate(doing, err)
	}
	seen := uint64(txn.ID())
	txn.Abort()
	info, err := e.raw.Info() // reads the meta pages themselves
	if err != nil || uint64(info.LastTxnID) == seen {
		return e.translate(doing, err)
	}
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if txn, err = e.raw.BeginTxn(nil, 0); err == nil {
		txn.Abort()
	}
	return e.translate(doing, err)
}

// readSuperblock refuses environments of other programs and of newer formats.
func (e *Env) readSuperblock() error {
	doing := "open " + e.dir
	txn, err := e.raw.BeginTxn(nil, flagReadonly)
	if err != nil {
		return e.translate(doing, err)
	}
	defer txn.Abort()
	txn.RawRead = true
	if e.dbi, err = txn.OpenRoot(0); err != nil {
		return e.translate(doing, err)
	}
	key := codec.SuperblockKey()
	value, err := txn.Get(e.dbi, key)
	if isLMDB(err, errnoNotFound) {
		return fmt.Errorf("%s: %w: the LMDB environment of another program", doing, ErrNotIndex)
	}
	if err != nil {
		return e.translate(doing, err)
	}
	body, err := codec.Open(key, value)
	if err != nil {
		return fmt.Errorf("%s: %w", doing, err)
	}
	var newer *codec.NewerFormatError
	_, err = codec.ParseSuperblock(body)
	if errors.As(err, &newer) {
		return fmt.Errorf("%s: %w: %w", doing, ErrVersion, err)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", doing, err)
	}
	return nil
}

func isLMDB(err error, want errno) bool {
	var op *opError
	return errors.As(err, &op) && op.Errno == want
}

// Dir is the directory of the environment.
func (e *Env) Dir() string { return e.dir }

func (e *Env) maxReaders() int {
	if e.raw == nil {
		return 0
	}
	n, _ := e.raw.MaxReaders()
	return n
}

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
	e.mu.Lock()
	e.closed = true
	for e.active > 0 {
		e.drained.Wait()
	}
	if e.current != nil {
		e.current.free()
		e.idle = append(e.idle, e.current.txn)
		e.current = nil
	}
	for _, txn := range e.idle {
		txn.Abort()
	}
	e.idle = nil
	e.mu.Unlock()
	if e.writes != nil {
		close(e.writes)
	}
	err := e.raw.Close()
	registry.Lock()
	delete(registry.envs, e.id)
	registry.Unlock()
	close(e.closing)
	return err
}
