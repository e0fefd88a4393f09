package salvage

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/hannoydb/hannoy/codec"
	"github.com/hannoydb/hannoy/distance"
	"github.com/hannoydb/hannoy/kv/pages"
)

// Item is a sound item. Its slices are the caller's.
type Item struct {
	Key    []byte
	Row    []byte // the stored form of the vector
	Value  []byte // nil: none, or lost
	Labels []string
}

// Losses says what could not be returned.
type Losses struct {
	Vectors   int      // items whose vector is damaged
	Values    int      // items returned without their value
	Doubtful  int      // slots with a key that may be deleted items: nothing says that they are not
	Conflicts int      // keys and slots about which sound records disagree
	Orphans   int      // items returned whose vector lies where the tree does not lead any more
	Keys      [][]byte // of the items whose vector is damaged, the first 1,000
}

const maxKeys = 1000

// Items calls yield with each sound item, in the order of slots, until it returns an
// error.
func (x *Index) Items(ctx context.Context, yield func(Item) error) (*Losses, error) {
	lost := &Losses{}
	if x.Meta == nil {
		return lost, fmt.Errorf("index %d: its metadata are lost: %w", x.ID, codec.ErrCorrupt)
	}
	kernel, err := distance.New(distance.Metric(x.Meta.Metric), distance.VectorType(x.Meta.VectorType), int(x.Meta.Dimensions))
	if err != nil {
		return lost, fmt.Errorf("%w: %w", codec.ErrCorrupt, err)
	}
	rows := rowReader{index: x, kernel: kernel, current: -1}
	keys := x.assign(lost)
	for n, slot := range slices.Sorted(maps.Keys(keys)) {
		if n%256 == 0 && ctx.Err() != nil {
			return lost, ctx.Err()
		}
		item := Item{Key: []byte(keys[slot]), Labels: x.labelsOf(slot)}
		if item.Row = rows.read(slot); item.Row == nil {
			if lost.Vectors++; len(lost.Keys) < maxKeys {
				lost.Keys = append(lost.Keys, item.Key)
			}
			continue
		}
		if rows.from == pages.Orphan {
			lost.Orphans++
		}
		var ok bool
		if item.Value, ok = x.value(slot); !ok {
			lost.Values++
		}
		if err := yield(item); err != nil {
			return lost, err
		}
	}
	return lost, nil
}

// assign says which slots hold items, and their keys.
func (x *Index) assign(lost *Losses) map[uint32]string {
	keys := make(map[uint32]string, len(x.forward))
	claims := map[uint32]int{} // by slot: keys that map to it, whether or not they are believed
	for _, key := range slices.Sorted(maps.Keys(x.forward)) {
		for _, c := range x.forward[key] {
			claims[c.slot]++
		}
		if slot, ok := x.choose(key, lost); ok {
			if _, taken := keys[slot]; !taken || x.back[slot] == key {
				keys[slot] = key
			}
		}
	}
	for slot, n := range claims {
		if _, known := x.back[slot]; n > 1 && !known && keys[slot] != "" {
			delete(keys, slot) // two keys, and nothing says which is the older
			lost.Conflicts++
		}
	}
	// The key of a slot, where the record that maps the key to the slot is lost: a slot that
	// is dead or free keeps its key.
	in := x.occupied()
	for slot, key := range x.back {
		if claims[slot] > 0 || x.empty.Contains(slot) || len(x.forward[key]) > 0 || !x.isLost(key) {
			continue
		}
		if !in.Contains(slot) {
			lost.Doubtful++
			continue
		}
		keys[slot] = key
	}
	return keys
}

// knowsEmpty reports whether all dead and free slots are known: by their number or, where the
// metadata that have it are lost, since no record that could name one is.
func (x *Index) knowsEmpty() bool {
	if x.Current {
		return x.empty.GetCardinality() == uint64(x.Meta.Dead)+uint64(x.Meta.Free)
	}
	chunks := map[uint16]bool{}
	for slot := range x.back {
		chunks[uint16(slot>>16)] = true
	}
	for chunk := range chunks {
		for _, set := range []codec.Set{codec.SetDead, codec.SetFree} {
			if x.wreck.lost(codec.AppendSetKey(nil, x.ID, set, chunk)) {
				return false
			}
		}
	}
	return true
}

// isLost reports whether the record that maps the key to its slot could have been on
// a page that is lost, or is damaged itself.
func (x *Index) isLost(key string) bool {
	record := codec.AppendSlotKey(nil, x.ID, []byte(key))
	if x.Meta.IDs {
		id, err := codec.ParseID([]byte(key))
		if err != nil {
			return false
		}
		record = codec.AppendNumberKey(nil, x.ID, codec.KindIDSlot, id/codec.FlatSpan)
	}
	return x.wreck.lost(record)
}

