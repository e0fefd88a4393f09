package kv

import (
	"bytes"
	"math/rand/v2"
	"runtime"
	"slices"
	"testing"
	"time"
	"unsafe"

	"github.com/hannoydb/hannoy/codec"
	"github.com/hannoydb/hannoy/internal/fixture"
	"github.com/hannoydb/hannoy/kv/tables"
)

// anIndex writes an index at random: records of all kinds that have tables, of which
// little makes sense together.
type anIndex struct {
	id   codec.IndexID
	meta codec.Meta
	r    *rand.Rand
}

func newIndex(id codec.IndexID, ids bool, r *rand.Rand) *anIndex {
	return &anIndex{id: id, r: r, meta: codec.Meta{
		Metric: 1, VectorType: 1, IDs: ids, Dimensions: 4, M: 16, M0: 32, EfConstruction: 10, Alpha: 1,
		Slab: codec.Slab{Rows: 20, Stride: 16}, Codes: 3, CodeSlab: codec.Slab{Rows: 200, Stride: 16},
		NextSlot: 8000, Live: 8000, NextRank: 1, Roots: []uint32{0, 0, 0},
	}}
}

func (a *anIndex) list() []byte {
	var slots []uint32
	for range a.r.IntN(12) {
		slots = append(slots, a.r.Uint32N(a.meta.NextSlot))
	}
	slices.Sort(slots)
	return codec.AppendList(nil, slices.Compact(slots))
}

func (a *anIndex) block() []byte {
	var entries [codec.BlockSlots][]byte
	for i := range entries {
		entries[i] = a.list()
	}
	return codec.AppendBlock(nil, &entries)
}

func (a *anIndex) flat() []byte {
	var f codec.Flat
	for i := range uint32(codec.FlatSpan) {
		if a.r.IntN(3) > 0 {
			f.Set(i, a.r.Uint32())
		}
	}
	return codec.AppendFlat(nil, &f)
}

func (a *anIndex) tower(level int) []byte {
	var entries []codec.TowerEntry
	for slot := range 1 << codec.TowerShift(level) {
		if slot == 0 || a.r.IntN(40) == 0 && slot < int(a.meta.NextSlot) {
			entries = append(entries, codec.TowerEntry{Slot: uint16(slot), List: a.list()})
		}
	}
	return codec.AppendTowerBlock(nil, entries)
}

// keys are those of all records that may be, with what makes a value of each.
func (a *anIndex) keys() (keys [][]byte, values []func() []byte) {
	add := func(n uint32, key func(n uint32) []byte, value func() []byte) {
		for i := range n {
			keys, values = append(keys, key(i)), append(values, value)
		}
	}
	numbered := func(kind codec.Kind) func(n uint32) []byte {
		return func(n uint32) []byte { return codec.AppendNumberKey(nil, a.id, kind, n) }
	}
	blocks, flats := a.meta.NextSlot/codec.BlockSlots, (a.meta.NextSlot+codec.FlatSpan-1)/codec.FlatSpan
	add(blocks, func(n uint32) []byte { return codec.AppendLinksKey(nil, a.id, 0, n) }, a.block)
	for level := 1; level < len(a.meta.Roots); level++ {
		n := (a.meta.NextSlot + 1<<codec.TowerShift(level) - 1) >> codec.TowerShift(level)
		add(n, func(n uint32) []byte { return codec.AppendTowersKey(nil, a.id, level, n) }, func() []byte { return a.tower(level) })
	}
	if a.meta.IDs {
		add(flats, numbered(codec.KindSlotID), a.flat)
	} else {
		add(blocks, numbered(codec.KindKey), a.block)
	}
	add(flats, numbered(codec.KindRank), a.flat)
	add(uint32(a.meta.Slab.Count(a.meta.NextSlot)), numbered(codec.KindVectors), a.meta.Slab.NewSlab)
	add(uint32(a.meta.CodeSlab.Count(a.meta.NextSlot)), numbered(codec.KindCodes), a.meta.CodeSlab.NewSlab)
	return keys, values
}

// change puts and deletes records in stretches here and there.
func (a *anIndex) change(txn *Txn) error {
	keys, values := a.keys()
	if err := txn.Put(codec.MetaKey(a.id), codec.AppendMeta(nil, &a.meta)); err != nil {
		return err
	}
	for range 1 + a.r.IntN(4) {
		from, n, deletes := a.r.IntN(len(keys)), 1+a.r.IntN(1<<a.r.IntN(9)), a.r.IntN(3) == 0
		for i := from; i < min(from+n, len(keys)); i++ {
			slab := keys[i][2] == byte(codec.KindVectors) || keys[i][2] == byte(codec.KindCodes)
			var err error
			if deletes && !slab && a.r.IntN(10) > 0 {
				err = txn.Delete(keys[i])
			} else {
				err = txn.Put(keys[i], values[i]())
			}
			if err != nil {
				return err
			}
		}
	}
	return nil
}

