package codec

import (
	"encoding/binary"
	"fmt"
	"strings"
)

// Describe renders a record for people and for comparison: a first line with its
// key, length and checksum, then what the bytes say. Two records describe equally
// if and only if they are equal, up to a collision of checksums in the case of
// slabs. meta is that of the record's index, or nil.
func Describe(key, value []byte, meta *Meta) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %d bytes", FormatKey(key), len(value))
	if len(value) < SumBytes {
		fmt.Fprintf(&b, ", %v\n", ErrCorrupt)
		return b.String()
	}
	fmt.Fprintf(&b, ", crc %08x\n", binary.LittleEndian.Uint32(value))
	body, err := Open(key, value)
	if err == nil {
		err = describeBody(&b, key, value, body, meta)
	}
	if err != nil {
		fmt.Fprintf(&b, "  damaged: %v\n", err)
	}
	return b.String()
}

func describeBody(b *strings.Builder, key, value, body []byte, meta *Meta) error {
	p, err := ParseKey(key)
	if err != nil {
		return err
	}
	switch p.Kind {
	case KindSuperblock:
		s, err := ParseSuperblock(body)
		fmt.Fprintf(b, "  format version %d, pages of %d bytes, digest %016x\n", s.Version, s.PageSize, s.Digest)
		return err
	case KindMeta:
		m, err := ParseMeta(key, body)
		if err == nil {
			fmt.Fprintf(b, "  %+v\n", *m)
		}
		return err
	case KindName, KindSlot:
		n, err := ParseNumber(key, body)
		fmt.Fprintf(b, "  -> %d\n", n)
		return err
	case KindIDSlot, KindSlotID, KindRank:
		return describeFlat(b, p, key, body)
	case KindKey:
		return describeKeys(b, p, key, value)
	case KindLabels:
		return describeLabels(b, p, key, value)
	case KindSet, KindLabel:
		set, err := ParseSet(key, body, uint16(p.Number))
		if err == nil {
			fmt.Fprintf(b, "  %d slots: %v\n", set.GetCardinality(), set)
		}
		return err
	case KindValue, KindMoved:
		fmt.Fprintf(b, "  %q\n", body)
	case KindVectors, KindCodes:
		if meta != nil {
			slab := meta.Slab
			if p.Kind == KindCodes {
				slab = meta.CodeSlab
			}
			fmt.Fprintf(b, "  slots %d to %d\n", p.Number*slab.Rows, (p.Number+1)*slab.Rows-1)
			return slab.Verify(key, value)
		}
	case KindLinks:
		return describeLinks(b, p, key, value)
	}
	return nil
}

func describeFlat(b *strings.Builder, p ParsedKey, key, body []byte) error {
	f, err := ParseFlat(key, body)
	if err != nil {
		return err
	}
	for i := range uint32(FlatSpan) {
		if v, ok := f.Get(i); ok {
			fmt.Fprintf(b, "  %d -> %d\n", p.Number*FlatSpan+i, v)
		}
	}
	return nil
}

func describeKeys(b *strings.Builder, p ParsedKey, key, value []byte) error {
	if err := VerifyBlock(key, value); err != nil {
		return err
	}
	for i := range uint32(BlockSlots) {
		if e := BlockEntry(value, i); len(e) > 0 {
			fmt.Fprintf(b, "  %d -> %q\n", p.Number*BlockSlots+i, e)
		}
	}
	return nil
}

func describeLabels(b *strings.Builder, p ParsedKey, key, value []byte) error {
	if err := VerifyBlock(key, value); err != nil {
		return err
	}
	for i := range uint32(BlockSlots) {
		labels, err := ParseLabels(key, BlockEntry(value, i))
		if err != nil {
			return err
		}
		if len(labels) > 0 {
			fmt.Fprintf(b, "  %d -> %q\n", p.Number*BlockSlots+i, labels)
		}
	}
	return nil
}

func describeLinks(b *strings.Builder, p ParsedKey, key, value []byte) error {
	lists, err := BlockLists(nil, p.Level, key, value)
	if err != nil {
		return err
	}
	first := p.Number * BlockSlots
	if p.Level > 0 {
		first = p.Number << TowerShift(p.Level)
	}
	for _, e := range lists {
		links, err := ReadList(nil, e.List)
		if err != nil {
			return err
		}
		fmt.Fprintf(b, "  %d: %v\n", first+uint32(e.Slot), links)
	}
	return nil
}