// lost reports whether a record that was not found may have been there.
func (w *Wreck) lost(key []byte) bool {
	return w.bad[string(key)] || slices.ContainsFunc(w.Pages.Lost, func(r pages.Range) bool { return r.Has(key) })
}

// choose picks the slot of a key, of those that records name: the one that maps back
// to it, and that is not empty.
func (x *Index) choose(key string, lost *Losses) (slot uint32, ok bool) {
	claims := x.forward[key]
	n := 0
	for _, c := range claims {
		back, known := x.back[c.slot]
		if known && back != key || x.empty.Contains(c.slot) || !known && c.from != pages.InTree && len(claims) > 1 {
			continue
		}
		if n == 0 || c.slot != slot {
			n++
		}
		slot = c.slot
	}
	if n != 1 {
		lost.Conflicts++
	}
	return slot, n == 1
}

// labelsOf returns the labels of a slot: those that its block has or, if that is lost,
// those whose sets have it.
func (x *Index) labelsOf(slot uint32) []string {
	if labels := x.labels[slot]; labels != nil || x.blocks[slot/codec.BlockSlots] {
		return labels
	}
	var labels []string
	for _, label := range slices.Sorted(maps.Keys(x.sets)) {
		if x.sets[label].Contains(slot) {
			labels = append(labels, label)
		}
	}
	return labels
}

// value reads the value of a slot; it is not ok if there is one and it is damaged.
func (x *Index) value(slot uint32) (value []byte, ok bool) {
	places := []*pages.Value{x.values[slot]}
	if x.before != nil {
		places = append(places, x.before.values[slot])
	}
	ok = true
	for _, v := range places {
		if v == nil {
			continue
		}
		whole, err := v.Append(nil, v.Len())
		if err == nil {
			value, err = codec.Open(codec.AppendNumberKey(nil, x.ID, codec.KindValue, slot), whole)
		}
		if ok = err == nil; ok {
			return value, true
		}
	}
	return nil, ok
}

// rowReader reads rows of slots in ascending order, a slab at a time.
type rowReader struct {
	index   *Index
	kernel  *distance.Kernel
	current int64 // slab, -1 for none yet
	found   slabFound
	from    pages.Origin
	earlier slabFound // the slab of the commit before
	vector  []float32
}

// slabFound is a slab's value, nil for none, and which of its pieces are sound.
type slabFound struct {
	value []byte
	sound []bool
}

// read returns a copy of the row of a slot, or nil if it is not sound.
func (r *rowReader) read(slot uint32) []byte {
	n, i := r.index.Meta.Slab.Of(slot)
	if int64(n) != r.current {
		r.current = int64(n)
		r.load(n)
	}
	row := r.row(&r.found, i)
	if row == nil && r.index.settled(slot) {
		row = r.row(&r.earlier, i)
	}
	return row
}

func (r *rowReader) row(s *slabFound, i uint32) []byte {
	geometry := r.index.Meta.Slab
	if s.value == nil || !geometry.SoundRow(s.sound, i) {
		return nil
	}
	row := slices.Clone(geometry.Row(s.value, i)[:r.kernel.RowBytes()])
	if r.kernel.Type() != distance.Bits {
		r.vector = r.kernel.Vector(r.vector[:0], row)
	}
	if r.kernel.CheckRow(row, r.vector) != nil {
		return nil // a row that never held an item: what says that it does is wrong
	}
	return row
}

// load reads slab n: where the tree leads, unless that is nowhere or to the slab of another, as
// a damaged page does; and as the commit before has it.
func (r *rowReader) load(n uint32) {
	x := r.index
	r.from, r.found = pages.InTree, x.slab(x.slabs, n)
	if r.found.value == nil {
		r.from, r.found = pages.Orphan, x.slab(x.orphans, n)
	}
	r.earlier = slabFound{}
	if x.before != nil {
		r.earlier = x.slab(x.before.slabs, n)
	}
}

// slab reads slab n, if there is one of which a piece is sound.
func (x *Index) slab(slabs map[uint32]slab, n uint32) slabFound {
	geometry := x.Meta.Slab
	s, ok := slabs[n]
	if !ok || s.value.Len() < int64(geometry.Bytes()) {
		return slabFound{}
	}
	value, err := s.value.Append(nil, int64(geometry.Bytes()))
	if err != nil {
		return slabFound{}
	}
	sound := geometry.SoundPieces(codec.AppendNumberKey(nil, x.ID, codec.KindVectors, n), value)
	if !slices.Contains(sound, true) {
		return slabFound{}
	}
	return slabFound{value, sound}
}