// touch looks something up in every table, as far as there is anything.
func touch(x *Index, r *rand.Rand) {
	for range 50 {
		slot := r.Uint32N(x.Meta.NextSlot)
		for level := range x.Meta.Roots {
			_, _ = x.AppendLinks(nil, slot, level)
		}
		_, _ = x.AppendKey(nil, slot)
		_, _ = x.Rank(slot)
		_ = x.Vectors.Touch(slot)
		_ = x.Codes.Touch(slot)
	}
}

// verifyTables compares what the tables of an index hold with what LMDB finds. It
// returns how many addresses there are.
func verifyTables(t *testing.T, x *Index, r *rand.Rand) (addresses int) {
	t.Helper()
	check := func(p unsafe.Pointer, into int, key []byte) {
		addresses++
		if value := valueOf(t, x, key); value != nil && p != unsafe.Pointer(&value[into]) {
			t.Fatalf("%s is at %p, the table has %p", codec.FormatKey(key), &value[into], p)
		} else if value == nil && codec.BlockBytes((*[codec.BlockHeadBytes]byte)(p)) > codec.BlockHeadBytes {
			t.Fatalf("there is no %s, the table has %p", codec.FormatKey(key), p)
		}
	}
	for n := range x.Meta.NextSlot / codec.BlockSlots {
		if block, _ := x.LinksAddress(n * codec.BlockSlots); block != nil {
			check(block, 0, codec.AppendLinksKey(nil, x.ID(), 0, n))
		}
		if block := x.KeyAddress(n * codec.BlockSlots); block != nil {
			check(block, 0, codec.AppendNumberKey(nil, x.ID(), codec.KindKey, n))
		}
	}
	for kind, slabs := range map[codec.Kind]*tables.Slabs{codec.KindVectors: x.Vectors, codec.KindCodes: x.Codes} {
		for n, p := range slabs.Table() {
			if p != nil {
				check(p, codec.SlabHeaderBytes, codec.AppendNumberKey(nil, x.ID(), kind, uint32(n)))
			}
		}
	}
	for n := range (x.Meta.NextSlot + codec.FlatSpan - 1) / codec.FlatSpan {
		if r.IntN(8) == 0 { // the others are looked up later, or never
			verifyFlats(t, x, n)
		}
	}
	for level := 1; level < len(x.Meta.Roots); level++ {
		for n := range (x.Meta.NextSlot-1)>>codec.TowerShift(level) + 1 {
			if r.IntN(8) == 0 {
				verifyTowers(t, x, level, n)
			}
		}
	}
	return addresses
}

func valueOf(t *testing.T, x *Index, key []byte) []byte {
	value, err := x.Snapshot().GetUnverified(key)
	if err != nil {
		t.Fatal(err)
	}
	return value
}

// verifyFlats compares ranks, and ids if these are the keys, with the records.
func verifyFlats(t *testing.T, x *Index, block uint32) {
	t.Helper()
	flat := func(kind codec.Kind) (f *codec.Flat) {
		key := codec.AppendNumberKey(nil, x.ID(), kind, block)
		value := valueOf(t, x, key)
		if value == nil {
			return &codec.Flat{}
		}
		f, err := codec.ParseFlat(key, value[codec.SumBytes:])
		must(t, err)
		return f
	}
	ranks, ids := flat(codec.KindRank), flat(codec.KindSlotID)
	for slot := block * codec.FlatSpan; slot < min((block+1)*codec.FlatSpan, x.Meta.NextSlot); slot++ {
		want, _ := ranks.Get(slot)
		if rank, err := x.Rank(slot); rank != want || err != nil {
			t.Fatalf("rank of slot %d is %d, %v, want %d", slot, rank, err, want)
		}
		if !x.Meta.IDs {
			continue
		}
		id, ok := ids.Get(slot)
		if key, err := x.AppendKey(nil, slot); ok != (err == nil) || ok && !bytes.Equal(key, codec.ID(id)) {
			t.Fatalf("key of slot %d is %x, %v, want %d, %t", slot, key, err, id, ok)
		}
	}
}

// verifyTowers compares the links of a block of a level above 0 with its record.
func verifyTowers(t *testing.T, x *Index, level int, block uint32) {
	t.Helper()
	key := codec.AppendTowersKey(nil, x.ID(), level, block)
	var entries []codec.TowerEntry
	if value := valueOf(t, x, key); value != nil {
		var err error
		entries, err = codec.ParseTowerBlock(nil, key, value)
		must(t, err)
	}
	for i := range uint32(1) << codec.TowerShift(level) {
		slot := block<<codec.TowerShift(level) + i
		if slot >= x.Meta.NextSlot {
			break
		}
		var want []uint32
		at, found := codec.SearchTower(entries, uint16(i))
		if found {
			var err error
			want, err = codec.ReadList(nil, entries[at].List)
			must(t, err)
		}
		has, err := x.HasLevel(slot, level)
		must(t, err)
		links, err := x.AppendLinks(nil, slot, level)
		must(t, err)
		if has != found || !slices.Equal(links, want) {
			t.Fatalf("links of slot %d on level %d are %v, %t, want %v, %t", slot, level, links, has, want, found)
		}
	}
}

