package writer

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/hannoydb/hannoy/codec"
	"github.com/hannoydb/hannoy/distance"
	"github.com/hannoydb/hannoy/kv"
)

// Change puts or deletes one item of one index.
type Change struct {
	Index codec.IndexID
	Key   []byte
	Row   []byte // the stored form of the vector; nil to delete the item
	Value []byte // nil for none

	Kernel *distance.Kernel // that made the row
	Labels []string         // sorted, each once
}

// Apply commits the changes in one transaction. Of several changes of one key the
// last counts. It returns how many items changed: puts, and deletes of items that
// were there.
func Apply(ctx context.Context, env *kv.Env, changes []Change) (changed int, err error) {
	ids := map[codec.IndexID]bool{}
	for i := range changes {
		ids[changes[i].Index] = true
	}
	err = env.Update(ctx, func(txn *kv.Txn) error {
		changed = 0
		for _, id := range slices.Sorted(maps.Keys(ids)) {
			own := changes
			if len(ids) > 1 {
				own = slices.DeleteFunc(slices.Clone(changes), func(c Change) bool { return c.Index != id })
			}
			s, err := newStage(txn, id)
			if err != nil {
				return err
			}
			n, err := s.apply(own)
			if err != nil {
				return err
			}
			changed += n
		}
		return nil
	})
	if err != nil {
		return 0, err
	}
	return changed, nil
}

// lastOfEachKey returns which change is the last one of each key, in key order.
func lastOfEachKey(changes []Change) []int32 {
	order := make([]int32, len(changes))
	for i := range order {
		order[i] = int32(i)
	}
	slices.SortFunc(order, func(a, b int32) int {
		return cmp.Or(bytes.Compare(changes[a].Key, changes[b].Key), cmp.Compare(a, b))
	})
	kept := order[:0]
	for n, i := range order {
		if n+1 == len(order) || !bytes.Equal(changes[i].Key, changes[order[n+1]].Key) {
			kept = append(kept, i)
		}
	}
	return kept
}

// stage is one index within a write transaction: the records that the changes
// touch, edited in memory and written once each, in key order, by flush; but what byte
// keys map to is written as it is found.
type stage struct {
	txn  *kv.Txn
	id   codec.IndexID
	meta codec.Meta

	next  uint32          // slots from here on are new in this transaction
	taken map[uint32]bool // slots that were free before it

	pending, dead, free *slotSet

	idSlot map[uint32]*codec.Flat               // ids: block of ids -> slots
	slotID map[uint32]*codec.Flat               // ids: block of slots -> ids
	keys   map[uint32]*[codec.BlockSlots][]byte // byte keys: block of slots -> keys
	slabs  map[uint32][]byte
	values map[uint32][]byte // nil deletes

	labels     map[string]*slotSet                  // label -> its slots
	slotLabels map[uint32]*[codec.BlockSlots][]byte // block of slots -> labels
}

// An edit is what a change does to the item of its key.
type edit struct {
	counts  bool   // it is the last of its key
	existed bool   // there was an item,
	old     uint32 // in this slot
	slot    uint32 // for the item that is put
}

func newStage(txn *kv.Txn, id codec.IndexID) (*stage, error) {
	key := codec.MetaKey(id)
	body, err := txn.Get(key)
	if err != nil {
		return nil, err
	}
	if body == nil {
		return nil, fmt.Errorf("metadata of index %d: %w", id, kv.ErrNotFound)
	}
	meta, err := codec.ParseMeta(key, body)
	if err != nil {
		return nil, err
	}
	return &stage{
		txn: txn, id: id, meta: *meta,
		next:    meta.NextSlot,
		taken:   map[uint32]bool{},
		pending: newSlotSet(txn, id, codec.SetPending),
		dead:    newSlotSet(txn, id, codec.SetDead),
		free:    newSlotSet(txn, id, codec.SetFree),
		idSlot:  map[uint32]*codec.Flat{},
		slotID:  map[uint32]*codec.Flat{},
		keys:    map[uint32]*[codec.BlockSlots][]byte{},
		slabs:   map[uint32][]byte{},
		values:  map[uint32][]byte{},

		labels:     map[string]*slotSet{},
		slotLabels: map[uint32]*[codec.BlockSlots][]byte{},
	}, nil
}

