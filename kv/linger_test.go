package kv

import (
	"math/rand/v2"
	"runtime"
	"testing"
	"time"

	"github.com/hannoydb/hannoy/codec"
	"github.com/hannoydb/hannoy/internal/fixture"
	"github.com/hannoydb/hannoy/kv/lmdb"
)

// A snapshot hands its tables on after its last user has left, through any number of
// commits of others; one is held and not more, and that not for long.
func TestLinger(t *testing.T) {
	if poisoning {
		t.Skip("nothing is inherited")
	}
	defer func(d time.Duration) { lingerFor = d }(lingerFor)
	lingerFor = time.Hour
	r := rand.New(rand.NewPCG(fixture.Seed(t), 3))
	e := open(t, t.TempDir(), Options{Create: true, unsynced: true})
	a := newIndex(1, true, r)
	must(t, e.Update(ctx, func(txn *Txn) error {
		keys, values := a.keys()
		for i, key := range keys {
			if err := txn.Put(key, values[i]()); err != nil {
				return err
			}
		}
		return txn.Put(codec.MetaKey(a.id), codec.AppendMeta(nil, &a.meta))
	}))
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	elsewhere := func() { // as another process commits
		raw, err := e.files.raw.BeginTxn(nil, 0)
		must(t, err)
		a.meta.Sequence++
		key := codec.MetaKey(a.id)
		must(t, raw.Put(e.files.dbi, key, codec.Seal(key, codec.AppendMeta(nil, &a.meta)), 0))
		must(t, raw.Commit())
	}
	use := func() (inherited bool) {
		s := acquire(t, e)
		defer s.Release()
		s.mu.Lock()
		x := s.indexes[a.id]
		s.mu.Unlock()
		if x != nil {
			block, _ := x.LinksAddress(0)
			inherited = block != nil
		}
		x, err := s.Index(a.id)
		must(t, err)
		if x.Meta.Sequence != a.meta.Sequence {
			t.Fatalf("the snapshot has sequence %d, %d was committed", x.Meta.Sequence, a.meta.Sequence)
		}
		_, err = x.AppendLinks(nil, 0, 0)
		must(t, err)
		return inherited
	}
	use()
	elsewhere()
	use() // the first had no outline
	for n := range 12 {
		for range n {
			elsewhere()
		}
		if !use() {
			t.Errorf("after %d commits the links of slot 0 are to be looked up again", n)
		}
		e.mu.Lock()
		if s := e.lingering.snapshot; s != e.current || s.users != 1 || s.files.users != 1 {
			t.Errorf("held is %p, current %p, with %d users, the files with %d", s, e.current, e.current.users, e.files.users)
		}
		e.mu.Unlock()
	}
	e.mu.Lock()
	lingerFor = time.Millisecond
	e.unlinger()
	e.mu.Unlock()
	use()
	for end := time.Now().Add(5 * time.Minute); ; time.Sleep(time.Millisecond) {
		e.mu.Lock()
		held, users := e.lingering.snapshot, e.current.users
		e.mu.Unlock()
		if held == nil && users == 0 {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("%p is still held", held)
		}
	}
}

// Where no reader slot is free for a second snapshot, one that only lingers gives its own up.
func TestLingerWithoutSlots(t *testing.T) {
	defer func(d time.Duration) { lingerFor = d }(lingerFor)
	lingerFor = time.Hour
	e := open(t, t.TempDir(), Options{Create: true})
	var others []*lmdb.Txn
	for {
		txn, err := e.files.raw.BeginTxn(nil, lmdb.Readonly)
		if lmdb.Is(err, lmdb.ReadersFull) {
			break
		}
		must(t, err)
		others = append(others, txn)
		defer txn.Abort()
	}
	others[0].Abort() // leaves one
	for _, text := range []string{"a", "b", "c"} {
		put(t, e, 1, text)
		s := acquire(t, e)
		if got := get(t, s, 1); got != text {
			t.Errorf("read %q, want %q", got, text)
		}
		s.Release()
	}
}
