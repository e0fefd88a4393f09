package kv

import (
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
)

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
	must(t, os.Remove(filepath.Join(dir, lockFile)))
	must(t, os.Rename(filepath.Join(dir, dataFile), filepath.Join(dir, "kept")))
	if e, err := Open(dir, Options{Create: true}); !errors.Is(err, fs.ErrPermission) {
		e.Close()
		t.Errorf("Open, to create, in a directory that anybody may write to = %v", err)
	}
	must(t, os.Rename(filepath.Join(dir, "kept"), filepath.Join(dir, dataFile)))
	must(t, os.Chmod(dir, 0o755))
	must(t, os.Chmod(filepath.Join(dir, dataFile), 0o666))
	refused("a file that anybody may write to")
	t.Setenv(anywhereVariable, "1")
	open(t, dir, Options{})
}

func TestOpenRefusesTheFilesOfOthers(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("needs root, to give files away")
	}
	dir := made(t)
	if err := os.Chown(filepath.Join(dir, dataFile), 12345, 0); err != nil {
		t.Skip(err) // the root of a container may have no other users
	}
	if _, err := Open(dir, Options{}); !errors.Is(err, fs.ErrPermission) {
		t.Errorf("Open of a file of another user = %v", err)
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
