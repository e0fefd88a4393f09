package kv

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"

	"github.com/hannoydb/hannoy/codec"
	"github.com/hannoydb/hannoy/kv/datafile"
	"github.com/hannoydb/hannoy/kv/place"
)

// create makes a new environment in dir, which may exist already, if there is none.
// LMDB's own creation is not atomic: killed within it, it leaves a file that never
// opens again. So the environment is made in a directory of its own and its data file
// linked into place when it is whole. Of several processes that create at once,
// one wins and the others use its file.
func create(dir string, o Options) error {
	if _, err := os.Lstat(filepath.Join(dir, place.DataFile)); !errors.Is(err, fs.ErrNotExist) {
		return nil // a file in place of the directory, too, is for others to refuse
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	if err := place.Vet(dir); err != nil {
		return err
	}
	unlock, err := place.LockDirectory(dir)
	if err != nil {
		return err
	}
	defer unlock()
	nursery, err := os.MkdirTemp(dir, place.NurseryPrefix)
	if err != nil {
		return err
	}
	defer os.RemoveAll(nursery)
	if err := initialise(nursery, o); err != nil {
		return err
	}
	err = os.Link(filepath.Join(nursery, place.DataFile), filepath.Join(dir, place.DataFile))
	if err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return errors.Join(place.Sync(dir), place.Sync(filepath.Dir(dir)))
}

// initialise writes an environment with nothing but a superblock.
func initialise(dir string, o Options) (err error) {
	e := &Env{dir: dir, options: o}
	raw, err := e.openRaw()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, raw.Close()) }()
	runtime.LockOSThread() // LMDB ties a write transaction to its thread
	defer runtime.UnlockOSThread()
	txn, err := raw.BeginTxn(nil, 0)
	if err != nil {
		return e.translate("create "+dir, err)
	}
	defer txn.Abort()
	dbi, err := txn.OpenRoot(0)
	if err != nil {
		return e.translate("create "+dir, err)
	}
	key := codec.SuperblockKey()
	value := codec.Seal(key, codec.AppendSuperblock(nil, codec.Superblock{
		Version: codec.FormatVersion, PageSize: uint32(datafile.PageSize()),
	}))
	if err := txn.Put(dbi, key, value, 0); err != nil {
		return e.translate("create "+dir, err)
	}
	return e.translate("create "+dir, txn.Commit())
}
