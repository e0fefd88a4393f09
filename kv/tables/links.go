package tables

import (
	"unsafe"

	"github.com/hannoydb/hannoy/codec"
)

// AppendLinks appends the links of a slot on a level to dst, ascending. A slot that
// is not on the level has none.
func (x *Index) AppendLinks(dst []uint32, slot uint32, level int) ([]uint32, error) {
	list, err := x.list(slot, level)
	if len(list) == 0 || err != nil {
		return dst, err
	}
	return codec.ReadList(dst, list)
}

// LinksAddress returns about where the links of a slot on level 0 lie in the map, or
// nil if they were not touched yet. It is for prefetching and for nothing else.
func (x *Index) LinksAddress(slot uint32) (block, list unsafe.Pointer) {
	block = x.links.at(slot / codec.BlockSlots)
	if block == nil {
		return nil, nil
	}
	return block, unsafe.Add(block, codec.BlockHeadBytes+slot%codec.BlockSlots*usualListBytes)
}

// usualListBytes is how long a list of level 0 is in the middle.
const usualListBytes = 88

// HasLevel reports whether the slot is linked on the level, if only to nothing.
func (x *Index) HasLevel(slot uint32, level int) (bool, error) {
	list, err := x.list(slot, level)
	return len(list) > 0, err
}

// list returns the encoded links of a slot on a level, empty if it is not on it.
func (x *Index) list(slot uint32, level int) ([]byte, error) {
	if slot >= x.Meta.NextSlot || level >= len(x.Meta.Roots) {
		return nil, nil
	}
	if level > 0 {
		shift := codec.TowerShift(level)
		block := slot >> shift
		entries := x.towers[level-1][block].Load()
		if entries == nil {
			var err error
			if entries, err = x.touchTower(level, block); err != nil {
				return nil, err
			}
		}
		i, found := codec.SearchTower(*entries, uint16(slot&(1<<shift-1)))
		if !found {
			return nil, nil
		}
		return (*entries)[i].List, nil
	}
	head := x.links.at(slot / codec.BlockSlots)
	if head == nil {
		var err error
		if head, err = x.touchLinks(slot / codec.BlockSlots); err != nil {
			return nil, err
		}
	}
	return blockEntry(head, slot), nil
}

// emptyBlock stands for blocks that have no record.
var emptyBlock = codec.AppendBlock(make([]byte, 0, 512), &[codec.BlockSlots][]byte{})

func (x *Index) touchLinks(block uint32) (unsafe.Pointer, error) {
	key := codec.AppendLinksKey(nil, x.id, x.Meta.Edition, block)
	value, err := x.verified(key)
	if err != nil {
		return nil, err
	}
	if value == nil {
		value = emptyBlock
	}
	if err := codec.VerifyBlock(key, value); err != nil {
		return nil, err
	}
	for i := range uint32(codec.BlockSlots) {
		if err := codec.VerifyList(key, codec.BlockEntry(value, i), x.Meta.M0, x.Meta.NextSlot); err != nil {
			return nil, err
		}
	}
	head := unsafe.Pointer(unsafe.SliceData(value))
	x.links.set(block, head)
	return head, nil
}

func (x *Index) touchTower(level int, block uint32) (*[]codec.TowerEntry, error) {
	key := codec.AppendTowersKey(nil, x.id, level, block)
	value, err := x.verified(key)
	if err != nil {
		return nil, err
	}
	var entries []codec.TowerEntry
	if value != nil {
		if entries, err = codec.ParseTowerBlock(nil, key, value); err != nil {
			return nil, err
		}
	}
	for _, e := range entries {
		if err := codec.VerifyList(key, e.List, x.Meta.M, x.Meta.NextSlot); err != nil {
			return nil, err
		}
	}
	return x.towers[level-1].put(block, &entries), nil
}
