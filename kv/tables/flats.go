package tables

import (
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
	body := table[block].Load()
	if body == nil {
		b, err := x.readFlat(kind, block)
		if err != nil {
			return 0, false, err
		}
		body = table.put(block, &b)
	}
	if len(*body) == 0 {
		return 0, false, nil
	}
	v, ok := codec.FlatGet(*body, number)
	return v, ok, nil
}

// readFlat returns the body of a flat block, nil if there is none.
func (x *Index) readFlat(kind codec.Kind, block uint32) ([]byte, error) {
	key := codec.AppendNumberKey(nil, x.id, kind, block)
	body, err := x.records.Get(key)
	if body == nil || err != nil {
		return nil, err
	}
	return body, codec.VerifyFlat(key, body)
}

// forgetFlats forgets those flat blocks that have not kept their place.
func forgetFlats(table lazy[[]byte], from, to uint32, long []pages.Long) {
	for i := from; i < to; i++ {
		had := table[i].Load()
		if had == nil {
			continue
		}
		if value := longValue(&long, i); len(value) <= codec.SumBytes || len(*had) == 0 || &value[codec.SumBytes] != &(*had)[0] {
			table[i].Store(nil)
		}
	}
}
