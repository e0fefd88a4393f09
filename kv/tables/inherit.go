package tables

import (
	"bytes"
	"encoding/binary"
	"slices"

	"github.com/hannoydb/hannoy/codec"
	"github.com/hannoydb/hannoy/kv/pages"
)

// inheritance is a table of which changes are to be forgotten: an entry for each number
// that can follow the prefix of the keys of its records.
type inheritance struct {
	prefix  []byte
	entries int
	forget  func(from, to uint32, long []pages.Long)
}

// Inherit gives x, of which nothing was touched, all that old has, the same index as of an
// earlier commit. Before x is used, changed must be called with all that has changed since.
func (x *Index) Inherit(old *Index) (changed func(*pages.Change)) {
	var all []inheritance
	addPrefix := func(prefix []byte, entries int, forget func(from, to uint32, long []pages.Long)) {
		all = append(all, inheritance{prefix, entries, forget})
	}
	add := func(kind codec.Kind, entries int, forget func(from, to uint32, long []pages.Long)) {
		addPrefix(codec.AppendPrefix(nil, x.id, kind), entries, forget)
	}
	count := int(codec.Blocks(x.Meta.NextSlot))
	if x.Meta.Edition == old.Meta.Edition {
		x.links.share(old.links)
		addPrefix(codec.AppendLinksPrefix(nil, x.id, x.Meta.Edition), count, func(from, to uint32, _ []pages.Long) { x.links.forget(old.links, from, to) })
	}
	x.keys.share(old.keys)
	add(codec.KindKey, len(x.keys)*chunkBlocks, func(from, to uint32, _ []pages.Long) { x.keys.forget(old.keys, from, to) })
	for i := range min(len(x.towers), len(old.towers)) {
		t := x.towers[i]
		t.share(old.towers[i])
		addPrefix(codec.AppendTowersPrefix(nil, x.id, i+1), len(t), func(from, to uint32, _ []pages.Long) { t.forget(from, to) })
	}
	for _, flat := range []struct {
		kind     codec.Kind
		now, old lazy[[]byte]
	}{{codec.KindSlotID, x.ids, old.ids}, {codec.KindRank, x.ranks, old.ranks}} {
		flat.now.share(flat.old)
		add(flat.kind, len(flat.now), func(from, to uint32, long []pages.Long) { forgetFlats(flat.now, from, to, long) })
	}
	for _, slabs := range []struct{ now, old *Slabs }{{x.Vectors, old.Vectors}, {x.Codes, old.Codes}} {
		if slabs.now != nil && slabs.old != nil && slabs.now.Slab == slabs.old.Slab {
			slabs.now.share(slabs.old)
			add(slabs.now.kind, len(slabs.now.table.entries), slabs.now.forget)
		}
	}
	return func(c *pages.Change) {
		for _, t := range all {
			if from, to := numbersBetween(c, t.prefix, uint32(t.entries)); from < to {
				t.forget(from, to, longOf(c, t.prefix))
			}
		}
	}
}

// LookUp looks up what the tables of old have and those of x, which have inherited from
// them, have not. What cannot be read says so to who reads it.
func (x *Index) LookUp(old *Index) {
	x.links.missing(old.links, func(block uint32) { _, _ = x.touchLinks(block) })
	x.keys.missing(old.keys, func(block uint32) { _, _ = x.touchKeys(block) })
	for i := range min(len(x.towers), len(old.towers)) {
		x.towers[i].missing(old.towers[i], func(block uint32) { _, _ = x.touchTower(i+1, block) })
	}
	x.ids.missing(old.ids, func(block uint32) { _, _, _ = x.flat(x.ids, codec.KindSlotID, block*codec.FlatSpan) })
	x.ranks.missing(old.ranks, func(block uint32) { _, _, _ = x.flat(x.ranks, codec.KindRank, block*codec.FlatSpan) })
}

// numbersBetween returns which numbers below n, behind the prefix, are keys between the
// bounds of a change.
func numbersBetween(c *pages.Change, prefix []byte, n uint32) (from, to uint32) {
	number := func(key []byte) (uint32, bool) {
		if len(key) != len(prefix)+4 || !bytes.HasPrefix(key, prefix) {
			return 0, false
		}
		return binary.BigEndian.Uint32(key[len(prefix):]), true
	}
	if low, ok := number(c.Low); ok {
		from = min(low, n-1) + 1
	} else if c.Low != nil && bytes.Compare(c.Low, prefix) > 0 {
		from = n
	}
	to = n
	if high, ok := number(c.High); ok {
		to = min(high, n)
	} else if c.High != nil && bytes.Compare(c.High, prefix) < 0 {
		to = 0
	}
	return from, to
}

// longOf returns those of the long records of a change whose keys begin with the prefix.
func longOf(c *pages.Change, prefix []byte) []pages.Long {
	compare := func(l pages.Long, prefix []byte) int { return bytes.Compare(l.Key, prefix) }
	from, _ := slices.BinarySearchFunc(c.Long, prefix, compare)
	to := from
	for to < len(c.Long) && len(c.Long[to].Key) == len(prefix)+4 && bytes.HasPrefix(c.Long[to].Key, prefix) {
		to++
	}
	return c.Long[from:to]
}

// longValue takes the record with the number off the front of long, which ascends, and
// returns its value, nil if there is none.
func longValue(long *[]pages.Long, number uint32) []byte {
	for len(*long) > 0 {
		l := (*long)[0]
		n := binary.BigEndian.Uint32(l.Key[len(l.Key)-4:])
		if n > number {
			return nil
		}
		*long = (*long)[1:]
		if n == number {
			return l.Value
		}
	}
	return nil
}
