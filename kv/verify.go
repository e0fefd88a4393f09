package kv

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"

	"github.com/hannoydb/hannoy/codec"
	"github.com/hannoydb/hannoy/kv/datafile"
	"github.com/hannoydb/hannoy/kv/lmdb"
	"github.com/hannoydb/hannoy/kv/place"
	"github.com/hannoydb/hannoy/kv/proof"
)

// DamageError is what OpenUntrusted returns for a damaged file. It is an ErrCorrupt.
type DamageError struct {
	Dir string
	proof.Findings
}

// Error names the file and what was found.
func (e *DamageError) Error() string {
	first := e.Problems[0]
	return fmt.Sprintf("open %s: %d of %d records and pages are damaged, the first: %s: %s: %v", e.Dir, e.Found, e.Records+e.Pages, first.Where, first.Text, codec.ErrCorrupt)
}

// Unwrap makes errors.Is find codec.ErrCorrupt.
func (e *DamageError) Unwrap() error { return codec.ErrCorrupt }

// OpenUntrusted is Open for a file that may hold anything. It reads all of it and
// verifies every page and every record, as Snapshot.Verify does, before LMDB follows
// any of them. Damage gives a *DamageError.
//
// What other processes write into the file afterwards is not verified, unless they
// replace it (see Successor): the new one is, when it is opened.
func OpenUntrusted(ctx context.Context, dir string, o Options) (*Env, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, err
	}
	o.untrusted = true
	registry.Lock()
	e := registry.await(dir)
	if e != nil {
		registry.Unlock()
		return verifyOpen(ctx, dir, o)
	}
	id, err := place.Identify(dir)
	if err != nil { // nothing to verify
		registry.Unlock()
		return Open(dir, o)
	}
	// It may take long: others wait for this entry, and only those who want the same.
	e = &Env{dir: dir, options: o, id: id, closing: make(chan struct{})}
	registry.envs[id] = e
	registry.Unlock()
	err = e.proveFiles(ctx)
	registry.Lock()
	delete(registry.envs, id)
	close(e.closing)
	registry.Unlock()
	if err != nil && !(o.Create && errors.Is(err, ErrNotFound)) {
		return nil, err
	}
	return Open(dir, o)
}

// verifyOpen is OpenUntrusted for an environment that this process has open.
func verifyOpen(ctx context.Context, dir string, o Options) (*Env, error) {
	e, err := Open(dir, o)
	if err != nil {
		return nil, err
	}
	err = retry(func() error {
		s, err := e.Acquire()
		if err != nil {
			return err
		}
		defer s.Release()
		findings, err := s.Verify(ctx, nil)
		if err == nil && findings.Found > 0 {
			err = &DamageError{e.dir, *findings}
		}
		return err
	})
	if err != nil {
		return nil, errors.Join(err, e.Close())
	}
	return e, nil
}

// retry calls fn again while commits follow its snapshot too fast.
func retry(fn func() error) (err error) {
	for range 100 {
		if err = fn(); !errors.Is(err, ErrSuperseded) {
			break
		}
	}
	return err
}

// proveFiles verifies the files in e.dir. It opens them for that, and closes them.
func (e *Env) proveFiles(ctx context.Context) error {
	return retry(func() error {
		raw, id, err := e.openToProve()
		if err != nil {
			return err
		}
		defer raw.Close()
		return e.prove(ctx, raw, id)
	})
}

func (e *Env) openToProve() (*lmdb.Env, place.FileID, error) {
	// Before the lock: a directory of something else gets no lock file.
	if _, err := datafile.Inspect(e.dir); err != nil {
		return nil, place.FileID{}, err
	}
	if err := place.Vet(e.dir); err != nil {
		return nil, place.FileID{}, err
	}
	unlock, err := place.LockDirectory(e.dir)
	if err != nil {
		return nil, place.FileID{}, err
	}
	defer unlock()
	id, err := datafile.Inspect(e.dir)
	if err != nil {
		return nil, id, err
	}
	raw, err := e.openRaw()
	return raw, id, err
}

// prove verifies the latest commit of the data file, which is open as raw.
func (e *Env) prove(ctx context.Context, raw *lmdb.Env, id place.FileID) error {
	txn, err := raw.BeginTxn(nil, lmdb.Readonly)
	if err != nil {
		return e.translate("open "+e.dir, err)
	}
	defer txn.Abort()
	var findings *proof.Findings
	err = retry(func() error {
		txn.Reset()
		if err := txn.Renew(); err != nil {
			return e.translate("open "+e.dir, err)
		}
		findings, err = datafile.Verify(ctx, e.dir, id, uint64(txn.ID()), nil)
		return err
	})
	if err == nil && findings.Found > 0 {
		err = &DamageError{e.dir, *findings}
	}
	return err
}

// Verify reads every page and every record of the snapshot, through the file and not through the memory map;
// see datafile.Verify.
func (s *Snapshot) Verify(ctx context.Context, visit func(p codec.ParsedKey, key, value []byte) error) (*proof.Findings, error) {
	return datafile.Verify(ctx, s.env.dir, s.files.id, s.id, visit)
}
