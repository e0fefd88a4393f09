package codec

import "slices"

// CheckForm checks what the value of a record says: that it decodes, and where the
// metadata of its index is given, that numbers are within its bounds. The checksum is
// somebody else's.
func CheckForm(p ParsedKey, key, value []byte, meta *Meta) error {
	if len(value) < SumBytes {
		return corruptf(key, "%d bytes are too few for a checksum", len(value))
	}
	body := value[SumBytes:]
	var err error
	switch p.Kind {
	case KindSuperblock:
		_, err = ParseSuperblock(body)
	case KindName:
		_, err = ParseIndexID(key, body)
	case KindMeta:
		_, err = ParseMeta(key, body)
	case KindSet:
		_, err = ParseSet(key, body, uint16(p.Number))
	case KindSlot:
		err = checkSlotRecord(p, key, body)
	case KindLabel:
		if err = CheckLabel(string(p.Name)); err != nil {
			return corruptf(key, "%v", err)
		}
		_, err = ParseSet(key, body, uint16(p.Number))
	case KindLabels:
		err = checkLabels(key, value)
	case KindKey:
		err = checkKeys(key, value)
	case KindIDSlot, KindSlotID, KindRank:
		err = VerifyFlat(key, body)
	case KindLinks:
		_, err = BlockLists(nil, p.Level, key, value)
	}
	if err != nil || meta == nil || p.Kind < KindMeta {
		return err
	}
	return checkBounds(p, key, value, meta)
}

func checkSlotRecord(p ParsedKey, key, body []byte) error {
	if n := len(p.Name); n == 0 || n > MaxKeyBytes {
		return corruptf(key, "key of %d bytes", n)
	}
	_, err := ParseNumber(key, body)
	return err
}

func checkKeys(key, value []byte) error {
	if err := VerifyBlock(key, value); err != nil {
		return err
	}
	for i := range uint32(BlockSlots) {
		if n := len(BlockEntry(value, i)); n > MaxKeyBytes {
			return corruptf(key, "key of %d bytes", n)
		}
	}
	return nil
}

func checkLabels(key, value []byte) error {
	if err := VerifyBlock(key, value); err != nil {
		return err
	}
	for i := range uint32(BlockSlots) {
		if _, err := ParseLabels(key, BlockEntry(value, i)); err != nil {
			return err
		}
	}
	return nil
}

// checkBounds checks a record that decodes beside the metadata of its index.
func checkBounds(p ParsedKey, key, value []byte, m *Meta) error {
	first := uint64(p.Number) // slot
	switch p.Kind {
	case KindKey, KindLabels:
		first *= BlockSlots
	case KindSlotID, KindRank:
		first *= FlatSpan
	case KindSet, KindLabel:
		first <<= 16
	case KindLinks:
		if first *= BlockSlots; p.Level > 0 {
			first = uint64(p.Number) << TowerShift(p.Level)
		}
	case KindVectors:
		first *= uint64(m.Slab.Rows)
	case KindCodes:
		first *= uint64(m.CodeSlab.Rows)
	case KindIDSlot, KindSlot, KindMean:
		first = 0
	}
	if first > 0 && first >= uint64(m.NextSlot) {
		return corruptf(key, "begins at slot %d, the index has %d", first, m.NextSlot)
	}
	switch p.Kind {
	case KindSlot:
		if slot, _ := ParseNumber(key, value[SumBytes:]); slot >= m.NextSlot {
			return corruptf(key, "slot %d, the index has %d", slot, m.NextSlot)
		}
	case KindIDSlot:
		return checkNumbers(key, value[SumBytes:], m.NextSlot)
	case KindRank:
		return checkNumbers(key, value[SumBytes:], m.NextRank)
	case KindVectors:
		return checkSlab(p, key, value, m.Slab)
	case KindCodes:
		if m.Codes != 0 { // else they are being written, or taken away
			return checkSlab(p, key, value, m.CodeSlab)
		}
	case KindMean:
		_, err := ParseVector(key, value[SumBytes:], int(m.Dimensions))
		return err
	case KindLinks:
		return checkLists(p, key, value, m)
	}
	return nil
}

// checkNumbers checks that a flat block maps to numbers below limit only.
func checkNumbers(key, body []byte, limit uint32) error {
	f, err := ParseFlat(key, body)
	if err != nil {
		return err
	}
	for i := range uint32(FlatSpan) {
		if v, ok := f.Get(i); ok && v >= limit {
			return corruptf(key, "entry %d is %d, not below %d", i, v, limit)
		}
	}
	return nil
}

func checkSlab(p ParsedKey, key, value []byte, slab Slab) error {
	if err := slab.Verify(key, value); err != nil {
		return err
	}
	stamp, ok := ParseStamp(value)
	if !ok || stamp.Index != p.Index || stamp.Kind != p.Kind || stamp.Number != p.Number {
		return corruptf(key, "stamp is that of %s slab %d of index %d", stamp.Kind, stamp.Number, stamp.Index)
	}
	if slices.Contains(slab.SoundPieces(key, value), false) {
		return corruptf(key, "sums of pieces are wrong, the checksum is right")
	}
	return nil
}

func checkLists(p ParsedKey, key, value []byte, m *Meta) error {
	limit := m.M0
	if p.Level > 0 {
		limit = m.M
	}
	lists, err := BlockLists(nil, p.Level, key, value)
	if err != nil {
		return err
	}
	for _, e := range lists {
		if err := VerifyList(key, e.List, limit, m.NextSlot); err != nil {
			return err
		}
	}
	return nil
}
