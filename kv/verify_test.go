package kv

import (
	"errors"
	"testing"

	"github.com/hannoydb/hannoy/codec"
	"github.com/hannoydb/hannoy/kv/proof"
)

// What no checksum of one record tells, the digest does: a record that is missing, or
// is an older one.
func TestVerifyFindsMissingAndStaleRecords(t *testing.T) {
	e := open(t, t.TempDir(), Options{Create: true})
	key := codec.AppendSlotKey(nil, 1, []byte("k"))
	old, current := codec.Seal(key, codec.AppendNumber(nil, 1)), codec.Seal(key, codec.AppendNumber(nil, 2))
	for _, test := range []struct {
		name  string
		spoil func(txn *Txn) error
	}{
		{"missing", func(txn *Txn) error { return txn.raw.Del(txn.dbi, key, nil) }},
		{"stale", func(txn *Txn) error { return txn.raw.Put(txn.dbi, key, old, 0) }},
	} {
		must(t, e.Update(ctx, func(txn *Txn) error { return txn.Put(key, current) }))
		if f := verified(t, e); f.Found != 0 {
			t.Fatalf("%s: %+v before", test.name, f)
		}
		must(t, e.Update(ctx, test.spoil))
		if f := verified(t, e); f.Found != 1 || f.Problems[0].Where != "superblock" {
			t.Errorf("%s record: %+v", test.name, f)
		}
		must(t, e.Update(ctx, func(txn *Txn) error { return txn.raw.Put(txn.dbi, key, current, 0) }))
	}
}

func verified(t *testing.T, e *Env) *proof.Findings {
	t.Helper()
	s, err := e.Acquire()
	must(t, err)
	defer s.Release()
	f, err := s.Verify(ctx, nil)
	must(t, err)
	return f
}

// An environment whose slots are more than its slabs hold is refused before tables are
// made for them.
func TestNextSlotIsBounded(t *testing.T) {
	dir := t.TempDir()
	e, err := Open(dir, Options{Create: true})
	must(t, err)
	m := &codec.Meta{
		Metric: 1, VectorType: 1, Dimensions: 4, M: 4, M0: 8, EfConstruction: 10, Alpha: 1, NextRank: 1,
		Slab: codec.SlabFor(16), NextSlot: 1<<32 - 1, Live: 1<<32 - 1,
	}
	must(t, e.Update(ctx, func(txn *Txn) error { return txn.Put(codec.MetaKey(1), codec.AppendMeta(nil, m)) }))
	s, err := e.Acquire()
	must(t, err)
	if _, err := s.Index(1); !errors.Is(err, codec.ErrCorrupt) {
		t.Errorf("Index = %v, want ErrCorrupt", err)
	}
	s.Release()
	must(t, e.Close())
	var damage *DamageError
	if _, err := OpenUntrusted(ctx, dir, Options{}); !errors.As(err, &damage) || damage.Damaged != 0 {
		t.Errorf("OpenUntrusted = %v, want a DamageError", err)
	}
}

// A commit whose writer died before it told readers is verified all the same.
func TestVerifyOfACommitThatIsNotTheNewest(t *testing.T) {
	e := open(t, t.TempDir(), Options{Create: true})
	put(t, e, 1, "one")
	s, err := e.Acquire()
	must(t, err)
	defer s.Release()
	put(t, e, 2, "two")
	if f, err := s.Verify(ctx, nil); err != nil || f.Found != 0 {
		t.Errorf("Verify = %+v, %v", f, err)
	}
	put(t, e, 3, "three")
	if _, err := s.Verify(ctx, nil); !errors.Is(err, ErrSuperseded) {
		t.Errorf("Verify = %v, want ErrSuperseded", err)
	}
}
