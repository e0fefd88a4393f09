package codec

import (
	"encoding/binary"
	"slices"
)

// BlockSlots is the number of consecutive slots that a block holds. Few, because
// LMDB packs small records best: records of a third of a page or more leave pages
// half empty, whether they come in order or grow in place.
const BlockSlots = 4

// Blocks is how many blocks so many slots are in.
func Blocks(slots uint32) uint32 { return uint32((uint64(slots) + BlockSlots - 1) / BlockSlots) }

// A block is one LMDB value with an entry for each of 4 consecutive slots: the
// links of the slots on level 0, or their keys. An empty entry means none.
//
//	u32 checksum, 4 x u16 end of the entry from the start of the value, entries
//
// BlockHeadBytes is where the entries begin.
const BlockHeadBytes = SumBytes + 2*BlockSlots

// maxBlockBytes is what 16-bit ends can address.
const maxBlockBytes = 1<<16 - 1

// AppendBlock appends the value of a block, still to be sealed.
func AppendBlock(dst []byte, entries *[BlockSlots][]byte) []byte {
	start := len(dst)
	dst = append(dst, make([]byte, BlockHeadBytes)...)
	for i, entry := range entries {
		dst = append(dst, entry...)
		if len(dst)-start > maxBlockBytes {
			panic("codec: block of more than 65,535 bytes; M and key lengths are bounded so that there is none")
		}
		binary.LittleEndian.PutUint16(dst[start+SumBytes+2*i:], uint16(len(dst)-start))
	}
	return dst
}

// VerifyBlock checks that the ends of a block's entries ascend and that the last
// is the end of the value, so that BlockEntry needs no checks.
func VerifyBlock(key, value []byte) error {
	if len(value) < BlockHeadBytes {
		return corruptf(key, "block of %d bytes", len(value))
	}
	last := BlockHeadBytes
	for i := range BlockSlots {
		end := int(binary.LittleEndian.Uint16(value[SumBytes+2*i:]))
		if end < last {
			return corruptf(key, "entry %d ends at %d, before its start %d", i, end, last)
		}
		last = end
	}
	if last != len(value) {
		return corruptf(key, "entries end at %d of %d bytes", last, len(value))
	}
	return nil
}

// BlockEntry returns entry i of a block that VerifyBlock accepted. It borrows from value.
func BlockEntry(value []byte, i uint32) []byte {
	i %= BlockSlots
	from := BlockHeadBytes
	if i > 0 {
		from = int(binary.LittleEndian.Uint16(value[SumBytes+2*i-2:]))
	}
	return value[from:binary.LittleEndian.Uint16(value[SumBytes+2*i:])]
}

// BlockBytes returns the length of a block's value from its header alone, which
// must have passed VerifyBlock.
func BlockBytes(head *[BlockHeadBytes]byte) int {
	return int(binary.LittleEndian.Uint16(head[BlockHeadBytes-2:]))
}

// A tower block holds the links of the slots that are present on one level above
// 0. The higher the level, the sparser its slots, so the more slots share a block;
// see TowerShift.
//
//	u32 checksum, u16 entries less one, u16 zero,
//	entries x { u16 slot within the block, u16 zero, u32 end from the start of the value }, lists
const (
	towerHeadBytes  = SumBytes + 4
	towerEntryBytes = 8
)

// TowerShift returns by how many bits a slot on a level above 0 is shifted to give
// its block: 256 slots on level 1, 4,096 on level 2, 65,536 from there on.
func TowerShift(level int) uint { return uint(min(4+4*level, 16)) }

// TowerEntry is the list of one slot within a tower block.
type TowerEntry struct {
	Slot uint16 // the low bits of the slot
	List []byte // an encoded list
}

// AppendTowerBlock appends the value of a tower block, still to be sealed. Entries
// must ascend by slot.
func AppendTowerBlock(dst []byte, entries []TowerEntry) []byte {
	le := binary.LittleEndian
	dst = append(dst, make([]byte, SumBytes)...)
	dst = le.AppendUint16(dst, uint16(len(entries)-1)) // 65,536 entries fit, none do not occur
	dst = le.AppendUint16(dst, 0)
	end := towerHeadBytes + towerEntryBytes*len(entries)
	for _, e := range entries {
		end += len(e.List)
		dst = le.AppendUint16(dst, e.Slot)
		dst = le.AppendUint16(dst, 0)
		dst = le.AppendUint32(dst, uint32(end))
	}
	for _, e := range entries {
		dst = append(dst, e.List...)
	}
	return dst
}

// ParseTowerBlock appends the entries of a tower block to dst. They borrow from value.
func ParseTowerBlock(dst []TowerEntry, key, value []byte) ([]TowerEntry, error) {
	if len(value) < towerHeadBytes {
		return dst, corruptf(key, "tower block of %d bytes", len(value))
	}
	le := binary.LittleEndian
	n := int(le.Uint16(value[SumBytes:])) + 1
	last := towerHeadBytes + towerEntryBytes*n
	if last > len(value) {
		return dst, corruptf(key, "tower block of %d bytes for %d entries", len(value), n)
	}
	for i := range n {
		e := value[towerHeadBytes+towerEntryBytes*i:]
		slot, end := le.Uint16(e), le.Uint32(e[4:])
		if uint64(end) < uint64(last) || uint64(end) > uint64(len(value)) || (i > 0 && slot <= dst[len(dst)-1].Slot) {
			return dst, corruptf(key, "entry %d of slot %d ends at %d of %d bytes", i, slot, end, len(value))
		}
		dst = append(dst, TowerEntry{slot, value[last:end]})
		last = int(end)
	}
	if last != len(value) {
		return dst, corruptf(key, "entries end at %d of %d bytes", last, len(value))
	}
	return dst, nil
}

// BlockLists appends the lists of a block of links to dst, with the slots counted
// from the first of the block: those of a tower block above level 0. They borrow
// from value.
func BlockLists(dst []TowerEntry, level int, key, value []byte) ([]TowerEntry, error) {
	if level > 0 {
		return ParseTowerBlock(dst, key, value)
	}
	if err := VerifyBlock(key, value); err != nil {
		return dst, err
	}
	for i := range uint32(BlockSlots) {
		if list := BlockEntry(value, i); len(list) > 0 {
			dst = append(dst, TowerEntry{uint16(i), list})
		}
	}
	return dst, nil
}

// SearchTower returns where the entry of a slot is, or belongs, among the entries of
// its block.
func SearchTower(entries []TowerEntry, slot uint16) (i int, found bool) {
	return slices.BinarySearchFunc(entries, slot, func(e TowerEntry, s uint16) int { return int(e.Slot) - int(s) })
}
