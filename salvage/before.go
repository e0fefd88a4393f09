package salvage

import (
	"github.com/RoaringBitmap/roaring/v2"

	"github.com/hannoydb/hannoy/codec"
	"github.com/hannoydb/hannoy/kv/pages"
)

// before is what the commit before the latest says. A slot is written when an item gets it, and
// not again until it has been dead, and then free, each for a commit at least. So a slot that
// holds an item in the latest commit and held one in the one before holds the same, with the
// same key, vector, value and labels.
type before struct {
	next   uint32          // slots there were
	empty  *roaring.Bitmap // dead and free ones
	slabs  map[uint32]slab
	values map[uint32]*pages.Value
}

// settled reports whether the slot holds the same item in the latest commit and in the one before.
func (x *Index) settled(slot uint32) bool {
	return x.before != nil && slot < x.before.next && !x.before.empty.Contains(slot) && x.occupied().Contains(slot)
}

// looksBack reports whether it can be known which slots are settled. The tree of the latest commit
// has been gone over.
func (x *Index) looksBack() bool {
	if !x.looked {
		x.looked = true
		if x.Current {
			x.before = x.wreck.lookBack(x.ID)
		}
	}
	return x.before != nil
}

// occupied returns the slots that are known to hold items: by the sets of those that do not or,
// where these are lost, since a key maps to them, or they have a value or labels, which go with the item.
// The tree has been gone over.
func (x *Index) occupied() *roaring.Bitmap {
	if x.in != nil {
		return x.in
	}
	x.in = roaring.New()
	if x.knowsEmpty() {
		x.in.AddRange(0, 1<<32)
	}
	for _, claims := range x.forward {
		if claims[0].from == pages.InTree {
			x.in.Add(claims[0].slot)
		}
	}
	for slot := range x.values {
		x.in.Add(slot)
	}
	for slot := range x.labels {
		x.in.Add(slot)
	}
	for _, slots := range x.sets {
		x.in.Or(slots)
	}
	x.in.AndNot(x.empty)
	return x.in
}

// lookBack reads the sets of the commit before the latest, nil if it cannot.
func (w *Wreck) lookBack(id codec.IndexID) *before {
	commit := w.file.Before()
	if commit == nil {
		return nil
	}
	find := func(key []byte) ([]byte, error) {
		value, err := w.file.Find(&commit.Main, key)
		if err != nil || value == nil {
			return nil, err
		}
		record, err := value.Append(nil, maxRecordBytes)
		if err != nil {
			return nil, err
		}
		return codec.Open(key, record)
	}
	key := codec.MetaKey(id)
	body, err := find(key)
	if err != nil || body == nil {
		return nil
	}
	meta, err := codec.ParseMeta(key, body)
	if err != nil {
		return nil
	}
	b := &before{next: meta.NextSlot, empty: roaring.New(), slabs: map[uint32]slab{}, values: map[uint32]*pages.Value{}}
	for chunk := uint64(0); chunk<<16 < uint64(meta.NextSlot); chunk++ {
		for _, set := range []codec.Set{codec.SetDead, codec.SetFree} {
			key := codec.AppendSetKey(nil, id, set, uint16(chunk))
			body, err := find(key)
			if err != nil {
				return nil
			}
			if body == nil {
				continue
			}
			slots, err := codec.ParseSet(key, body, uint16(chunk))
			if err != nil {
				return nil
			}
			b.empty.Or(slots)
		}
	}
	if b.empty.GetCardinality() != uint64(meta.Dead)+uint64(meta.Free) {
		return nil
	}
	return b
}