func (s *stage) apply(changes []Change) (changed int, err error) {
	order, edits := lastOfEachKey(changes), make([]edit, len(changes))
	for _, i := range order {
		edits[i].counts = true
	}
	for i := range changes {
		if c, e := &changes[i], &edits[i]; e.counts && c.Row != nil {
			if e.slot, err = s.allocate(); err != nil {
				return 0, err
			}
		}
	}
	// In key order: neighbours lie on the same pages.
	for _, i := range order {
		if err := s.claim(&changes[i], &edits[i]); err != nil {
			return 0, err
		}
	}
	for i := range changes {
		c, e := &changes[i], &edits[i]
		if !e.counts {
			continue
		}
		if c.Row != nil && !isOf(c.Kernel, &s.meta) {
			return 0, fmt.Errorf("%w: the vector of %q is of %v and %v, the index was altered meanwhile to %v and %v (put it again)", kv.ErrMismatch, c.Key,
				c.Kernel.Metric(), c.Kernel.Type(), distance.Metric(s.meta.Metric), distance.VectorType(s.meta.VectorType))
		}
		if e.existed {
			if err := s.retire(e.old); err != nil {
				return 0, err
			}
		}
		if c.Row != nil {
			if err := s.put(c, e.slot); err != nil {
				return 0, err
			}
		}
		if c.Row != nil || e.existed {
			changed++
		}
	}
	if changed == 0 {
		return 0, nil
	}
	s.meta.Sequence++
	return changed, s.flush()
}

// claim maps the key of a change to the slot of its item, or to nothing, and finds the slot
// that it has been mapped to.
func (s *stage) claim(c *Change, e *edit) (err error) {
	if s.meta.IDs {
		return s.claimID(c, e)
	}
	key := codec.AppendSlotKey(nil, s.id, c.Key)
	value := codec.AppendNumber(nil, e.slot)
	if c.Row != nil {
		if added, err := s.txn.Add(key, value); added || err != nil {
			return err
		}
	}
	e.old, e.existed, err = kv.FindSlot(s.txn, s.id, false, c.Key)
	switch {
	case err != nil || !e.existed:
		return err
	case c.Row == nil:
		return s.txn.Delete(key)
	}
	return s.txn.Put(key, value)
}

func (s *stage) claimID(c *Change, e *edit) error {
	id, err := codec.ParseID(c.Key)
	if err != nil {
		return fmt.Errorf("%w: %w", kv.ErrInvalid, err)
	}
	if c.Row == nil {
		if e.old, e.existed, err = kv.FindSlot(s.txn, s.id, true, c.Key); err != nil || !e.existed {
			return err // without a block to be written
		}
	}
	block, err := s.flat(s.idSlot, codec.KindIDSlot, id/codec.FlatSpan)
	if err != nil {
		return err
	}
	if c.Row == nil {
		block.Unset(id)
		return nil
	}
	e.old, e.existed = block.Get(id)
	block.Set(id, e.slot)
	return nil
}

// isOf reports whether rows of the kernel are what the index stores.
func isOf(k *distance.Kernel, m *codec.Meta) bool {
	return k.Metric() == distance.Metric(m.Metric) && k.Type() == distance.VectorType(m.VectorType)
}

