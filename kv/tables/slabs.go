package tables

import (
	"fmt"
	"sync/atomic"
	"unsafe"

	"github.com/hannoydb/hannoy/codec"
	"github.com/hannoydb/hannoy/kv/pages"
)

// Slabs are the slabs of one kind of an index, vectors or codes, with a table of
// the addresses of those that were touched.
type Slabs struct {
	codec.Slab
	index *Index
	kind  codec.Kind
	// table holds the address of row 0 of each slab: nil until first touched, then
	// constant.
	table addresses
}

func newSlabs(x *Index, kind codec.Kind, slab codec.Slab) *Slabs {
	return &Slabs{
		Slab: slab, index: x, kind: kind,
		table: newAddresses(int(slab.Count(x.Meta.NextSlot))),
	}
}

// Table is the table of the addresses of the first rows of the slabs. Entries of
// slabs that Touch has not seen are nil.
func (s *Slabs) Table() []unsafe.Pointer { return s.table.entries }

// Touch makes sure that Table has the address of the slab of the slot.
func (s *Slabs) Touch(slot uint32) error {
	slab, _ := s.Of(slot)
	if int(slab) >= len(s.table.entries) {
		return fmt.Errorf("index %d: slot %d of %d: %w", s.index.id, slot, s.index.Meta.NextSlot, codec.ErrCorrupt)
	}
	if atomic.LoadPointer(&s.table.entries[slab]) != nil {
		return nil
	}
	key := codec.AppendNumberKey(nil, s.index.id, s.kind, slab)
	value, err := s.index.records.GetUnverified(key)
	if err != nil {
		return err
	}
	if err := s.Verify(key, value); err != nil {
		return err
	}
	atomic.StorePointer(&s.table.entries[slab], unsafe.Pointer(&value[codec.SlabHeaderBytes]))
	return nil
}

// Row returns the row of a slot, with its padding.
func (s *Slabs) Row(slot uint32) ([]byte, error) {
	if err := s.Touch(slot); err != nil {
		return nil, err
	}
	slab, row := s.Of(slot)
	// Valid: Touch has verified that the slab has all its rows.
	return unsafe.Slice((*byte)(unsafe.Add(atomic.LoadPointer(&s.table.entries[slab]), uintptr(row)*uintptr(s.Stride))), s.Stride), nil
}

// share makes s, of which nothing was touched, the table that old is.
func (s *Slabs) share(old *Slabs) {
	for i := range min(len(s.table.entries), len(old.table.entries)) {
		s.table.entries[i] = atomic.LoadPointer(&old.table.entries[i])
	}
}

// forget forgets the slabs that are gone, and finds those that lie elsewhere.
func (s *Slabs) forget(from, to uint32, long []pages.Long) {
	for i := from; i < to; i++ {
		had := s.table.entries[i]
		if had == nil {
			continue
		}
		value := longValue(&long, i)
		if len(value) > codec.SlabHeaderBytes && unsafe.Pointer(&value[codec.SlabHeaderBytes]) == had {
			continue
		}
		s.table.entries[i] = nil
		if value != nil && s.Verify(codec.AppendNumberKey(nil, s.index.id, s.kind, i), value) == nil {
			s.table.entries[i] = unsafe.Pointer(&value[codec.SlabHeaderBytes])
		}
	}
}
