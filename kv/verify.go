package kv

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"github.com/hannoydb/hannoy/codec"
	"github.com/hannoydb/hannoy/kv/pages"
)

// Problem is something that is wrong with a page or a record.
type Problem struct {
	Kind  string // "page" or "record"
	Where string // the page or the record
	Text  string // what is wrong
}

// Findings is what Verify has seen.
type Findings struct {
	Problems []Problem // the first 1,000
	Found    int       // how many there are
	Damaged  int       // how many of them are of pages: LMDB must not touch these
	Pages    int       // of the commit
	Records  int
}

const maxProblems = 1000

func (f *Findings) add(kind, where, text string) {
	if f.Found++; len(f.Problems) < maxProblems {
		f.Problems = append(f.Problems, Problem{kind, where, text})
	}
}

// ErrSuperseded is the error of Verify for a snapshot that two commits have
// followed: the root of its tree is not in the file any more.
var ErrSuperseded = errors.New("commits have followed")

// DamageError is what OpenUntrusted returns for a damaged file. It is an ErrCorrupt.
type DamageError struct {
	Dir string
	Findings
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
	id, err := identify(dir)
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

func (e *Env) openToProve() (*rawEnv, fileID, error) {
	// Before the lock: a directory of something else gets no lock file.
	if _, err := inspect(e.dir); err != nil {
		return nil, fileID{}, err
	}
	if err := vet(e.dir); err != nil {
		return nil, fileID{}, err
	}
	unlock, err := lockDirectory(e.dir)
	if err != nil {
		return nil, fileID{}, err
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
func (e *Env) prove(ctx context.Context, raw *rawEnv, id fileID) error {
	txn, err := raw.BeginTxn(nil, flagReadonly)
	if err != nil {
		return e.translate("open "+e.dir, err)
	}
	defer txn.Abort()
	var findings *Findings
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
func (s *Snapshot) Verify(ctx context.Context, visit func(p codec.ParsedKey, key, value []byte) error) (*Findings, error) {
	return s.env.verify(ctx, s.files.id, s.id, visit)
}

// verify is Verify for a commit of the data file with the given id, which a read
// transaction holds. LMDB is not asked for anything.
func (e *Env) verify(ctx context.Context, id fileID, commit uint64, visit func(p codec.ParsedKey, key, value []byte) error) (*Findings, error) {
	// LMDB's locks are on the lock file only, so closing this descriptor drops none.
	f, err := os.OpenFile(filepath.Join(e.dir, dataFile), os.O_RDONLY|syscall.O_NOFOLLOW, 0)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	superseded := fmt.Errorf("verify %s: %w", e.dir, ErrSuperseded)
	if fi, err := f.Stat(); err != nil || idOf(fi) != id {
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
	v := verifier{visit: visit, slabs: map[codec.Kind]uint32{}}
	report, err := file.Walk(ctx, meta, v.record)
	if errors.Is(err, pages.ErrForeign) {
		return nil, fmt.Errorf("open %s: %w: the LMDB environment of another program: %w", e.dir, ErrNotIndex, err)
	}
	if err != nil {
		return nil, err
	}
	if !v.ours && report.Sound() {
		return nil, fmt.Errorf("open %s: %w: the LMDB environment of another program", e.dir, ErrNotIndex)
	}
	v.finish(report)
	return &v.findings, nil
}

// verifier checks the records that a walk passes, in key order.
type verifier struct {
	visit        func(p codec.ParsedKey, key, value []byte) error
	findings     Findings
	ours         bool // there is a superblock
	index        codec.IndexID
	meta         *codec.Meta           // of index, nil if it is damaged
	slabs        map[codec.Kind]uint32 // of index: slabs so far
	digest, want uint64
	buffer       []byte
}

// maxRecordBytes is what the largest record may have, the user's values apart.
const maxRecordBytes = 1 << 27

func (v *verifier) record(key []byte, value *pages.Value) error {
	v.findings.Records++
	p, err := codec.ParseKey(key)
	if err != nil {
		v.findings.add("record", codec.FormatKey(key), err.Error())
		return nil
	}
	if p.Index != v.index {
		v.endIndex()
		v.index, v.meta = p.Index, nil
	}
	body, err := v.read(p, key, value)
	if err == nil {
		err = v.form(p, key, body)
	}
	var newer *codec.NewerFormatError
	if errors.As(err, &newer) {
		return fmt.Errorf("%w: %w", ErrVersion, err)
	}
	if err != nil {
		v.findings.add("record", codec.FormatKey(key), err.Error())
		return nil
	}
	if v.visit == nil {
		return nil
	}
	return v.visit(p, key, body)
}

// read verifies the checksum of a record and returns its value, nil for one of the
// user's.
func (v *verifier) read(p codec.ParsedKey, key []byte, value *pages.Value) ([]byte, error) {
	if p.Kind == codec.KindValue {
		return nil, v.stream(key, value)
	}
	if value.Len() > maxRecordBytes {
		return nil, fmt.Errorf("%d bytes: %w", value.Len(), codec.ErrCorrupt)
	}
	var err error
	if v.buffer, err = value.Append(v.buffer[:0], maxRecordBytes); err != nil {
		return nil, err
	}
	if p.Kind != codec.KindSuperblock {
		v.digest += codec.RecordDigest(key, v.buffer)
	}
	_, err = codec.Open(key, v.buffer)
	return v.buffer, err
}

// stream verifies the checksum of a value of any length.
func (v *verifier) stream(key []byte, value *pages.Value) error {
	const step = 1 << 20
	var sum codec.RunningSum
	for at := int64(0); at == 0 || at < value.Len(); at += step {
		part := v.buffer[:0]
		if need := min(step, value.Len()-at); int64(cap(part)) < need {
			part = make([]byte, 0, need)
		}
		v.buffer = part[:min(step, value.Len()-at)]
		if _, err := value.ReadAt(v.buffer, at); err != nil && !errors.Is(err, io.EOF) {
			return fmt.Errorf("%w: %w", codec.ErrCorrupt, err)
		}
		if at == 0 {
			v.digest += codec.RecordDigest(key, v.buffer)
			sum = codec.StartSum(key, v.buffer)
			continue
		}
		sum.Add(v.buffer)
	}
	return sum.Verify(key)
}

// form checks what the bytes of a record say, by themselves and beside the metadata
// of its index, which comes before it.
func (v *verifier) form(p codec.ParsedKey, key, value []byte) error {
	if p.Kind == codec.KindValue {
		return nil
	}
	switch p.Kind {
	case codec.KindSuperblock:
		v.ours = true
		s, err := codec.ParseSuperblock(value[codec.SumBytes:])
		v.want = s.Digest
		return err
	case codec.KindMeta:
		meta, err := codec.ParseMeta(key, value[codec.SumBytes:])
		v.meta = meta
		return err
	case codec.KindVectors, codec.KindCodes:
		// A slab that is missing would be found by the first query that needs it; but
		// slots are believed, and tables made for them, before that.
		if next := v.slabs[p.Kind]; p.Kind == codec.KindVectors && p.Number != next {
			v.findings.add("record", codec.FormatKey(key), fmt.Sprintf("slabs %d to %d are missing", next, int64(p.Number)-1))
		}
		v.slabs[p.Kind] = p.Number + 1
	}
	return codec.CheckForm(p, key, value, v.meta)
}

// endIndex checks what can be told when all records of an index have passed.
func (v *verifier) endIndex() {
	if v.meta != nil {
		if got, want := int(v.slabs[codec.KindVectors]), v.meta.Slab.Count(v.meta.NextSlot); got != want {
			v.findings.add("record", codec.FormatKey(codec.MetaKey(v.index)), fmt.Sprintf("%d slots are in %d slabs, there are %d", v.meta.NextSlot, want, got))
		}
	}
	clear(v.slabs)
}

func (v *verifier) finish(report *pages.Report) {
	v.endIndex()
	f := &v.findings
	f.Pages, f.Damaged = int(report.Pages), report.Found
	for _, p := range report.Problems {
		f.add("page", fmt.Sprintf("page %d", p.Page), p.Text)
	}
	f.Found += report.Found - len(report.Problems)
	if f.Found == 0 && v.digest != v.want {
		f.add("record", codec.FormatKey(codec.SuperblockKey()),
			fmt.Sprintf("digest is %016x, the records give %016x: some are missing or older than they should be", v.want, v.digest))
	}
}
