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
	var batch [idBatch]uint32
	block, body := int64(-1), []byte(nil)
	for it := ids.ManyIterator(); ; {
		n := it.NextMany(batch[:])
		if n == 0 {
			return roaring.FromDense(found, false), nil
		}
		for _, id := range batch[:n] {
			if b := id / codec.FlatSpan; int64(b) != block {
				var err error
				if body, err = x.readFlat(codec.KindIDSlot, b); err != nil {
					return nil, err
				}
				block = int64(b)
			}
			if len(body) == 0 {
				continue
			}
			if slot, ok := codec.FlatGet(body, id); ok && slot < x.Meta.NextSlot {
				found[slot/64] |= 1 << (slot % 64)
			}
		}
	}
}
