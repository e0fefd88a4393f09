package codec

import (
	"encoding/binary"
	"fmt"
	"slices"

	"github.com/RoaringBitmap/roaring/v2"
)

// A list is the links of one slot on one level, in roaring's portable format, so
// that any roaring library reads it. Our lists are short: they consist of array
// containers only, which AppendList writes and ReadList walks in place without
// allocating. Lists with containers of runs are read through the library.
//
// The portable format without runs (https://github.com/RoaringBitmap/RoaringFormatSpec):
//
//	u32 cookie 12346, u32 containers,
//	containers x { u16 high half, u16 cardinality - 1 },
//	containers x { u32 offset of the container },
//	containers x { cardinality x u16 low half }.
const (
	listCookie    = 12346
	maxArrayItems = 4096
	maxListSlots  = 2 * MaxM
)

// AppendList appends the list of slots, which must be strictly ascending.
func AppendList(dst []byte, slots []uint32) []byte {
	le := binary.LittleEndian
	containers := 0
	for i, s := range slots {
		if i == 0 || s>>16 != slots[i-1]>>16 {
			containers++
		}
	}
	dst = le.AppendUint32(dst, listCookie)
	dst = le.AppendUint32(dst, uint32(containers))
	for i := 0; i < len(slots); {
		j := endOfContainer(slots, i)
		dst = le.AppendUint16(dst, uint16(slots[i]>>16))
		dst = le.AppendUint16(dst, uint16(j-i-1))
		i = j
	}
	offset := uint32(8 + 8*containers)
	for i := 0; i < len(slots); {
		j := endOfContainer(slots, i)
		dst = le.AppendUint32(dst, offset)
		offset += 2 * uint32(j-i)
		i = j
	}
	for _, s := range slots {
		dst = le.AppendUint16(dst, uint16(s))
	}
	return dst
}

func endOfContainer(slots []uint32, i int) int {
	j := i + 1
	for j < len(slots) && slots[j]>>16 == slots[i]>>16 {
		j++
	}
	return j
}

// ReadList appends the slots of an encoded list to dst, ascending.
func ReadList(dst []uint32, list []byte) ([]uint32, error) {
	if len(list) < 8 {
		return dst, fmt.Errorf("list of %d bytes: %w", len(list), ErrCorrupt)
	}
	le := binary.LittleEndian
	containers := uint64(le.Uint32(list[4:]))
	low := 8 + 8*containers
	if le.Uint32(list) != listCookie || low > uint64(len(list)) {
		return readForeignList(dst, list)
	}
	heads, data := list[8:8+4*containers], list[low:]
	// The list is as long as it has slots, so there is no need to count them first.
	from, left := len(dst), len(data)/2
	dst = slices.Grow(dst, left)[:from+left]
	room := dst[from:]
	for len(heads) >= 4 {
		high := uint32(le.Uint16(heads)) << 16
		n := int(le.Uint16(heads[2:])) + 1
		if n > len(room) || n > maxArrayItems {
			return readForeignList(dst[:from], list)
		}
		readLows(room[:n], data, high)
		heads, data, room = heads[4:], data[2*n:], room[n:]
	}
	return dst[:len(dst)-len(room)], nil
}

// readLows sets dst to the low halves at the front of data, which holds that many, each
// with the high half.
func readLows(dst []uint32, data []byte, high uint32) {
	for len(dst) >= 4 {
		four := binary.LittleEndian.Uint64(data)
		dst[0] = high | uint32(four&0xffff)
		dst[1] = high | uint32(four>>16&0xffff)
		dst[2] = high | uint32(four>>32&0xffff)
		dst[3] = high | uint32(four>>48)
		dst, data = dst[4:], data[8:]
	}
	for i := range dst {
		dst[i] = high | uint32(binary.LittleEndian.Uint16(data[2*i:]))
	}
}

// VerifyList makes sure that the list, of the record under key, can be walked, has at
// most limit members and names no slot from next on. An empty one means none.
func VerifyList(key, list []byte, limit, next uint32) error {
	if len(list) == 0 {
		return nil
	}
	slots, err := ReadList(make([]uint32, 0, 64), list)
	if err != nil {
		return fmt.Errorf("record %s: %w", FormatKey(key), err)
	}
	if len(slots) > int(limit) {
		return corruptf(key, "list of %d links, at most %d are allowed", len(slots), limit)
	}
	for i, slot := range slots {
		if slot >= next || (i > 0 && slot <= slots[i-1]) {
			return corruptf(key, "link to slot %d of %d, or out of order", slot, next)
		}
	}
	return nil
}

// readForeignList reads a list through the roaring library: one that holds other
// containers than arrays, or is damaged.
func readForeignList(dst []uint32, list []byte) ([]uint32, error) {
	b := roaring.New()
	if err := b.UnmarshalBinary(list); err != nil {
		return dst, fmt.Errorf("list: %v: %w", err, ErrCorrupt)
	}
	if err := b.Validate(); err != nil {
		return dst, fmt.Errorf("list: %v: %w", err, ErrCorrupt)
	}
	if n := b.GetCardinality(); n > maxListSlots {
		return dst, fmt.Errorf("list of %d slots, at most %d are linked: %w", n, maxListSlots, ErrCorrupt)
	}
	return append(dst, b.ToArray()...), nil
}