// retire takes the item out of its slot. The slot stays dead until a build has
// dealt with its links, or found that it has none: only builds free slots, so that
// a running build never finds another vector in a slot that it is linking.
func (s *stage) retire(slot uint32) error {
	if slot >= s.next || s.taken[slot] || s.free.chunk(codec.ChunkOf(slot)).Contains(slot) {
		return fmt.Errorf("index %d: a key maps to slot %d, which holds no item: %w", s.id, slot, codec.ErrCorrupt)
	}
	if s.pending.remove(slot) {
		s.meta.Pending--
	} else {
		s.meta.Live--
	}
	if !s.dead.add(slot) {
		return fmt.Errorf("index %d: slot %d has an item and is dead: %w", s.id, slot, codec.ErrCorrupt)
	}
	s.meta.Dead++
	value, err := s.txn.GetUnverified(codec.AppendNumberKey(nil, s.id, codec.KindValue, slot))
	if err != nil {
		return err
	}
	if value != nil {
		s.values[slot] = nil
	}
	return s.unlabel(slot)
}

func (s *stage) put(c *Change, slot uint32) error {
	if err := s.setRow(slot, c.Row); err != nil {
		return err
	}
	if c.Value != nil {
		s.values[slot] = append(make([]byte, codec.SumBytes), c.Value...)
	}
	if err := s.label(slot, c.Labels); err != nil {
		return err
	}
	s.pending.add(slot)
	s.meta.Pending++
	return s.name(slot, c.Key)
}

// allocate takes the lowest free slot, or a new one.
func (s *stage) allocate() (uint32, error) {
	if s.meta.Free > 0 {
		slot, ok := s.free.takeLowest(s.meta.NextSlot - 1)
		if !ok {
			return 0, fmt.Errorf("index %d: no slot is free, metadata counts %d: %w", s.id, s.meta.Free, codec.ErrCorrupt)
		}
		s.meta.Free--
		s.taken[slot] = true
		return slot, nil
	}
	if s.meta.NextSlot == 1<<32-1 {
		return 0, fmt.Errorf("%w: index has 4,294,967,295 slots in use", kv.ErrInvalid)
	}
	s.meta.NextSlot++
	return s.meta.NextSlot - 1, nil
}

func (s *stage) setRow(slot uint32, row []byte) error {
	n, i := s.meta.Slab.Of(slot)
	slab := s.slabs[n]
	if slab == nil {
		var err error
		if slab, err = readSlab(s.txn, codec.AppendNumberKey(nil, s.id, codec.KindVectors, n), s.meta.Slab); err != nil {
			return err
		}
		s.slabs[n] = slab
	}
	dst := s.meta.Slab.Row(slab, i)
	clear(dst[copy(dst, row):])
	return nil
}

// readSlab returns a copy of the slab under key; without a record it is empty.
func readSlab(txn *kv.Txn, key []byte, slab codec.Slab) ([]byte, error) {
	value, err := txn.GetUnverified(key)
	if err != nil {
		return nil, err
	}
	if value == nil {
		return slab.NewSlab(), nil
	}
	// A damaged slab must not get a fresh checksum over its damage.
	if _, err := codec.Open(key, value); err != nil {
		return nil, err
	}
	return slices.Clone(value), slab.Verify(key, value)
}

// name maps the slot to its key. What it maps to is of no account once it is dead.
func (s *stage) name(slot uint32, key []byte) error {
	if !s.meta.IDs {
		block, err := s.block(s.keys, codec.KindKey, slot/codec.BlockSlots)
		if err != nil {
			return err
		}
		block[slot%codec.BlockSlots] = key
		return nil
	}
	id, err := codec.ParseID(key)
	if err != nil {
		return fmt.Errorf("%w: %w", kv.ErrInvalid, err)
	}
	block, err := s.flat(s.slotID, codec.KindSlotID, slot/codec.FlatSpan)
	if err != nil {
		return err
	}
	block.Set(slot, id)
	return nil
}

func (s *stage) block(cache map[uint32]*[codec.BlockSlots][]byte, kind codec.Kind, n uint32) (*[codec.BlockSlots][]byte, error) {
	if b := cache[n]; b != nil {
		return b, nil
	}
	b := &[codec.BlockSlots][]byte{}
	if _, err := readBlock(nil, s.txn, codec.AppendNumberKey(nil, s.id, kind, n), b); err != nil {
		return nil, err
	}
	cache[n] = b
	return b, nil
}

