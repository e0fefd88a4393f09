package kv

import (
	"context"
	"fmt"
	"runtime"
	"sync/atomic"
	"time"

	"github.com/hannoydb/hannoy/codec"
	"github.com/hannoydb/hannoy/kv/lmdb"
)

// Txn is a write transaction. It belongs to the function that Update called and
// ends with it.
type Txn struct {
	env     *Env
	dbi     lmdb.DBI
	raw     *lmdb.Txn
	records int
	bytes   int64
	digest  uint64            // what is to be added to the superblock's
	after   func(error) error // if not nil, called with the outcome before readers are told of it
	lender
}

// write is one call of Update on its way through the write goroutine.
type write struct {
	fn      func(*Txn) error
	started atomic.Bool // by whoever is first: the goroutine to run it, or the caller to give up
	done    chan error
}

// Update runs fn in a write transaction and commits it, durably, unless fn returns
// an error. One write runs at a time, over all processes; ctx bounds the wait for
// its turn and not fn itself. fn runs on another goroutine.
func (e *Env) Update(ctx context.Context, fn func(*Txn) error) error {
	if e.options.ReadOnly {
		return fmt.Errorf("write %s: %w", e.dir, ErrReadOnly)
	}
	if err := e.enter(); err != nil {
		return err
	}
	w := &write{fn: fn, done: make(chan error, 1)}
	select {
	case e.writes <- w:
	case <-ctx.Done():
		e.leave()
		return ctx.Err()
	}
	select {
	case err := <-w.done:
		e.leave()
		return err
	case <-ctx.Done():
	}
	if w.started.CompareAndSwap(false, true) {
		// Another process holds the lock. The environment must stay open until this
		// write's turn has come and gone.
		go func() {
			<-w.done
			e.leave()
		}()
		return ctx.Err()
	}
	err := <-w.done
	e.leave()
	return err
}

// writeLoop runs the writes. LMDB ties a write transaction to its thread.
func (e *Env) writeLoop() {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	for w := range e.writes {
		w.done <- e.run(w)
	}
}

func (e *Env) run(w *write) error {
	for {
		successor, err := e.try(w)
		if err != nil || successor == "" {
			return err
		}
	}
}

// try runs the write on the files at work. If others have taken their place, it makes
// these the files at work and returns their name.
func (e *Env) try(w *write) (successor string, err error) {
	doing := "write " + e.dir
	e.mu.Lock()
	f := e.files
	f.users++
	e.mu.Unlock()
	defer func() {
		e.mu.Lock()
		defer e.mu.Unlock()
		if successor != "" && f == e.files {
			err = e.follow(successor)
		}
		e.leaveFiles(f)
	}()
	// Slots of readers that died would keep old pages from being used again.
	if _, err := f.raw.ReaderCheck(); err != nil {
		return "", e.translate(doing, err)
	}
	raw, err := f.raw.BeginTxn(nil, 0)
	if err != nil {
		return "", e.translate(doing, err)
	}
	defer raw.Abort()
	raw.RawRead = true
	if successor, err = f.successor(e, raw); successor != "" || err != nil {
		return successor, err
	}
	if !w.started.CompareAndSwap(false, true) {
		return "", nil // the caller gave up while another process held the lock
	}
	txn := &Txn{env: e, dbi: f.dbi, raw: raw}
	if err = w.fn(txn); err == nil {
		err = txn.putDigest()
	}
	var base *Snapshot
	committed := false
	if err == nil {
		commit := uint64(raw.ID())
		base = e.prepare(f, commit)
		if err = e.translate(doing, raw.Commit()); err == nil {
			committed = true
			e.times.Note(f.id, commit, time.Now())
		}
	}
	// Before readers are told: who reads of a move holds Env.mu, which refresh needs, and
	// waits for the directory, which is locked until this is done.
	if txn.after != nil {
		err = txn.after(err)
	}
	e.refresh(base, committed)
	return "", err
}

// Get returns the body of the record under key, its checksum verified, or nil when
// there is none. It is valid until the next write of this transaction.
func (t *Txn) Get(key []byte) ([]byte, error) {
	value, err := t.GetUnverified(key)
	if value == nil || err != nil {
		return nil, err
	}
	return codec.Open(key, value)
}

