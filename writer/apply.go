package writer

import (
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
	byIndex := map[codec.IndexID][]Change{}
	for _, c := range changes {
		byIndex[c.Index] = append(byIndex[c.Index], c)
	}
	err = env.Update(ctx, func(txn *kv.Txn) error {
		changed = 0
		for _, id := range slices.Sorted(maps.Keys(byIndex)) {
			s, err := newStage(txn, id)
			if err != nil {
				return err
			}
			n, err := s.apply(lastOfEachKey(byIndex[id]))
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

// lastOfEachKey keeps the last change of each key, in the order of these last ones.
func lastOfEachKey(changes []Change) []Change {
	last := make(map[string]int, len(changes))
	for i, c := range changes {
		last[string(c.Key)] = i
	}
	if len(last) == len(changes) {
		return changes
	}
	var kept []Change
	for i, c := range changes {
		if last[string(c.Key)] == i {
			kept = append(kept, c)
		}
	}
	return kept
}

// stage is one index within a write transaction: the records that the changes
// touch, edited in memory and written once each, in key order, by flush.
type stage struct {
	txn  *kv.Txn
	id   codec.IndexID
	meta codec.Meta

	pending, dead, free *slotSet

	slots  map[string]slotEdit                  // byte keys
	idSlot map[uint32]*codec.Flat               // ids: block of ids -> slots
	slotID map[uint32]*codec.Flat               // ids: block of slots -> ids
	keys   map[uint32]*[codec.BlockSlots][]byte // byte keys: block of slots -> keys
	slabs  map[uint32][]byte
	values map[uint32][]byte // nil deletes

	labels     map[string]*slotSet                  // label -> its slots
	slotLabels map[uint32]*[codec.BlockSlots][]byte // block of slots -> labels
}

// slotEdit is what becomes of the record that maps a key to its slot.
type slotEdit struct {
	slot    uint32
	removed bool
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
		pending: newSlotSet(txn, id, codec.SetPending),
		dead:    newSlotSet(txn, id, codec.SetDead),
		free:    newSlotSet(txn, id, codec.SetFree),
		slots:   map[string]slotEdit{},
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
	for _, c := range changes {
		if c.Row != nil && !isOf(c.Kernel, &s.meta) {
			return 0, fmt.Errorf("%w: the vector of %q is of %v and %v, the index was altered meanwhile to %v and %v (put it again)", kv.ErrMismatch, c.Key,
				c.Kernel.Metric(), c.Kernel.Type(), distance.Metric(s.meta.Metric), distance.VectorType(s.meta.VectorType))
		}
		old, exists, err := kv.FindSlot(s.txn, s.id, s.meta.IDs, c.Key)
		if err != nil {
			return 0, err
		}
		if exists {
			if err := s.retire(old); err != nil {
				return 0, err
			}
		}
		switch {
		case c.Row != nil:
			err = s.put(c)
		case exists:
			err = s.unmap(c.Key)
		default:
			continue
		}
		if err != nil {
			return 0, err
		}
		changed++
	}
	if changed == 0 {
		return 0, nil
	}
	s.meta.Sequence++
	return changed, s.flush()
}

// isOf reports whether rows of the kernel are what the index stores.
func isOf(k *distance.Kernel, m *codec.Meta) bool {
	return k.Metric() == distance.Metric(m.Metric) && k.Type() == distance.VectorType(m.VectorType)
}

// retire takes the item out of its slot. The slot stays dead until a build has
// dealt with its links, or found that it has none: only builds free slots, so that
// a running build never finds another vector in a slot that it is linking.
func (s *stage) retire(slot uint32) error {
	if slot >= s.meta.NextSlot || s.free.chunk(codec.ChunkOf(slot)).Contains(slot) {
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

func (s *stage) put(c Change) error {
	slot, err := s.allocate()
	if err != nil {
		return err
	}
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
	return s.mapKey(c.Key, slot)
}

// allocate takes the lowest free slot, or a new one.
func (s *stage) allocate() (uint32, error) {
	if s.meta.Free > 0 {
		slot, ok := s.free.takeLowest(s.meta.NextSlot - 1)
		if !ok {
			return 0, fmt.Errorf("index %d: no slot is free, metadata counts %d: %w", s.id, s.meta.Free, codec.ErrCorrupt)
		}
		s.meta.Free--
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

// mapKey maps the key to the slot and the slot to the key.
func (s *stage) mapKey(key []byte, slot uint32) error {
	if !s.meta.IDs {
		s.slots[string(key)] = slotEdit{slot: slot}
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
	forward, err := s.flat(s.idSlot, codec.KindIDSlot, id/codec.FlatSpan)
	if err != nil {
		return err
	}
	back, err := s.flat(s.slotID, codec.KindSlotID, slot/codec.FlatSpan)
	if err != nil {
		return err
	}
	forward.Set(id, slot)
	back.Set(slot, id)
	return nil
}

// unmap makes the key map to nothing. What the slot maps to is of no account once
// it is dead.
func (s *stage) unmap(key []byte) error {
	if !s.meta.IDs {
		s.slots[string(key)] = slotEdit{removed: true}
		return nil
	}
	id, err := codec.ParseID(key)
	if err != nil {
		return fmt.Errorf("%w: %w", kv.ErrInvalid, err)
	}
	forward, err := s.flat(s.idSlot, codec.KindIDSlot, id/codec.FlatSpan)
	if err != nil {
		return err
	}
	forward.Unset(id)
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
	for _, key := range slices.Sorted(maps.Keys(s.slots)) {
		edit, k := s.slots[key], codec.AppendSlotKey(nil, s.id, []byte(key))
		var err error
		if edit.removed {
			err = s.txn.Delete(k)
		} else {
			err = s.txn.Put(k, codec.AppendNumber(nil, edit.slot))
		}
		if err != nil {
			return err
		}
	}
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
