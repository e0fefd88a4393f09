package kv

import (
	"encoding/binary"
	"errors"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/hannoydb/hannoy/codec"
)

// Where the first meta page of a data file has what the test changes.
const (
	lmdbVersionOffset  = 20
	lmdbPageSizeOffset = 40
)

// made returns the directory of an environment with some records, closed.
func made(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	e, err := Open(dir, Options{Create: true})
	if err != nil {
		t.Fatal(err)
	}
	for i := range 100 {
		put(t, e, i, string(make([]byte, 1000)))
	}
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
	return dir
}

func TestOpenRefuses(t *testing.T) {
	tests := []struct {
		name  string
		spoil func(t *testing.T, dir string)
		want  error
	}{
		{"no directory", func(t *testing.T, dir string) { must(t, os.RemoveAll(dir)) }, ErrNotFound},
		{"empty directory", func(t *testing.T, dir string) { must(t, os.Remove(filepath.Join(dir, dataFile))) }, ErrNotFound},
		{"a file", func(t *testing.T, dir string) {
			must(t, os.RemoveAll(dir))
			must(t, os.WriteFile(dir, []byte("text"), 0o600))
		}, ErrNotIndex},
		{"empty data file", func(t *testing.T, dir string) { must(t, os.Truncate(filepath.Join(dir, dataFile), 0)) }, ErrNotIndex},
		{"not LMDB", func(t *testing.T, dir string) {
			must(t, os.WriteFile(filepath.Join(dir, dataFile), make([]byte, 10000), 0o600))
		}, ErrNotIndex},
		{"one page", func(t *testing.T, dir string) {
			must(t, os.Truncate(filepath.Join(dir, dataFile), int64(os.Getpagesize())))
		}, codec.ErrCorrupt},
		{"cut short", func(t *testing.T, dir string) {
			path := filepath.Join(dir, dataFile)
			fi, err := os.Stat(path)
			must(t, err)
			must(t, os.Truncate(path, fi.Size()/2))
		}, codec.ErrCorrupt},
		{"LMDB 1.0", func(t *testing.T, dir string) { poke(t, dir, lmdbVersionOffset, 2) }, ErrVersion},
		{"other page size", func(t *testing.T, dir string) { poke(t, dir, lmdbPageSizeOffset, 2*uint32(os.Getpagesize())) }, ErrVersion},
		{"data file is a link", func(t *testing.T, dir string) {
			path := filepath.Join(dir, dataFile)
			must(t, os.Rename(path, path+".real"))
			must(t, os.Symlink(path+".real", path))
		}, ErrNotIndex},
		{"lock file is a link", func(t *testing.T, dir string) {
			path := filepath.Join(dir, lockFile)
			must(t, os.Remove(path))
			must(t, os.Symlink(filepath.Join(dir, "victim"), path))
		}, ErrNotIndex},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			dir := made(t)
			test.spoil(t, dir)
			e, err := Open(dir, Options{})
			if !errors.Is(err, test.want) {
				t.Errorf("Open = %v, want %v", err, test.want)
			}
			if err == nil {
				e.Close()
			}
			if _, err := os.Stat(filepath.Join(dir, "victim")); err == nil {
				t.Error("wrote through a symbolic link")
			}
		})
	}
}

func TestOpenRefusesOtherPrograms(t *testing.T) {
	dir := t.TempDir()
	e := &Env{dir: dir}
	raw, err := e.openRaw()
	must(t, err)
	txn, err := raw.BeginTxn(nil, 0)
	must(t, err)
	dbi, err := txn.OpenRoot(0)
	must(t, err)
	must(t, txn.Put(dbi, []byte("their key"), []byte("their value"), 0))
	must(t, txn.Commit())
	must(t, raw.Close())
	if _, err := Open(dir, Options{Create: true}); !errors.Is(err, ErrNotIndex) {
		t.Errorf("Open = %v, want ErrNotIndex", err)
	}
}

func TestOpenRefusesNewerFormat(t *testing.T) {
	dir := made(t)
	e, err := Open(dir, Options{})
	must(t, err)
	value := codec.AppendSuperblock(nil, codec.Superblock{Version: codec.FormatVersion + 1, PageSize: 4096})
	must(t, e.Update(ctx, func(txn *Txn) error {
		return txn.raw.Put(txn.dbi, codec.SuperblockKey(), codec.Seal(codec.SuperblockKey(), value), 0)
	}))
	must(t, e.Close())
	var newer *codec.NewerFormatError
	if _, err := Open(dir, Options{}); !errors.Is(err, ErrVersion) || !errors.As(err, &newer) {
		t.Errorf("Open = %v, want ErrVersion", err)
	}
}

// Of many that create at once, each gets a working environment and it is the same.
func TestCreateRace(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "new", "deep")
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			if err := create(dir, Options{}); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	open(t, dir, Options{})
	onlyFiles(t, dir)
	for _, name := range []string{dataFile, lockFile, openFile} {
		if fi, err := os.Stat(filepath.Join(dir, name)); err != nil || fi.Mode().Perm() != 0o600 {
			t.Errorf("%s has mode %v, %v", name, fi.Mode(), err)
		}
	}
}

func poke(t *testing.T, dir string, offset int64, value uint32) {
	t.Helper()
	f, err := os.OpenFile(filepath.Join(dir, dataFile), os.O_RDWR, 0)
	must(t, err)
	_, err = f.WriteAt(binary.NativeEndian.AppendUint32(nil, value), offset)
	must(t, err)
	must(t, f.Close())
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
