package tables

import (
	"fmt"
	"unsafe"

	"github.com/hannoydb/hannoy/codec"
)

// AppendKey appends the key of a slot to dst: the user's bytes, or the four
// big-endian bytes of an id.
func (x *Index) AppendKey(dst []byte, slot uint32) ([]byte, error) {
	if slot >= x.Meta.NextSlot {
		return dst, fmt.Errorf("index %d: key of slot %d of %d: %w", x.id, slot, x.Meta.NextSlot, codec.ErrCorrupt)
	}
	if x.Meta.IDs {
		id, ok, err := x.flat(x.ids, codec.KindSlotID, slot)
		if err == nil && !ok {
			err = x.noKey(slot)
		}
		return codec.AppendID(dst, id), err
	}
	head := x.keys.at(slot / codec.BlockSlots)
	if head == nil {
		var err error
		if head, err = x.touchKeys(slot / codec.BlockSlots); err != nil {
			return dst, err
		}
	}
	key := blockEntry(head, slot)
	if len(key) == 0 {
		return dst, x.noKey(slot)
	}
	return append(dst, key...), nil
}

// KeyAddress returns about where the key of a slot lies in the map, or nil if that is not
// known without looking, or not far. It is for prefetching and for nothing else.
func (x *Index) KeyAddress(slot uint32) unsafe.Pointer {
	if x.Meta.IDs {
		return nil // four bytes each, one after the other
	}
	return x.keys.at(slot / codec.BlockSlots)
}

func (x *Index) touchKeys(block uint32) (unsafe.Pointer, error) {
	key := codec.AppendNumberKey(nil, x.id, codec.KindKey, block)
	value, err := x.verified(key)
	if err != nil {
		return nil, err
	}
	if err := codec.VerifyBlock(key, value); err != nil {
		return nil, err
	}
	head := unsafe.Pointer(unsafe.SliceData(value))
	x.keys.set(block, head)
	return head, nil
}

func (x *Index) noKey(slot uint32) error {
	return fmt.Errorf("index %d: slot %d has no key: %w", x.id, slot, codec.ErrCorrupt)
}

// Slot returns the slot of the item with the key, false if there is none.
func (x *Index) Slot(key []byte) (slot uint32, ok bool, err error) {
	return FindSlot(x.records, x.id, x.Meta.IDs, key)
}

// FindSlot looks a key up in a snapshot or a write transaction. With ids, the key is
// the four big-endian bytes of the id.
func FindSlot(r interface {
	Get(key []byte) ([]byte, error)
}, id codec.IndexID, ids bool, key []byte) (slot uint32, ok bool, err error) {
	if !ids {
		k := codec.AppendSlotKey(nil, id, key)
		body, err := r.Get(k)
		if body == nil || err != nil {
			return 0, false, err
		}
		slot, err := codec.ParseNumber(k, body)
		return slot, err == nil, err
	}
	number, err := codec.ParseID(key)
	if err != nil {
		return 0, false, err
	}
	k := codec.AppendNumberKey(nil, id, codec.KindIDSlot, number/codec.FlatSpan)
	body, err := r.Get(k)
	if body == nil || err != nil {
		return 0, false, err
	}
	if err := codec.VerifyFlat(k, body); err != nil {
		return 0, false, err
	}
	slot, ok = codec.FlatGet(body, number)
	return slot, ok, nil
}
