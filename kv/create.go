package kv

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"

	"github.com/hannoydb/hannoy/codec"
)

// create makes a new environment in dir, which may exist already. LMDB's own
// creation is not atomic: killed within it, it leaves a file that never opens
// again. So the environment is made in a directory of its own and its data file
// linked into place when it is whole. Of several processes that create at once,
// one wins and the others use its file.
func create(dir string, o Options) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	if fi, err := os.Stat(dir); err != nil {
		return err
	} else if !fi.IsDir() {
		return fmt.Errorf("create %s: %w: it is a file, an index is a directory", dir, ErrNotIndex)
	}
	nursery, err := os.MkdirTemp(dir, ".create-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(nursery)
	if err := initialise(nursery, o); err != nil {
		return err
	}
	err = os.Link(filepath.Join(nursery, dataFile), filepath.Join(dir, dataFile))
	if err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return errors.Join(syncDir(dir), syncDir(filepath.Dir(dir)))
}

// initialise writes an environment with nothing but a superblock.
func initialise(dir string, o Options) (err error) {
	e := &Env{dir: dir}
	if err := e.openRaw(o); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, e.raw.Close()) }()
	runtime.LockOSThread() // LMDB ties a write transaction to its thread
	defer runtime.UnlockOSThread()
	txn, err := e.raw.BeginTxn(nil, 0)
	if err != nil {
		return e.translate("create "+dir, err)
	}
	defer txn.Abort()
	if e.dbi, err = txn.OpenRoot(0); err != nil {
		return e.translate("create "+dir, err)
	}
	key := codec.SuperblockKey()
	value := codec.Seal(key, codec.AppendSuperblock(nil, codec.Superblock{
		Version: codec.FormatVersion, PageSize: uint32(pageSize()),
	}))
	if err := txn.Put(e.dbi, key, value, 0); err != nil {
		return e.translate("create "+dir, err)
	}
	return e.translate("create "+dir, txn.Commit())
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Sync()
}
