package kv

import (
	"errors"
	"testing"
)

func TestBuildLock(t *testing.T) {
	e := open(t, t.TempDir(), Options{Create: true})
	unlock, err := e.LockBuild(t.Context(), false)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := e.LockBuild(t.Context(), false); !errors.Is(err, ErrBusy) {
		t.Errorf("second lock: %v, want ErrBusy", err)
	}
	if err := unlock(); err != nil {
		t.Fatal(err)
	}
	if unlock, err = e.LockBuild(t.Context(), false); err != nil {
		t.Fatal(err)
	}
	done, err := e.NoteRewrite()
	if err != nil || !e.IsRewritten() {
		t.Errorf("a rewrite: %t, %v", e.IsRewritten(), err)
	}
	must(t, done())
	if e.IsRewritten() {
		t.Error("a rewrite that is done")
	}
	if _, err = e.NoteRewrite(); err != nil {
		t.Fatal(err)
	}
	must(t, unlock()) // as if its process had died
	if unlock, err = e.LockBuild(t.Context(), false); err != nil {
		t.Fatal(err)
	}
	if e.IsRewritten() {
		t.Error("the rewrite of one who held the lock before")
	}
	must(t, unlock())
}
