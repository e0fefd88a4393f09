package kv

import (
	"encoding/binary"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/hannoydb/hannoy/codec"
	"github.com/hannoydb/hannoy/kv/place"
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

// linked puts a link to nowhere in the place of a file.
func linked(file string) func(t *testing.T, dir string) {
	return func(t *testing.T, dir string) {
		path := filepath.Join(dir, file)
		if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			t.Fatal(err)
		}
		must(t, os.Symlink(filepath.Join(dir, "victim"), path))
	}
}

func TestOpenRefuses(t *testing.T) {
	tests := []struct {
		name  string
		spoil func(t *testing.T, dir string)
		want  error
	}{
		{"no directory", func(t *testing.T, dir string) { must(t, os.RemoveAll(dir)) }, ErrNotFound},
		{"empty directory", func(t *testing.T, dir string) { must(t, os.Remove(filepath.Join(dir, place.DataFile))) }, ErrNotFound},
		{"a file", func(t *testing.T, dir string) {
			must(t, os.RemoveAll(dir))
			must(t, os.WriteFile(dir, []byte("text"), 0o600))
		}, ErrNotIndex},
		{"empty data file", func(t *testing.T, dir string) { must(t, os.Truncate(filepath.Join(dir, place.DataFile), 0)) }, ErrNotIndex},
		{"not LMDB", func(t *testing.T, dir string) {
			must(t, os.WriteFile(filepath.Join(dir, place.DataFile), make([]byte, 10000), 0o600))
		}, ErrNotIndex},
		{"one page", func(t *testing.T, dir string) {
			must(t, os.Truncate(filepath.Join(dir, place.DataFile), int64(os.Getpagesize())))
		}, codec.ErrCorrupt},
		{"cut short", func(t *testing.T, dir string) {
			path := filepath.Join(dir, place.DataFile)
			fi, err := os.Stat(path)
			must(t, err)
			must(t, os.Truncate(path, fi.Size()/2))
		}, codec.ErrCorrupt},
		{"LMDB 1.0", func(t *testing.T, dir string) { poke(t, dir, lmdbVersionOffset, 2) }, ErrVersion},
		{"other page size", func(t *testing.T, dir string) { poke(t, dir, lmdbPageSizeOffset, 2*uint32(os.Getpagesize())) }, ErrVersion},
		{"data file is a link", func(t *testing.T, dir string) {
			path := filepath.Join(dir, place.DataFile)
			must(t, os.Rename(path, path+".real"))
			must(t, os.Symlink(path+".real", path))
		}, ErrNotIndex},
		{"lock file is a link", linked(place.LockFile), ErrNotIndex},
		{"file that is locked to build is a link", linked(place.BuildFile), ErrNotIndex},
		{"file that is locked to open is a link", linked(place.OpenFile), ErrNotIndex},
		{"file of times is a link", linked(place.TimesFile), ErrNotIndex},
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
	for _, name := range []string{place.DataFile, place.LockFile, place.OpenFile} {
		if fi, err := os.Stat(filepath.Join(dir, name)); err != nil || fi.Mode().Perm() != 0o600 {
			t.Errorf("%s has mode %v, %v", name, fi.Mode(), err)
		}
	}
}

func poke(t *testing.T, dir string, offset int64, value uint32) {
	t.Helper()
	f, err := os.OpenFile(filepath.Join(dir, place.DataFile), os.O_RDWR, 0)
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

func TestOpenRefusesUnsafePlaces(t *testing.T) {
	dir := made(t)
	refused := func(what string) {
		t.Helper()
		e, err := Open(dir, Options{})
		if err == nil {
			e.Close()
		}
		if !errors.Is(err, fs.ErrPermission) {
			t.Errorf("Open of %s = %v", what, err)
		}
		if e, err = OpenUntrusted(ctx, dir, Options{ReadOnly: true}); err == nil {
			e.Close()
		}
		if !errors.Is(err, fs.ErrPermission) {
			t.Errorf("OpenUntrusted of %s = %v", what, err)
		}
	}
	must(t, os.Chmod(dir, 0o777))
	refused("a directory that anybody may write to")
	if err := create(filepath.Join(dir, "."), Options{}); err != nil {
		t.Errorf("create in place of an environment: %v", err)
	}
	must(t, os.Remove(filepath.Join(dir, place.LockFile)))
	must(t, os.Rename(filepath.Join(dir, place.DataFile), filepath.Join(dir, "kept")))
	if e, err := Open(dir, Options{Create: true}); !errors.Is(err, fs.ErrPermission) {
		e.Close()
		t.Errorf("Open, to create, in a directory that anybody may write to = %v", err)
	}
	must(t, os.Rename(filepath.Join(dir, "kept"), filepath.Join(dir, place.DataFile)))
	must(t, os.Chmod(dir, 0o755))
	for _, file := range []string{place.DataFile, place.LockFile} {
		open(t, dir, Options{}).Close() // makes the lock file
		must(t, os.Chmod(filepath.Join(dir, file), 0o666))
		refused(file + " that anybody may write to")
		must(t, os.Chmod(filepath.Join(dir, file), 0o600))
	}
	must(t, os.Chmod(dir, 0o777))
	t.Setenv(place.AnywhereVariable, "1")
	open(t, dir, Options{})
}

func TestOpenRefusesTheFilesOfOthers(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("needs root, to give files away")
	}
	for _, file := range []string{".", place.DataFile, place.LockFile} {
		dir := made(t)
		if err := os.Chown(filepath.Join(dir, file), 12345, 0); err != nil {
			t.Skip(err) // the root of a container may have no other users
		}
		_, err := Open(dir, Options{})
		if !errors.Is(err, fs.ErrPermission) || !strings.Contains(err.Error(), "belongs to user 12345") {
			t.Errorf("Open with %q of another user = %v", file, err)
		}
	}
}

// readVariable makes TestReaderGroup read what it names.
const readVariable = "KV_TEST_READ"

// Users of the group read, beside the writer and behind a move, and others do not.
func TestReaderGroup(t *testing.T) {
	if dir := os.Getenv(readVariable); dir != "" {
		e, err := Open(dir, Options{ReadOnly: true})
		must(t, err)
		s := acquire(t, e)
		defer s.Release()
		if got := get(t, s, 1); got != "one" {
			t.Errorf("read %q", got)
		}
		return
	}
	if os.Geteuid() != 0 {
		t.Skip("needs root, to be another user")
	}
	const user, group, other = 54321, 12345, 12346
	dir := t.TempDir()
	must(t, os.Chmod(dir, 0o755))
	must(t, os.Chmod(filepath.Dir(dir), 0o755))
	for above := dir; above != "/"; above = filepath.Dir(above) {
		if fi, err := os.Stat(above); err != nil || fi.Mode()&0o001 == 0 {
			t.Skipf("other users do not come through %s (%v): set TMPDIR", above, err)
		}
	}
	program := filepath.Join(dir, "kv.test")
	all, err := os.ReadFile(os.Args[0])
	must(t, err)
	must(t, os.WriteFile(program, all, 0o755))
	as := func(group uint32, args ...string) *exec.Cmd {
		cmd := exec.Command(program, args...)
		cmd.Env, cmd.Dir = append(os.Environ(), readVariable+"="+filepath.Join(dir, "env")), dir
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: user, Gid: group}}
		return cmd
	}
	if out, err := as(group, "-test.list=^$").CombinedOutput(); err != nil {
		t.Skipf("nothing runs as another user here: %v: %s", err, out)
	}
	read := func(group uint32) ([]byte, error) { return as(group, "-test.run=^TestReaderGroup$").CombinedOutput() }
	e := open(t, filepath.Join(dir, "env"), Options{Create: true, ReaderGroup: group})
	put(t, e, 1, "one")
	for range 2 {
		if out, err := read(group); err != nil {
			t.Errorf("a reader of the group: %v: %s", err, out)
		}
		if out, err := read(other); err == nil {
			t.Errorf("a reader of another group: %s", out)
		}
		succeed(t, e, "one", nothing)
		acquire(t, e).Release() // goes on with the new files
	}
}
