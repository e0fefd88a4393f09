package kv

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"syscall"
	"time"

	"github.com/hannoydb/hannoy/codec"
	"github.com/hannoydb/hannoy/kv/datafile"
	"github.com/hannoydb/hannoy/kv/lmdb"
	"github.com/hannoydb/hannoy/kv/pages"
	"github.com/hannoydb/hannoy/kv/place"
)

// files is one data file at work. An Env has one at a time. When another has taken
// its place (see Successor), the Env goes on with that one, and the old is closed
// with the last snapshot of it.
type files struct {
	raw *lmdb.Env
	dbi lmdb.DBI
	id  place.FileID // of the data file
	// ignored is the successor that the data file names and that is not there: the
	// file was copied in the middle of a move.
	ignored string
	memory  pages.Memory // the map; of no pages if it is not known
	random  bool         // Env.mu: the kernel does not read ahead
	users   int          // Env.mu: snapshots and writes
	idle    []*lmdb.Txn  // Env.mu: reset read transactions, kept for their reader slots
}

// openFiles opens the data file that is in the directory. The caller holds the lock of
// the directory.
func (e *Env) openFiles() (*files, error) {
	id, err := datafile.Inspect(e.dir)
	if err != nil {
		return nil, err
	}
	raw, err := e.openRaw()
	if err != nil {
		return nil, err
	}
	if group := e.options.ReaderGroup; group != 0 && !e.options.ReadOnly {
		if err := place.Share(e.dir, group); err != nil {
			raw.Close()
			return nil, err
		}
	}
	f := &files{raw: raw, id: id}
	// OpenUntrusted has verified the first files already, without holding the lock.
	if e.options.untrusted && e.files != nil {
		err = e.prove(context.Background(), raw, id)
	}
	if err == nil {
		err = f.readSuperblock(e)
	}
	if err != nil {
		raw.Close()
		return nil, err
	}
	return f, nil
}

// close closes the files. No transaction is at work but idle ones.
func (f *files) close() error {
	for _, txn := range f.idle {
		txn.Abort()
	}
	f.idle = nil
	return f.raw.Close()
}

// openRaw opens LMDB in e.dir with as large a map as the address space allows.
func (e *Env) openRaw() (*lmdb.Env, error) {
	mapSizeBytes := e.options.MapSizeBytes
	if mapSizeBytes == 0 {
		mapSizeBytes = defaultMapSizeBytes
	}
	readers := e.options.MaxReaders
	if readers == 0 {
		readers = defaultMaxReaders
	}
	var flags uint
	if e.options.ReadOnly {
		flags |= lmdb.Readonly
	}
	if e.options.unsynced {
		flags |= lmdb.NoSync
	}
	for attempt := 0; ; {
		raw, err := lmdb.NewEnv()
		if err != nil {
			return nil, e.translate("open "+e.dir, err)
		}
		err = errors.Join(raw.SetMapSize(mapSizeBytes), raw.SetMaxReaders(readers))
		if err == nil {
			err = raw.Open(e.dir, flags, 0o600)
		}
		if err == nil {
			err = closeOnExec(raw)
		}
		e.mapSizeBytes.Store(mapSizeBytes)
		if err == nil {
			if readers, err = raw.MaxReaders(); err == nil {
				e.maxReaders.Store(int64(readers))
				return raw, nil
			}
		}
		raw.Close()
		switch {
		case lmdb.IsSystem(err, syscall.ENOMEM) && e.options.MapSizeBytes == 0 && mapSizeBytes > smallestMapBytes:
			mapSizeBytes /= 2
		case (lmdb.IsSystem(err, syscall.EAGAIN) || lmdb.IsSystem(err, syscall.EBUSY)) && attempt < 50:
			// Another process opens or closes the environment at this very moment.
			attempt++
			time.Sleep(time.Duration(attempt) * time.Millisecond)
		default:
			return nil, e.translate("open "+e.dir, err)
		}
	}
}

// closeOnExec keeps the data file from programs that this process starts, as LMDB keeps the
// lock file: one that lives long would hold the room of files that others have replaced.
func closeOnExec(raw *lmdb.Env) error {
	fd, err := raw.FD()
	if err == nil {
		syscall.CloseOnExec(int(fd))
	}
	return err
}

// recover puts right what processes that were killed have left: reader slots, and a
// commit that is on disk and that readers are not told of. LMDB notices the latter
// when the next writer takes its lock, so this takes it, if there is need.
func (f *files) recover(e *Env) error {
	doing := "open " + e.dir
	if _, err := f.raw.ReaderCheck(); err != nil {
		return e.translate(doing, err)
	}
	if e.options.ReadOnly {
		return nil
	}
	txn, err := f.raw.BeginTxn(nil, lmdb.Readonly)
	if err != nil {
		return e.translate(doing, err)
	}
	seen := uint64(txn.ID())
	txn.Abort()
	info, err := f.raw.Info() // reads the meta pages themselves
	if err != nil || uint64(info.LastTxnID) == seen {
		return e.translate(doing, err)
	}
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if txn, err = f.raw.BeginTxn(nil, 0); err == nil {
		txn.Abort()
	}
	return e.translate(doing, err)
}

// readSuperblock refuses environments of other programs and of newer formats.
func (f *files) readSuperblock(e *Env) error {
	doing := "open " + e.dir
	txn, err := f.begin()
	if err != nil {
		return e.translate(doing, err)
	}
	defer txn.Abort()
	if f.dbi, err = txn.OpenRoot(0); err != nil {
		return e.translate(doing, err)
	}
	key := codec.SuperblockKey()
	value, err := txn.Get(f.dbi, key)
	if lmdb.Is(err, lmdb.NotFound) {
		return fmt.Errorf("%s: %w: the LMDB environment of another program", doing, ErrNotIndex)
	}
	if err != nil {
		return e.translate(doing, err)
	}
	body, err := openValue(key, value)
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
	return e.translate(doing, f.findMemory(value))
}

// findMemory finds out where LMDB has mapped the file, by the value of a short record.
func (f *files) findMemory(value []byte) error {
	fd, err := f.raw.FD()
	if err != nil {
		return err
	}
	read := func(p []byte, at int64) (int, error) { return syscall.Pread(int(fd), p, at) }
	f.memory, _ = pages.MemoryAt(value, int64(os.Getpagesize()), read)
	return nil
}

// successor names the environment that has taken the place of these files, as the
// transaction sees it. It is empty while none has.
func (f *files) successor(e *Env, txn *lmdb.Txn) (string, error) {
	key := codec.MovedKey()
	value, err := txn.Get(f.dbi, key)
	if value, err = found(e, value, err); value == nil || err != nil {
		return "", err
	}
	body, err := codec.Open(key, value)
	if err != nil {
		return "", err
	}
	name := string(body)
	switch {
	case !place.NamesSuccessor(name):
		return "", fmt.Errorf("record %s names %q: %w", codec.FormatKey(key), name, codec.ErrCorrupt)
	case name == f.ignored:
		return "", nil
	}
	return name, nil
}
