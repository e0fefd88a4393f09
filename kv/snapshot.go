package kv

import (
	"bytes"
	"fmt"
	"sync"

	"github.com/hannoydb/hannoy/codec"
	"github.com/hannoydb/hannoy/kv/lmdb"
	"github.com/hannoydb/hannoy/kv/pages"
	"github.com/hannoydb/hannoy/kv/place"
)

// Snapshot is one commit of the environment and what has been decoded of it so
// far. All goroutines that read while it is the latest share it.
type Snapshot struct {
	env   *Env
	files *files
	id    uint64 // LMDB's transaction number: equal numbers mean equal contents
	// users is guarded by env.mu. A snapshot without users, who may be Env.lingering,
	// holds no pages: its transaction is reset. When it is renewed and still has the same number,
	// nothing was committed in between and every address taken is still right.
	users int
	// outline tells the next snapshot what has not changed. It is made when a commit has
	// come while a snapshot was in use, or shortly after; nil until then.
	outline *pages.Outline

	mu      sync.Mutex // one goroutine at a time may use txn
	txn     *lmdb.Txn
	indexes map[codec.IndexID]*Index // mu
	lender
}

// Acquire returns the snapshot of the latest commit. It must be released. A commit of
// this process is the latest when its Update returns, if not before.
func (e *Env) Acquire() (*Snapshot, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.closed {
		return nil, fmt.Errorf("%s: %w", e.dir, ErrClosed)
	}
	s, err := e.latest()
	if err != nil {
		return nil, e.translate("read "+e.dir, err)
	}
	s.users++
	s.files.users++
	e.active++
	return s, nil
}

// latest makes e.current the snapshot of the latest commit, its transaction
// running. The caller holds e.mu.
func (e *Env) latest() (*Snapshot, error) {
	if s := e.current; s != nil && s.users > 0 {
		info, err := e.files.raw.Info()
		if err != nil {
			return nil, err
		}
		if last := uint64(info.LastTxnID); last == s.id || last == e.preparing && last == s.id+1 {
			return s, nil
		}
	}
	for {
		s, err := e.renew()
		if err != nil {
			return nil, err
		}
		if s == e.current {
			return s, nil
		}
		successor, err := s.files.successor(e, s.txn)
		if err == nil && successor == "" {
			e.current = s
			e.unlinger()
			s.files.adviseRandom(e.mapSizeBytes.Load())
			return s, nil
		}
		e.idle(s.txn)
		if err == nil {
			err = e.follow(successor)
		}
		if err != nil {
			return nil, err
		}
	}
}

// renew returns a snapshot of the latest commit of the files at work: e.current, if
// nothing was committed since, or else a new one.
func (e *Env) renew() (*Snapshot, error) {
	old := e.current
	if old != nil && old.files != e.files {
		old = nil
	}
	txn, err := e.begin(old)
	if err != nil {
		return nil, err
	}
	if old != nil && txn != old.txn && uint64(txn.ID()) == old.id {
		// Until a writer has synced its commit, others see the number and not the commit.
		e.idle(txn)
		return old, nil
	}
	if err := e.files.steady(txn); err != nil {
		if old == nil || txn != old.txn {
			e.files.idle = append(e.files.idle, txn)
		}
		return nil, err
	}
	s := &Snapshot{env: e, files: e.files, txn: txn, indexes: map[codec.IndexID]*Index{}}
	if s.id = uint64(txn.ID()); old == nil {
		return s, nil
	}
	if s.id == old.id {
		return old, nil
	}
	if err := s.succeed(old, old.users > 0); err != nil {
		if txn != old.txn {
			e.idle(txn)
		}
		return nil, err
	}
	if old.users == 0 {
		old.free()
		e.current = nil
	}
	return s, nil
}

// begin returns a read transaction of the latest commit that is yet to be made steady: that of old,
// if it has no users, or only lingers and no other reader slot is free.
func (e *Env) begin(old *Snapshot) (*lmdb.Txn, error) {
	f := e.files
	if old != nil && old.users == 0 {
		return old.txn, old.txn.Renew()
	}
	if n := len(f.idle); n > 0 {
		txn := f.idle[n-1]
		if err := txn.Renew(); err != nil {
			return nil, err
		}
		f.idle = f.idle[:n-1]
		return txn, nil
	}
	txn, err := f.raw.BeginTxn(nil, lmdb.Readonly)
	if lmdb.Is(err, lmdb.ReadersFull) && old != nil && old == e.lingering.snapshot && old.users == 1 {
		e.unlinger() // nobody reads it: its slot will do
		return old.txn, old.txn.Renew()
	}
	if err == nil {
		txn.RawRead = true
	}
	return txn, err
}

// idle keeps a read transaction for later. It holds nothing until then.
func (e *Env) idle(txn *lmdb.Txn) {
	txn.Reset()
	e.files.idle = append(e.files.idle, txn)
}

// succeed has s inherit from the snapshot before, which is held if it has users, if what
// has not changed can be told: see pages.Outline.
func (s *Snapshot) succeed(old *Snapshot, held bool) error {
	for tries := 0; held || s.id <= old.id+2; {
		info, err := s.files.raw.Info()
		if err != nil {
			return err
		}
		s.outline = s.files.memory.Grown(info.LastPNO+1).Outline(s.id, old.outline)
		if tries++; s.outline != nil || tries == 3 || uint64(info.LastTxnID) == s.id {
			s.inherit(old)
			return nil
		}
		// There is a newer one by now.
		s.txn.Reset()
		if err := s.files.renew(s.txn); err != nil {
			return err
		}
		s.id = uint64(s.txn.ID())
	}
	return nil
}

