package tables

import (
	"github.com/RoaringBitmap/roaring/v2"

	"github.com/hannoydb/hannoy/codec"
)

// idBatch is how many ids are looked at at a time.
const idBatch = 4096

// SlotsOfIDs returns the slots of the items with the ids, in an index whose keys are
// ids: a new set. Ids that no item has are passed over.
func (x *Index) SlotsOfIDs(ids *roaring.Bitmap) (*roaring.Bitmap, error) {
	found := make([]uint64, (uint64(x.Meta.NextSlot)+63)/64)
	look := x.eachID
	if ids.GetCardinality() > uint64(x.Meta.Len()) {
		look = x.eachItem // all ids but a few are four billion
	}
	err := look(ids, func(slot uint32) {
		if slot < x.Meta.NextSlot {
			found[slot/64] |= 1 << (slot % 64)
		}
	})
	return roaring.FromDense(found, false), err
}

// eachID looks each of the ids up.
func (x *Index) eachID(ids *roaring.Bitmap, found func(slot uint32)) error {
	var batch [idBatch]uint32
	block, body := int64(-1), []byte(nil)
	for it := ids.ManyIterator(); ; {
		n := it.NextMany(batch[:])
		if n == 0 {
			return nil
		}
		for _, id := range batch[:n] {
			if b := id / codec.FlatSpan; int64(b) != block {
				var err error
				if body, err = x.readFlat(codec.KindIDSlot, b); err != nil {
					return err
				}
				block = int64(b)
			}
			if len(body) == 0 {
				continue
			}
			if slot, ok := codec.FlatGet(body, id); ok {
				found(slot)
			}
		}
	}
}

// eachItem looks at the id of each item.
func (x *Index) eachItem(ids *roaring.Bitmap, found func(slot uint32)) error {
	return x.records.Scan(codec.AppendPrefix(nil, x.id, codec.KindIDSlot), func(key, body []byte) error {
		p, err := codec.ParseKey(key)
		if err == nil {
			err = codec.VerifyFlat(key, body)
		}
		if err != nil {
			return err
		}
		for i := range uint32(codec.FlatSpan) {
			if slot, ok := codec.FlatGet(body, i); ok && ids.Contains(p.Number*codec.FlatSpan+i) {
				found(slot)
			}
		}
		return nil
	})
}
