package kv

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"github.com/hannoydb/hannoy/codec"
	"github.com/hannoydb/hannoy/kv/pages"
	"github.com/hannoydb/hannoy/kv/place"
	"github.com/hannoydb/hannoy/kv/proof"
)

// ErrSuperseded is the error of Verify for a snapshot that two commits have
// followed: the root of its tree is not in the file any more.
var ErrSuperseded = errors.New("commits have followed")

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

func (e *Env) openToProve() (*rawEnv, place.FileID, error) {
	// Before the lock: a directory of something else gets no lock file.
	if _, err := inspect(e.dir); err != nil {
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
	id, err := inspect(e.dir)
	if err != nil {
		return nil, id, err
	}
	raw, err := e.openRaw()
	return raw, id, err
}

// prove verifies the latest commit of the data file, which is open as raw.
func (e *Env) prove(ctx context.Context, raw *rawEnv, id place.FileID) error {
	txn, err := raw.BeginTxn(nil, flagReadonly)
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
		findings, err = e.verify(ctx, id, uint64(txn.ID()), nil)
		return err
	})
	if err == nil && findings.Found > 0 {
		err = &DamageError{e.dir, *findings}
	}
	return err
}

// Verify reads every page and every record of the snapshot, through the file and not
// through the memory map: the structure of the pages (see pages.File.Walk), then of
// each record checksum and form, and that no record is missing or older than it
// should be. It calls visit, if that is not nil, with each record that is sound; the
// value is nil for those of KindValue, and borrowed for the others.
func (s *Snapshot) Verify(ctx context.Context, visit func(p codec.ParsedKey, key, value []byte) error) (*proof.Findings, error) {
	return s.env.verify(ctx, s.files.id, s.id, visit)
}

// verify is Verify for a commit of the data file with the given id, which a read
// transaction holds. LMDB is not asked for anything.
func (e *Env) verify(ctx context.Context, id place.FileID, commit uint64, visit func(p codec.ParsedKey, key, value []byte) error) (*proof.Findings, error) {
	// LMDB's locks are on the lock file only, so closing this descriptor drops none.
	f, err := os.OpenFile(filepath.Join(e.dir, place.DataFile), os.O_RDONLY|syscall.O_NOFOLLOW, 0)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	superseded := fmt.Errorf("verify %s: %w", e.dir, ErrSuperseded)
	if fi, err := f.Stat(); err != nil || place.IDOf(fi) != id {
		return nil, errors.Join(err, superseded) // by another file
	}
	file, err := openPages(f)
	if err != nil {
		return nil, err
	}
	meta := &file.Metas[commit&1]
	if file.Newest() != meta {
		// Either a commit has followed, or the newest was made by a process that died
		// before it could tell readers. The next but one writes the meta page of ours
		// again: see that it is not about to.
		time.Sleep(2 * time.Millisecond)
	}
	again, err := openPages(f)
	if err != nil {
		return nil, err
	}
	if meta.Txn != commit || again.Metas[commit&1] != *meta {
		return nil, superseded
	}
	findings, err := proof.Of(ctx, file, meta, visit)
	if errors.Is(err, pages.ErrForeign) {
		return nil, fmt.Errorf("open %s: %w: the LMDB environment of another program: %w", e.dir, ErrNotIndex, err)
	}
	if newer := (*codec.NewerFormatError)(nil); errors.As(err, &newer) {
		return nil, fmt.Errorf("%w: %w", ErrVersion, err)
	}
	return findings, err
}
