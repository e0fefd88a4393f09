package writer

import (
	"maps"
	"slices"

	"github.com/RoaringBitmap/roaring/v2"

	"github.com/hannoydb/hannoy/codec"
	"github.com/hannoydb/hannoy/kv"
)

// slotSet edits a stored set of slots, or the slots of a label, within a write
// transaction. Chunks are read when they are first needed; flush writes those that
// changed.
type slotSet struct {
	txn    *kv.Txn
	key    func(chunk uint16) []byte // of the record of a chunk
	chunks map[uint16]*roaring.Bitmap
	dirty  map[uint16]bool
	err    error // of the first chunk that could not be read
}

func newSlotSet(txn *kv.Txn, id codec.IndexID, set codec.Set) *slotSet {
	return slotSetAt(txn, func(chunk uint16) []byte { return codec.AppendSetKey(nil, id, set, chunk) })
}

func slotSetAt(txn *kv.Txn, key func(chunk uint16) []byte) *slotSet {
	return &slotSet{txn: txn, key: key, chunks: map[uint16]*roaring.Bitmap{}, dirty: map[uint16]bool{}}
}

func (s *slotSet) chunk(n uint16) *roaring.Bitmap {
	if b := s.chunks[n]; b != nil {
		return b
	}
	b := roaring.New()
	key := s.key(n)
	body, err := s.txn.Get(key)
	if err == nil && body != nil {
		b, err = codec.ParseSet(key, body, n)
	}
	if err != nil {
		if s.err == nil {
			s.err = err
		}
		b = roaring.New()
	}
	s.chunks[n] = b
	return b
}

// add puts the slot in, and reports whether it was not there.
func (s *slotSet) add(slot uint32) bool {
	n := codec.ChunkOf(slot)
	added := s.chunk(n).CheckedAdd(slot)
	s.dirty[n] = s.dirty[n] || added
	return added
}

// remove takes the slot out, and reports whether it was there.
func (s *slotSet) remove(slot uint32) bool {
	n := codec.ChunkOf(slot)
	removed := s.chunk(n).CheckedRemove(slot)
	s.dirty[n] = s.dirty[n] || removed
	return removed
}

// take takes the lowest slot from one on up to another out.
func (s *slotSet) take(from, to uint32) (slot uint32, ok bool) {
	for n := uint32(codec.ChunkOf(from)); n <= uint32(codec.ChunkOf(to)); n++ {
		if next := s.chunk(uint16(n)).NextValue(from); next >= 0 {
			slot = uint32(next)
			s.remove(slot)
			return slot, true
		}
	}
	return 0, false
}

// flush writes the chunks that changed.
func (s *slotSet) flush() error {
	if s.err != nil {
		return s.err
	}
	for _, n := range slices.Sorted(maps.Keys(s.dirty)) {
		if !s.dirty[n] {
			continue
		}
		key := s.key(n)
		b := s.chunks[n]
		if b.IsEmpty() {
			if err := s.txn.Delete(key); err != nil {
				return err
			}
			continue
		}
		value, err := codec.AppendSet(nil, b)
		if err != nil {
			return err
		}
		if err := s.txn.Put(key, value); err != nil {
			return err
		}
	}
	return nil
}