// readBlock appends a copy of the block under key to dst and has b refer to its entries;
// without a record they stay empty.
func readBlock(dst []byte, txn *kv.Txn, key []byte, b *[codec.BlockSlots][]byte) ([]byte, error) {
	value, err := txn.GetUnverified(key)
	if value == nil || err != nil {
		return dst, err
	}
	if _, err := codec.Open(key, value); err != nil {
		return dst, err
	}
	if err := codec.VerifyBlock(key, value); err != nil {
		return dst, err
	}
	from := len(dst)
	dst = append(dst, value...)
	for i := range b {
		b[i] = codec.BlockEntry(dst[from:], uint32(i))
	}
	return dst, nil
}

func (s *stage) flat(cache map[uint32]*codec.Flat, kind codec.Kind, n uint32) (*codec.Flat, error) {
	if f := cache[n]; f != nil {
		return f, nil
	}
	f, err := readFlat(s.txn, codec.AppendNumberKey(nil, s.id, kind, n))
	if err == nil {
		cache[n] = f
	}
	return f, err
}

// readFlat reads the flat block under key; without a record it is empty.
func readFlat(txn *kv.Txn, key []byte) (*codec.Flat, error) {
	value, err := txn.GetUnverified(key)
	if err != nil {
		return nil, err
	}
	if value == nil {
		return &codec.Flat{}, nil
	}
	if _, err := codec.Open(key, value); err != nil {
		return nil, err
	}
	return codec.ParseFlat(key, value)
}

// flush writes all that was edited, in key order within each kind.
func (s *stage) flush() error {
	if err := flushNumbered(s, codec.KindIDSlot, s.idSlot, flatValue); err != nil {
		return err
	}
	if err := flushNumbered(s, codec.KindKey, s.keys, blockValue); err != nil {
		return err
	}
	if err := flushNumbered(s, codec.KindSlotID, s.slotID, flatValue); err != nil {
		return err
	}
	if err := flushNumbered(s, codec.KindValue, s.values, func(v []byte) []byte { return v }); err != nil {
		return err
	}
	for _, n := range slices.Sorted(maps.Keys(s.slabs)) {
		key := codec.AppendNumberKey(nil, s.id, codec.KindVectors, n)
		if err := putSlab(s.txn, key, s.slabs[n], s.meta.Slab, s.meta.Sequence); err != nil {
			return err
		}
	}
	if err := s.flushLabels(); err != nil {
		return err
	}
	return s.flushSets()
}

// putSlab stamps a slab and stores it.
func putSlab(txn *kv.Txn, key, value []byte, slab codec.Slab, sequence uint64) error {
	if err := slab.Stamp(key, value, sequence); err != nil {
		return err
	}
	return txn.Put(key, value)
}

// flushSets writes the sets and the metadata, which counts them.
func (s *stage) flushSets() error {
	for _, set := range []*slotSet{s.pending, s.dead, s.free} {
		if err := set.flush(); err != nil {
			return err
		}
	}
	return s.txn.Put(codec.MetaKey(s.id), codec.AppendMeta(nil, &s.meta))
}

// flushNumbered writes the records of a kind that is addressed by number; those
// that encode to nothing are deleted.
func flushNumbered[T any](s *stage, kind codec.Kind, records map[uint32]T, encode func(T) []byte) error {
	for _, n := range slices.Sorted(maps.Keys(records)) {
		key, value := codec.AppendNumberKey(nil, s.id, kind, n), encode(records[n])
		var err error
		if value == nil {
			err = s.txn.Delete(key)
		} else {
			err = s.txn.Put(key, value)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func blockValue(b *[codec.BlockSlots][]byte) []byte {
	if isEmpty(b) {
		return nil
	}
	return codec.AppendBlock(nil, b)
}

func flatValue(f *codec.Flat) []byte {
	if f.Empty() {
		return nil
	}
	return codec.AppendFlat(nil, f)
}