// Commit is one commit of an environment: equal Commits mean equal contents.
type Commit struct {
	data   place.FileID
	number uint64
}

// Commit is the commit that the snapshot sees.
func (s *Snapshot) Commit() Commit { return Commit{s.files.id, s.id} }

// LastCommit is the latest commit, by whichever process. It is cheap to ask for again
// and again. A commit is the last a moment before it is durable, which is when Acquire
// returns a snapshot of it: who wants to know whether he has seen the last compares
// with the Commit of his snapshot.
func (e *Env) LastCommit() (Commit, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.closed {
		return Commit{}, fmt.Errorf("%s: %w", e.dir, ErrClosed)
	}
	info, err := e.files.raw.Info()
	if err != nil {
		return Commit{}, e.translate("read "+e.dir, err)
	}
	return Commit{e.files.id, uint64(info.LastTxnID)}, nil
}

// Release ends the caller's use of the snapshot and of all bytes borrowed from it.
func (s *Snapshot) Release() {
	e := s.env
	e.mu.Lock()
	defer e.mu.Unlock()
	if s == e.current && !poisoning && !e.closed {
		e.linger(s)
	}
	s.leave()
	e.active--
	e.drained.Broadcast()
}

// leave counts a user of the snapshot out. The caller holds Env.mu.
func (s *Snapshot) leave() {
	e := s.env
	if s.users--; s.users == 0 {
		s.txn.Reset()
		if poisoning && s == e.current {
			e.current = nil
		}
		if s != e.current {
			s.free()
			s.files.idle = append(s.files.idle, s.txn)
		}
	}
	e.leaveFiles(s.files)
}

// free gives the memory of the tables back: the snapshot has no users and will have none.
func (s *Snapshot) free() {
	for _, x := range s.indexes {
		x.Free()
	}
	s.takeBack()
}

// inUse reports whether an index of the snapshot was opened, or inherited.
func (s *Snapshot) inUse() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.indexes) > 0
}

// Get returns the body of the record under key, its checksum verified, or nil when
// there is none.
func (s *Snapshot) Get(key []byte) ([]byte, error) {
	value, err := s.GetUnverified(key)
	if value == nil || err != nil {
		return nil, err
	}
	return codec.Open(key, value)
}

// GetUnverified returns the whole value of the record under key, its checksum not
// verified, or nil when there is none.
func (s *Snapshot) GetUnverified(key []byte) ([]byte, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	value, err := s.txn.Get(s.files.dbi, key)
	value, err = found(s.env, value, err)
	return s.lend(value), err
}

func found(e *Env, value []byte, err error) ([]byte, error) {
	if lmdb.Is(err, lmdb.NotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, e.translate("read "+e.dir, err)
	}
	if err := withinFile(value); err != nil {
		return nil, fmt.Errorf("read %s: %w", e.dir, err)
	}
	return value, nil
}

// Scan calls fn with each record whose key begins with prefix, in key order, its checksum
// verified, until fn returns an error.
func (s *Snapshot) Scan(prefix []byte, fn func(key, body []byte) error) error {
	return s.ScanUnverified(prefix, opened(fn))
}

// ScanUnverified is Scan with whole values, their checksums not verified. Of a damaged file,
// reading them may end the process: it is for who wants to know keys and lengths.
func (s *Snapshot) ScanUnverified(prefix []byte, fn func(key, value []byte) error) error {
	return scan(s.env, s.files.dbi, s.txn, &s.mu, &s.lender, prefix, fn)
}

// scan walks a cursor over prefix; mu is held for each step, not while fn runs.
func scan(e *Env, dbi lmdb.DBI, txn *lmdb.Txn, mu sync.Locker, l *lender, prefix []byte, fn func(key, value []byte) error) error {
	mu.Lock()
	cursor, err := txn.OpenCursor(dbi)
	mu.Unlock()
	if err != nil {
		return e.translate("read "+e.dir, err)
	}
	defer func() {
		mu.Lock()
		cursor.Close()
		mu.Unlock()
	}()
	from, op := prefix, uint(lmdb.SetRange)
	if len(prefix) == 0 {
		op = lmdb.First
	}
	for {
		mu.Lock()
		key, value, err := cursor.Get(from, nil, op)
		mu.Unlock()
		if lmdb.Is(err, lmdb.NotFound) {
			return nil
		}
		if err != nil {
			return e.translate("read "+e.dir, err)
		}
		if !bytes.HasPrefix(key, prefix) {
			return nil
		}
		if err := fn(l.lend(key), l.lend(value)); err != nil {
			return err
		}
		from, op = nil, lmdb.Next
	}
}

// Usage says how the pages of the environment are used.
type Usage struct {
	PageBytes  int64
	Pages      int64 // of the file
	TreePages  int64 // of the records
	Records    int64
	MaxReaders int
}

// Usage returns the page counts of the snapshot.
func (s *Snapshot) Usage() (Usage, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	st, err := s.txn.Stat(s.files.dbi)
	if err != nil {
		return Usage{}, s.env.translate("read "+s.env.dir, err)
	}
	info, err := s.files.raw.Info()
	if err != nil {
		return Usage{}, s.env.translate("read "+s.env.dir, err)
	}
	return Usage{
		PageBytes:  int64(st.PSize),
		Pages:      info.LastPNO + 1,
		TreePages:  int64(st.BranchPages + st.LeafPages + st.OverflowPages),
		Records:    int64(st.Entries),
		MaxReaders: int(info.MaxReaders),
	}, nil
}