// What a snapshot inherits is what it would find by looking, whatever is changed between
// it and the snapshot before, and whether or not that is still in use.
func TestInherit(t *testing.T) {
	if poisoning {
		t.Skip("nothing is inherited")
	}
	seed := fixture.Seed(t)
	r := rand.New(rand.NewPCG(seed, 1))
	e := open(t, t.TempDir(), Options{Create: true, unsynced: true})
	all := []*anIndex{newIndex(1, true, r), newIndex(2, false, r)}
	must(t, e.Update(ctx, func(txn *Txn) error {
		for _, a := range all {
			keys, values := a.keys()
			for i, key := range keys {
				if err := txn.Put(key, values[i]()); err != nil {
					return err
				}
			}
			if err := a.change(txn); err != nil {
				return err
			}
		}
		return nil
	}))
	// What other processes commit, nobody makes a snapshot of at once.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	elsewhere := func(fn func(*Txn) error) error {
		_, err := e.try(&write{fn: fn})
		return err
	}
	var held []*Snapshot
	release := func() {
		for _, s := range held {
			s.Release()
		}
		held = nil
	}
	defer release()
	inherited := 0
	for turn := range 150 {
		update := elsewhere
		if r.IntN(2) == 0 {
			update = func(fn func(*Txn) error) error { return e.Update(ctx, fn) }
		}
		for range r.IntN(6) {
			must(t, update(func(txn *Txn) error { return all[r.IntN(2)].change(txn) }))
		}
		s := acquire(t, e)
		held = append(held, s)
		s.mu.Lock()
		indexes := len(s.indexes)
		s.mu.Unlock()
		for _, a := range all {
			x, err := s.Index(a.id)
			must(t, err)
			if n := verifyTables(t, x, r); indexes == 2 {
				inherited += n
			}
			touch(x, r)
			verifyTables(t, x, r)
		}
		if len(held) > 3 || r.IntN(3) == 0 {
			// The oldest has kept what it had, too.
			for _, a := range all {
				x, err := held[0].Index(a.id)
				must(t, err)
				touch(x, r)
				verifyTables(t, x, r)
			}
			held[0].Release()
			held = held[1:]
		}
		if turn%20 == 19 { // and now without any in use
			release()
		}
	}
	if inherited < 10_000 {
		t.Errorf("%d entries were inherited", inherited)
	}
	t.Logf("%d entries were inherited", inherited)
}

// The tables of the first snapshot are handed on, and so are those that nobody has asked
// for through many commits, for some time.
func TestInheritUnused(t *testing.T) {
	if poisoning {
		t.Skip("nothing is inherited")
	}
	r := rand.New(rand.NewPCG(fixture.Seed(t), 2))
	a := newIndex(1, true, r)
	dir := t.TempDir()
	write := func(e *Env, fn func(txn *Txn) error) { must(t, e.Update(ctx, fn)) }
	e, err := Open(dir, Options{Create: true, unsynced: true})
	must(t, err)
	write(e, func(txn *Txn) error {
		keys, values := a.keys()
		for i, key := range keys {
			if err := txn.Put(key, values[i]()); err != nil {
				return err
			}
		}
		return txn.Put(codec.MetaKey(a.id), codec.AppendMeta(nil, &a.meta))
	})
	must(t, e.Close())
	e = open(t, dir, Options{unsynced: true})
	look := func() (block unsafe.Pointer, x *Index) {
		s := acquire(t, e)
		defer s.Release()
		s.mu.Lock()
		x = s.indexes[a.id]
		s.mu.Unlock()
		if x == nil {
			return nil, nil
		}
		block, _ = x.LinksAddress(0)
		return block, x
	}
	s := acquire(t, e)
	x, err := s.Index(a.id)
	must(t, err)
	touch(x, r)
	_, err = x.AppendLinks(nil, 0, 0)
	must(t, err)
	s.Release()
	for i := range 200 {
		write(e, func(txn *Txn) error {
			a.meta.Sequence++
			return txn.Put(codec.MetaKey(a.id), codec.AppendMeta(nil, &a.meta))
		})
		if block, _ := look(); block == nil {
			t.Fatalf("after %d commits the links of slot 0 are to be looked up again", i+1)
		}
	}
	_, x = look()
	x.asked = time.Now().Add(-2 * inheritFor) // nobody else reads it
	write(e, a.change)
	if _, x := look(); x != nil {
		t.Error("an index is opened for nobody")
	}
}
