package tables

import (
	"bytes"
	"fmt"

	"github.com/RoaringBitmap/roaring/v2"

	"github.com/hannoydb/hannoy/codec"
)

// Labels returns the labels of a slot's item, sorted; nil if it has none.
func (x *Index) Labels(slot uint32) ([]string, error) {
	key := codec.AppendNumberKey(nil, x.id, codec.KindLabels, slot/codec.BlockSlots)
	value, err := x.verified(key)
	if value == nil || err != nil {
		return nil, err
	}
	if err := codec.VerifyBlock(key, value); err != nil {
		return nil, err
	}
	return codec.ParseLabels(key, codec.BlockEntry(value, slot))
}

// LabelSlots returns the slots of the items that have the label: a new set.
func (x *Index) LabelSlots(label string) (*roaring.Bitmap, error) {
	all := roaring.New()
	err := x.labelChunks(codec.AppendLabelPrefix(nil, x.id, label), func(_ []byte, slots *roaring.Bitmap) {
		all.Or(slots)
	})
	return all, err
}

// LabelPrefixSlots returns the slots of the items that have any label which begins
// with prefix: a new set.
func (x *Index) LabelPrefixSlots(prefix string) (*roaring.Bitmap, error) {
	all := roaring.New()
	err := x.labelChunks(append(codec.AppendPrefix(nil, x.id, codec.KindLabel), prefix...), func(_ []byte, slots *roaring.Bitmap) {
		all.Or(slots)
	})
	return all, err
}

// EachLabel calls fn with each label that begins with prefix, in order, and with the
// number of items that have it.
func (x *Index) EachLabel(prefix string, fn func(label string, items int)) error {
	var last []byte
	items := 0
	err := x.labelChunks(append(codec.AppendPrefix(nil, x.id, codec.KindLabel), prefix...), func(label []byte, slots *roaring.Bitmap) {
		if items > 0 && !bytes.Equal(label, last) {
			fn(string(last), items)
			items = 0
		}
		last = append(last[:0], label...)
		items += int(slots.GetCardinality())
	})
	if err == nil && items > 0 {
		fn(string(last), items)
	}
	return err
}

// labelChunks calls fn with the chunks of labels whose keys begin with prefix.
func (x *Index) labelChunks(prefix []byte, fn func(label []byte, slots *roaring.Bitmap)) error {
	return x.records.Scan(prefix, func(key, body []byte) error {
		p, err := codec.ParseKey(key)
		if err != nil {
			return err
		}
		slots, err := codec.ParseSet(key, body, uint16(p.Number))
		if err != nil {
			return err
		}
		if slots.Maximum() >= x.Meta.NextSlot {
			return fmt.Errorf("record %s: slot %d of %d: %w", codec.FormatKey(key), slots.Maximum(), x.Meta.NextSlot, codec.ErrCorrupt)
		}
		fn(p.Name, slots)
		return nil
	})
}
