package kv

import (
	"bytes"
	"encoding/binary"
	"slices"
	"time"

	"github.com/hannoydb/hannoy/codec"
	"github.com/hannoydb/hannoy/kv/pages"
)

// inheritFor is how long the tables of an index are handed on, commit by commit, while
// nobody asks for it.
const inheritFor = 10 * time.Second

// inherit makes the tables of s, which nobody uses yet, what those of the snapshot
// before have become: most of what a commit does not change lies where it lay. What
// has changed is looked up anew when it is touched, as everything is if old cannot be
// inherited from, or if this fails.
func (s *Snapshot) inherit(old *Snapshot) {
	if poisoning {
		return // what the old one lent is about to be spoiled
	}
	if s.outline == nil || old.outline == nil {
		return
	}
	var heirs []*heir
	now := time.Now()
	old.mu.Lock()
	for id, from := range old.indexes {
		asked := from.asked
		if from.used.Load() {
			asked = now
		}
		if now.Sub(asked) > inheritFor {
			continue
		}
		// An index that cannot be opened says so to who asks for it.
		if x, err := s.openIndex(id); err == nil {
			x.asked = asked
			heirs = append(heirs, newHeir(x, from))
		}
	}
	old.mu.Unlock()
	whole := s.outline.Changes(old.outline, func(c *pages.Change) {
		for _, h := range heirs {
			h.forget(c)
		}
	})
	for _, h := range heirs {
		if whole {
			s.indexes[h.x.id] = h.x
		} else {
			h.x.free()
		}
	}
}

// heir is an index that inherits the tables of the same index as of an earlier commit.
type heir struct {
	x      *Index
	tables []inheritance
}

// inheritance is a table of which changes are to be forgotten: an entry for each number
// that can follow the prefix of the keys of its records.
type inheritance struct {
	prefix  []byte
	entries int
	forget  func(from, to uint32, long []pages.Long)
}

// newHeir gives the tables of x all that the old ones have.
func newHeir(x, old *Index) *heir {
	h := &heir{x: x}
	addPrefix := func(prefix []byte, entries int, forget func(from, to uint32, long []pages.Long)) {
		h.tables = append(h.tables, inheritance{prefix, entries, forget})
	}
	add := func(kind codec.Kind, entries int, forget func(from, to uint32, long []pages.Long)) {
		addPrefix(codec.AppendPrefix(nil, x.id, kind), entries, forget)
	}
	count := (int(x.Meta.NextSlot) + codec.BlockSlots - 1) / codec.BlockSlots
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
	return h
}

// forget forgets what has changed.
func (h *heir) forget(c *pages.Change) {
	for i := range h.tables {
		t := &h.tables[i]
		from, to := numbersBetween(c, t.prefix, uint32(t.entries))
		if from < to {
			t.forget(from, to, longOf(c, t.prefix))
		}
	}
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