// GetUnverified returns the whole value of the record under key, its checksum not
// verified, or nil when there is none.
func (t *Txn) GetUnverified(key []byte) ([]byte, error) {
	value, err := t.raw.Get(t.dbi, key)
	value, err = found(t.env, value, err)
	return t.lend(value), err
}

// Put seals value, whose first bytes are for the checksum, and stores it under key.
func (t *Txn) Put(key, value []byte) error {
	old, err := t.GetUnverified(key)
	if err != nil {
		return err
	}
	t.records++
	t.bytes += int64(len(key) + len(value))
	t.digest += codec.RecordDigest(key, codec.Seal(key, value)) - codec.RecordDigest(key, old)
	err = t.env.translate("write "+t.env.dir, t.raw.Put(t.dbi, key, value, 0))
	t.takeBack()
	return err
}

// Add is Put where there is no record under key. It reports whether there was none.
func (t *Txn) Add(key, value []byte) (added bool, err error) {
	codec.Seal(key, value)
	err = t.raw.Put(t.dbi, key, value, lmdb.NoOverwrite)
	t.takeBack()
	if lmdb.Is(err, lmdb.KeyExist) {
		return false, nil
	}
	if err != nil {
		return false, t.env.translate("write "+t.env.dir, err)
	}
	t.added(key, value)
	return true, nil
}

// AddFilled is Add of a value of n bytes, which fill writes, all but the checksum, where the transaction
// keeps it. What is there before is anything.
func (t *Txn) AddFilled(key []byte, n int, fill func(value []byte)) (added bool, err error) {
	value, err := t.raw.PutReserve(t.dbi, key, n, lmdb.NoOverwrite)
	t.takeBack()
	if lmdb.Is(err, lmdb.KeyExist) {
		return false, nil
	}
	if err != nil {
		return false, t.env.translate("write "+t.env.dir, err)
	}
	fill(value)
	t.added(key, codec.Seal(key, value))
	return true, nil
}

// added counts a record that there was not before.
func (t *Txn) added(key, value []byte) {
	t.records++
	t.bytes += int64(len(key) + len(value))
	t.digest += codec.RecordDigest(key, value)
}

// Delete removes the record under key, if there is one.
func (t *Txn) Delete(key []byte) error {
	old, err := t.GetUnverified(key)
	if old == nil || err != nil {
		return err
	}
	t.records++
	t.digest -= codec.RecordDigest(key, old)
	err = t.env.translate("write "+t.env.dir, t.raw.Del(t.dbi, key, nil))
	t.takeBack()
	return err
}

// putDigest brings the digest in the superblock up to what was written.
func (t *Txn) putDigest() error {
	if t.digest == 0 {
		return nil
	}
	key := codec.SuperblockKey()
	body, err := t.Get(key)
	if err != nil {
		return err
	}
	s, err := codec.ParseSuperblock(body)
	if err != nil {
		return err
	}
	s.Digest += t.digest
	value := codec.Seal(key, codec.AppendSuperblock(nil, s))
	return t.env.translate("write "+t.env.dir, t.raw.Put(t.dbi, key, value, 0))
}

// Scan is Snapshot.Scan within the transaction. fn must not write.
func (t *Txn) Scan(prefix []byte, fn func(key, body []byte) error) error {
	return t.ScanUnverified(prefix, opened(fn))
}

// ScanUnverified is Snapshot.ScanUnverified within the transaction. fn must not write.
func (t *Txn) ScanUnverified(prefix []byte, fn func(key, value []byte) error) error {
	return scan(t.env, t.dbi, t.raw, noLock{}, &t.lender, prefix, fn)
}

// noLock is the lock of what only one goroutine can reach.
type noLock struct{}

func (noLock) Lock()   {}
func (noLock) Unlock() {}

// Written returns how many records were put or deleted so far, and the bytes of keys
// and values that were put.
func (t *Txn) Written() (records int, bytes int64) { return t.records, t.bytes }
