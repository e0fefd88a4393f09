package rewrite

import (
	"fmt"
	"slices"

	"github.com/RoaringBitmap/roaring/v2"

	"github.com/hannoydb/hannoy/codec"
	"github.com/hannoydb/hannoy/kv"
)

// copier writes an index as a snapshot has it into another environment, without the
// slots that hold nothing, and with the others in an order of its own. Records go out
// in key order, so that they fill the pages.
type copier struct {
	from   *kv.Index
	to     *sink
	meta   codec.Meta // of the copy
	rows   *rowsOf    // nil: stored vectors stay as they are
	order  []uint32   // the slot that becomes slot i
	linked int        // slots of the order, the first ones, that are linked
	number []uint32   // what a slot becomes; none for those that are left behind
	links  []uint32
	key    []byte
	value  []byte
}

// none is the number of a slot that is left behind: the last that could be is not used.
const none = ^uint32(0)

// copyIndex copies an index, with the parameters of meta and its linked slots in the
// given order, then the pending ones. If linked is nil all items become pending.
func copyIndex(from *kv.Index, to *sink, meta codec.Meta, linked []uint32) (err error) {
	m := &from.Meta
	c := &copier{from: from, to: to, meta: meta, linked: len(linked), number: make([]uint32, m.NextSlot)}
	if c.rows, err = newRowsOf(m, &meta); err != nil {
		return err
	}
	if linked == nil {
		items, err := itemSlots(from)
		if err != nil {
			return err
		}
		c.order = items.ToArray()
	} else {
		c.order = append(slices.Clone(linked), from.Pending.ToArray()...)
	}
	for i := range c.number {
		c.number[i] = none
	}
	for i, slot := range c.order {
		if slot >= m.NextSlot || c.number[slot] != none {
			return fmt.Errorf("index %d: slot %d of %d is linked twice, or pending and linked: %w", from.ID(), slot, m.NextSlot, codec.ErrCorrupt)
		}
		c.number[slot] = uint32(i)
	}
	if want := int(m.Live) + int(m.Pending); len(c.order) < want {
		return fmt.Errorf("index %d: %d slots are linked or pending, metadata counts %d: %w", from.ID(), len(c.order), want, codec.ErrCorrupt)
	}
	for _, step := range []func() error{c.metadata, c.slots, c.keys, c.sets, c.values, c.vectors, c.codes, c.ranks, c.lists, c.labels} {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

func (c *copier) put(kind codec.Kind, number uint32, value []byte) error {
	c.key = codec.AppendNumberKey(c.key[:0], c.from.ID(), kind, number)
	return c.to.put(c.key, value)
}

// isItem reports whether a slot of the order has an item.
func (c *copier) isItem(slot uint32) bool { return !c.from.Dead.Contains(slot) }

func (c *copier) metadata() error {
	m := c.meta
	items := 0
	for _, slot := range c.order {
		if c.isItem(slot) {
			items++
		}
	}
	m.NextSlot, m.NextRank = uint32(len(c.order)), uint32(c.linked)+1
	m.Pending = uint32(len(c.order) - c.linked)
	m.Live, m.Dead, m.Free = uint32(items)-m.Pending, m.NextSlot-uint32(items), 0
	m.NextFree = 0
	m.Edition, m.Roots, m.Longest = 0, slices.Clone(m.Roots), slices.Clone(m.Longest)
	if c.linked == 0 {
		m.Roots, m.Longest, m.GraphSequence, m.Spread, m.SpreadFor = nil, nil, 0, 0, 0
	}
	for _, slots := range [][]uint32{m.Roots, m.Longest} {
		for i, slot := range slots {
			if slots[i] = c.renumber(slot); slots[i] == none {
				return c.astray(slot)
			}
		}
	}
	return c.to.put(codec.MetaKey(c.from.ID()), codec.AppendMeta(nil, &m))
}

func (c *copier) renumber(slot uint32) uint32 {
	if slot >= uint32(len(c.number)) {
		return none
	}
	return c.number[slot]
}

func (c *copier) astray(slot uint32) error {
	return fmt.Errorf("index %d: a record leads to slot %d, which is neither linked nor pending: %w", c.from.ID(), slot, codec.ErrCorrupt)
}

// slots copies the records that map keys to slots.
func (c *copier) slots() error {
	id, kind := c.from.ID(), codec.KindSlot
	if c.from.Meta.IDs {
		kind = codec.KindIDSlot
	}
	return c.from.Snapshot().Scan(codec.AppendPrefix(nil, id, kind), func(key, body []byte) error {
		if kind == codec.KindSlot {
			slot, err := codec.ParseNumber(key, body)
			if err != nil {
				return err
			}
			to := c.renumber(slot)
			if to == none {
				return c.astray(slot)
			}
			return c.to.put(key, codec.AppendNumber(nil, to))
		}
		f, err := codec.ParseFlat(key, body)
		if err != nil {
			return err
		}
		for i := range uint32(codec.FlatSpan) {
			if slot, ok := f.Get(i); ok {
				to := c.renumber(slot)
				if to == none {
					return c.astray(slot)
				}
				f.Set(i, to)
			}
		}
		return c.to.put(key, codec.AppendFlat(nil, f))
	})
}

// keys writes the records that map slots to keys.
func (c *copier) keys() error {
	if c.from.Meta.IDs {
		return c.flats(codec.KindSlotID, len(c.order), func(slot uint32) (uint32, bool, error) {
			if !c.isItem(slot) {
				return 0, false, nil
			}
			key, err := c.from.AppendKey(nil, slot)
			if err != nil {
				return 0, false, err
			}
			id, err := codec.ParseID(key)
			return id, true, err
		})
	}
	return c.blocks(len(c.order), codec.KindKey, func(dst []byte, slot uint32) ([]byte, error) {
		if !c.isItem(slot) {
			return dst, nil
		}
		return c.from.AppendKey(dst, slot)
	})
}

// blocks writes the blocks of the first n slots of the order; entry appends what one
// slot has.
func (c *copier) blocks(n int, kind codec.Kind, entry func(dst []byte, slot uint32) ([]byte, error)) error {
	var block [codec.BlockSlots][]byte
	for from := 0; from < n; from += codec.BlockSlots {
		any := false
		for i := range block {
			block[i] = block[i][:0]
			if from+i < n {
				var err error
				if block[i], err = entry(block[i], c.order[from+i]); err != nil {
					return err
				}
			}
			any = any || len(block[i]) > 0
		}
		if !any {
			continue
		}
		number := uint32(from / codec.BlockSlots)
		c.key = codec.AppendNumberKey(c.key[:0], c.from.ID(), kind, number)
		if kind == codec.KindLinks {
			c.key = codec.AppendLinksKey(c.key[:0], c.from.ID(), 0, number)
		}
		c.value = codec.AppendBlock(c.value[:0], &block)
		if err := c.to.put(c.key, c.value); err != nil {
			return err
		}
	}
	return nil
}

// flats writes the flat blocks of the first n slots of the order; entry says what one
// slot maps to.
func (c *copier) flats(kind codec.Kind, n int, entry func(slot uint32) (uint32, bool, error)) error {
	for from := 0; from < n; from += codec.FlatSpan {
		f := &codec.Flat{}
		for i := from; i < min(from+codec.FlatSpan, n); i++ {
			value, ok, err := entry(c.order[i])
			if err != nil {
				return err
			}
			if ok {
				f.Set(uint32(i), value)
			}
		}
		if f.Empty() {
			continue
		}
		if err := c.put(kind, uint32(from/codec.FlatSpan), codec.AppendFlat(nil, f)); err != nil {
			return err
		}
	}
	return nil
}

func (c *copier) sets() error {
	dead := roaring.New()
	for i, slot := range c.order {
		if !c.isItem(slot) {
			dead.Add(uint32(i))
		}
	}
	pending := roaring.New()
	pending.AddRange(uint64(c.linked), uint64(len(c.order)))
	for set, slots := range map[codec.Set]*roaring.Bitmap{codec.SetPending: pending, codec.SetDead: dead} {
		err := c.chunks(slots, func(n uint16) []byte { return codec.AppendSetKey(nil, c.from.ID(), set, n) })
		if err != nil {
			return err
		}
	}
	return nil
}

// chunks writes a set of slots, a chunk under each key.
func (c *copier) chunks(slots *roaring.Bitmap, key func(n uint16) []byte) error {
	for it := slots.Iterator(); it.HasNext(); {
		n := codec.ChunkOf(it.PeekNext())
		chunk := roaring.New()
		for it.HasNext() && codec.ChunkOf(it.PeekNext()) == n {
			chunk.Add(it.Next())
		}
		value, err := codec.AppendSet(nil, chunk)
		if err != nil {
			return err
		}
		if err := c.to.put(key(n), value); err != nil {
			return err
		}
	}
	return nil
}

func (c *copier) values() error {
	for i, slot := range c.order {
		if !c.isItem(slot) {
			continue
		}
		value, err := c.from.Value(slot)
		if err != nil {
			return err
		}
		if value == nil {
			continue
		}
		c.value = append(append(c.value[:0], make([]byte, codec.SumBytes)...), value...)
		if err := c.put(codec.KindValue, uint32(i), c.value); err != nil {
			return err
		}
	}
	return nil
}

func (c *copier) vectors() error {
	return c.slabs(c.meta.Slab, codec.KindVectors, len(c.order), c.meta.Sequence, func(dst []byte, slot uint32) error {
		row, err := c.from.Vectors.Row(slot)
		if err != nil || c.rows == nil {
			copy(dst, row)
			return err
		}
		if !c.isItem(slot) {
			// What cannot be brought to the new form may be anything until it is repaired around.
			row, _ = c.rows.appendRow(nil, row, nil)
			copy(dst, row)
			return nil
		}
		key, err := c.from.AppendKey(nil, slot)
		if err != nil {
			return err
		}
		row, err = c.rows.appendRow(nil, row, key)
		copy(dst, row)
		return err
	})
}

func (c *copier) codes() error {
	if c.from.Codes == nil || c.meta.Codes == 0 || c.linked == 0 {
		return nil
	}
	err := c.slabs(c.meta.CodeSlab, codec.KindCodes, c.linked, 0, func(dst []byte, slot uint32) error {
		row, err := c.from.Codes.Row(slot)
		copy(dst, row)
		return err
	})
	if err != nil || c.from.Mean == nil {
		return err
	}
	return c.to.put(codec.MeanKey(c.from.ID()), codec.AppendVector(nil, c.from.Mean))
}

// slabs writes the rows of the first n slots of the order; row sets that of one slot.
func (c *copier) slabs(slab codec.Slab, kind codec.Kind, n int, sequence uint64, row func(dst []byte, slot uint32) error) error {
	each := int(slab.Rows)
	for from := 0; from < n; from += each {
		value := slab.NewSlab()
		for i := from; i < min(from+each, n); i++ {
			if err := row(slab.Row(value, uint32(i-from)), c.order[i]); err != nil {
				return err
			}
		}
		key := codec.AppendNumberKey(nil, c.from.ID(), kind, uint32(from/each))
		if err := slab.Stamp(key, value, sequence); err != nil {
			return err
		}
		if err := c.to.put(key, value); err != nil {
			return err
		}
	}
	return nil
}

// labels writes the slots of each label and the labels of each slot.
func (c *copier) labels() error {
	var labels []string
	if err := c.from.EachLabel("", func(label string, _ int) { labels = append(labels, label) }); err != nil || len(labels) == 0 {
		return err
	}
	for _, label := range labels {
		slots, err := c.from.LabelSlots(label)
		if err != nil {
			return err
		}
		renumbered := roaring.New()
		for it := slots.Iterator(); it.HasNext(); {
			slot := it.Next()
			to := c.renumber(slot)
			if to == none || !c.isItem(slot) {
				return c.astray(slot)
			}
			renumbered.Add(to)
		}
		err = c.chunks(renumbered, func(n uint16) []byte { return codec.AppendLabelKey(nil, c.from.ID(), label, n) })
		if err != nil {
			return err
		}
	}
	return c.blocks(len(c.order), codec.KindLabels, func(dst []byte, slot uint32) ([]byte, error) {
		if !c.isItem(slot) {
			return dst, nil
		}
		labels, err := c.from.Labels(slot)
		return codec.AppendLabels(dst, labels), err
	})
}
