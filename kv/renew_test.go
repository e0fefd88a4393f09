package kv

import (
	"encoding/binary"
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/hannoydb/hannoy/codec"
	"github.com/hannoydb/hannoy/kv/place"
)

// While a read transaction begins, others commit: it must be of the last of these commits. That LMDB is stopped
// between number and roots cannot be brought about from without, so they commit just behind that.
func TestCommitsWhileReadersBegin(t *testing.T) {
	defer func() { began = nil }()
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	for commits := 1; commits <= 3; commits++ {
		for _, how := range []string{"first", "renewed", "next"} {
			e := open(t, t.TempDir(), Options{Create: true, unsynced: true})
			put(t, e, 1, "before")
			commit := func() {
				raw, err := e.files.raw.BeginTxn(nil, 0)
				must(t, err)
				must(t, raw.Put(e.files.dbi, testKey(1), codec.Seal(testKey(1), testValue("after")), 0))
				must(t, raw.Commit())
			}
			switch how {
			case "renewed": // the transaction of a snapshot that nobody uses
				acquire(t, e).Release()
				e.mu.Lock()
				e.unlinger()
				e.mu.Unlock()
			case "next": // beside a snapshot in use
				defer acquire(t, e).Release()
				commit()
			}
			calls := 0
			began = func() {
				for n := commits; calls == 0 && n > 0; n-- {
					commit()
				}
				calls++
			}
			s := acquire(t, e)
			began = nil
			info, err := e.files.raw.Info()
			must(t, err)
			if got := get(t, s, 1); got != "after" || s.id != uint64(info.LastTxnID) || calls != 2 {
				t.Errorf("%s: beside %d commits a snapshot of commit %d of %d reads %q, begun %d times", how, commits, s.id, info.LastTxnID, got, calls)
			}
			s.Release()
		}
	}
}

// A commit whose writer was killed before he told its number keeps nobody from reading the one before, whether or not there is
// a reader slot to find that out with.
func TestReadersBesideUntoldCommit(t *testing.T) {
	defer func() { began = nil }()
	for _, slots := range []int{2, 1} {
		dir := t.TempDir()
		e := open(t, dir, Options{Create: true, MaxReaders: slots})
		put(t, e, 1, "told")
		info, err := e.files.raw.Info()
		must(t, err)
		told := uint64(info.LastTxnID)
		untold(t, dir, told)
		calls := 0
		began = func() { calls++ }
		s := acquire(t, e)
		began = nil
		if got := get(t, s, 1); got != "told" || s.id != told || calls != 1 {
			t.Errorf("%d slots: a snapshot of commit %d, %d were told, reads %q, begun %d times", slots, s.id, told, got, calls)
		}
		s.Release()
		put(t, e, 1, "next")
		s = acquire(t, e)
		if got := get(t, s, 1); got != "next" || s.id != told+1 {
			t.Errorf("%d slots: a snapshot of commit %d reads %q", slots, s.id, got)
		}
		s.Release()
	}
}

// untold writes the meta page of the commit after the one with the given number, as who is killed then.
func untold(t *testing.T, dir string, told uint64) {
	t.Helper()
	f, err := os.OpenFile(filepath.Join(dir, place.DataFile), os.O_RDWR, 0)
	must(t, err)
	const number = 144 // where a meta page has that of its commit
	page, size := make([]byte, number+8), int64(os.Getpagesize())
	_, err = f.ReadAt(page, int64(told&1)*size)
	must(t, err)
	if got := binary.NativeEndian.Uint64(page[number:]); got != told {
		t.Fatalf("the meta page has commit %d, want %d", got, told)
	}
	binary.NativeEndian.PutUint64(page, 1-told&1)
	binary.NativeEndian.PutUint64(page[number:], told+1)
	_, err = f.WriteAt(page, int64(1-told&1)*size)
	must(t, err)
	must(t, f.Close())
}
