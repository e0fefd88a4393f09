package kv

import (
	"unsafe"

	"github.com/hannoydb/hannoy/codec"
	"github.com/hannoydb/hannoy/kv/pages"
)

// Rank returns the rank of a slot, 0 if it is not linked.
func (x *Index) Rank(slot uint32) (uint32, error) {
	if slot >= x.Meta.NextSlot {
		return 0, nil
	}
	rank, _, err := x.flat(x.ranks, codec.KindRank, slot)
	return rank, err
}

// flat looks number up in a table of flat blocks.
func (x *Index) flat(table lazy[[]byte], kind codec.Kind, number uint32) (uint32, bool, error) {
	block := number / codec.FlatSpan
	value := table[block].Load()
	if value == nil {
		v, err := x.verifiedFlat(codec.AppendNumberKey(nil, x.id, kind, block))
		if err != nil {
			return 0, false, err
		}
		value = table.put(block, &v)
	}
	if len(*value) == 0 {
		return 0, false, nil
	}
	v, ok := codec.FlatGet(*value, number)
	return v, ok, nil
}

// verifiedFlat returns the flat block under key, or nil.
func (x *Index) verifiedFlat(key []byte) ([]byte, error) {
	value, err := x.verified(key)
	if value == nil || err != nil {
		return nil, err
	}
	return value, codec.VerifyFlat(key, value)
}

// forgetFlats forgets those flat blocks that have not kept their place.
func forgetFlats(table lazy[[]byte], from, to uint32, long []pages.Long) {
	for i := from; i < to; i++ {
		had := table[i].Load()
		if had == nil {
			continue
		}
		if value := longValue(&long, i); value == nil || unsafe.SliceData(value) != unsafe.SliceData(*had) {
			table[i].Store(nil)
		}
	}
}
