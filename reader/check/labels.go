package check

import (
	"fmt"
	"maps"
	"slices"

	"github.com/RoaringBitmap/roaring/v2"

	"github.com/hannoydb/hannoy/codec"
)

// label notes the slots of one chunk of a label. Each must have an item, and be found
// with this label by slotLabels, whose records come after all of these.
func (c *check) label(p codec.ParsedKey, key, body []byte) error {
	if err := codec.CheckLabel(string(p.Name)); err != nil {
		return err
	}
	slots, err := codec.ParseSet(key, body, uint16(p.Number))
	if err != nil {
		return err
	}
	if none := roaring.AndNot(slots, c.items); !none.IsEmpty() {
		c.problem("label", codec.FormatKey(key), "has %d slots without an item, the first is %d", none.GetCardinality(), none.Minimum())
	}
	set := c.labels[string(p.Name)]
	if set == nil {
		set = roaring.New()
		c.labels[string(p.Name)] = set
	}
	set.Or(slots)
	return nil
}

// slotLabels checks that the slots of a block are in the sets of their labels.
func (c *check) slotLabels(p codec.ParsedKey, key, value []byte) error {
	if err := codec.VerifyBlock(key, value); err != nil {
		return err
	}
	for i := range uint32(codec.BlockSlots) {
		labels, err := codec.ParseLabels(key, codec.BlockEntry(value, i))
		if err != nil {
			return err
		}
		slot := p.Number*codec.BlockSlots + i
		if len(labels) > 0 && !c.items.Contains(slot) {
			c.problem("label", codec.FormatKey(key), "slot %d has labels %q and no item", slot, labels)
		}
		for _, label := range labels {
			if set := c.labels[label]; set == nil || !set.CheckedRemove(slot) {
				c.problem("label", codec.FormatKey(key), "slot %d has label %q and is not in its set", slot, label)
			}
		}
	}
	return nil
}

// labelsSeen checks that no label has a slot that does not have the label.
func (c *check) labelsSeen() error {
	for _, label := range slices.Sorted(maps.Keys(c.labels)) {
		if left := c.labels[label]; !left.IsEmpty() {
			c.problem("label", fmt.Sprintf("label %q", label), "has %d slots which do not have it, the first is %d", left.GetCardinality(), left.Minimum())
		}
	}
	return nil
}
