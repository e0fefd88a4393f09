package writer

import (
	"bytes"
	"cmp"
	"context"
	"encoding/binary"
	"fmt"
	"maps"
	"slices"

	"github.com/hannoydb/hannoy/codec"
	"github.com/hannoydb/hannoy/distance"
	"github.com/hannoydb/hannoy/kv"
	"github.com/hannoydb/hannoy/kv/tables"
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
	type place struct {
		prefix uint64 // of the key, which in most cases says enough
		change int32
	}
	places := make([]place, len(changes))
	for i := range places {
		var prefix [8]byte
		copy(prefix[:], changes[i].Key)
		places[i] = place{binary.BigEndian.Uint64(prefix[:]), int32(i)}
	}
	slices.SortFunc(places, func(a, b place) int {
		if a.prefix != b.prefix {
			return cmp.Compare(a.prefix, b.prefix)
		}
		return cmp.Or(bytes.Compare(changes[a.change].Key, changes[b.change].Key), cmp.Compare(a.change, b.change))
	})
	kept := make([]int32, 0, len(changes))
	for n, p := range places {
		if n+1 == len(places) || p.prefix != places[n+1].prefix || !bytes.Equal(changes[p.change].Key, changes[places[n+1].change].Key) {
			kept = append(kept, p.change)
		}
	}
	return kept
}

// An edit is what a change does to the item of its key.
type edit struct {
	counts  bool   // it is the last of its key
	existed bool   // there was an item,
	old     uint32 // in this slot
	slot    uint32 // for the item that is put
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
			return 0, fmt.Errorf("%w: the vector of key %s is of %v and %v, the index was altered meanwhile to %v and %v (put it again)", kv.ErrMismatch, codec.QuoteKey(s.meta.IDs, c.Key),
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
	s.key = codec.AppendSlotKey(s.key[:0], s.id, c.Key)
	s.value = codec.AppendNumber(s.value[:0], e.slot)
	key, value := s.key, s.value
	if c.Row != nil {
		if added, err := s.txn.Add(key, value); added || err != nil {
			return err
		}
	}
	e.old, e.existed, err = tables.FindSlot(s.txn, s.id, false, c.Key)
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
		if e.old, e.existed, err = tables.FindSlot(s.txn, s.id, true, c.Key); err != nil || !e.existed {
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

// freeShare is the share of slots that stay free, one in so many.
const freeShare = 16

// allocate takes the next free slot, or a new one while few are free. Free slots are taken
// in ascending order, round after round, and many are left to come: so those that are
// taken one after the other lie on few slabs, each of which is written whole, although
// items are replaced all over the index.
func (s *stage) allocate() (uint32, error) {
	if s.meta.Free > s.meta.NextSlot/freeShare {
		slot, ok := s.free.take(s.meta.NextFree, s.meta.NextSlot-1)
		if !ok {
			slot, ok = s.free.take(0, s.meta.NextSlot-1)
		}
		if !ok {
			return 0, fmt.Errorf("index %d: no slot is free, metadata counts %d: %w", s.id, s.meta.Free, codec.ErrCorrupt)
		}
		s.meta.Free--
		s.meta.NextFree = slot + 1
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
		slab = &stagedSlab{}
		if s.fresh(n, s.meta.Slab.Rows) {
			slab.rows = make([][]byte, s.meta.Slab.Rows)
		} else {
			var err error
			if slab.value, err = readSlab(s.txn, codec.AppendNumberKey(nil, s.id, codec.KindVectors, n), s.meta.Slab); err != nil {
				return err
			}
		}
		s.slabs[n] = slab
	}
	if slab.value == nil {
		slab.rows[i] = row
		return nil
	}
	dst := s.meta.Slab.Row(slab.value, i)
	clear(dst[copy(dst, row):])
	return nil
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
