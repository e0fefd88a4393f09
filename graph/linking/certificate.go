package linking

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/hannoydb/hannoy/graph"
)

// guardianEf is the width of the search for a neighbour of lower rank.
const guardianEf = 32

// certify gives every orphan among the suspects of the level a neighbour of lower
// rank, its guardian. A root that is gone is replaced first: the slot whose rank
// is now the lowest had only dead neighbours below it, so it is an orphan. When
// there is none, the level is empty and vanishes.
//
// Orphans are served in ascending order of rank, one after the other. To serve
// one may make others, of higher rank only, so it ends.
func (b *Builder) certify(level int) error {
	if b.unfinished != nil {
		return b.unfinished
	}
	m := &b.mend
	m.lost = slices.Grow(m.lost[:0], len(m.suspects))[:len(m.suspects)]
	b.all(len(m.suspects), func(w *worker, i int) { m.lost[i] = !b.certified(w, level, m.suspects[i]) })
	orphans := m.suspects[:0]
	for i, slot := range m.suspects {
		if m.lost[i] {
			orphans = append(orphans, slot)
		}
	}
	if b.unfinished != nil {
		return b.unfinished
	}
	slices.SortFunc(orphans, b.byRank)
	if level >= len(b.roots) {
		return ErrDamaged
	}
	if b.Rank(b.roots[level]) == 0 {
		if len(orphans) == 0 {
			b.roots = b.roots[:level]
			return nil
		}
		b.roots[level] = orphans[0]
	}
	for len(orphans) > 0 {
		orphan := orphans[0]
		orphans = orphans[1:]
		if b.certified(b.workers[0], level, orphan) {
			continue
		}
		if b.unfinished = b.changing.Err(); b.unfinished != nil {
			return b.unfinished
		}
		more, err := b.adopt(level, orphan)
		if err != nil {
			return err
		}
		for _, slot := range more {
			at, _ := slices.BinarySearchFunc(orphans, slot, b.byRank)
			orphans = slices.Insert(orphans, at, slot)
		}
	}
	return nil
}

func (b *Builder) byRank(x, y graph.Slot) int { return cmp.Compare(b.Rank(x), b.Rank(y)) }

// certified reports whether the slot is the root or has a neighbour of lower rank.
func (b *Builder) certified(w *worker, level int, slot graph.Slot) bool {
	return slot == b.roots[level] || b.guarded(w, level, slot, slot)
}

// guarded reports whether the slot has a neighbour of lower rank other than one.
func (b *Builder) guarded(w *worker, level int, slot, other graph.Slot) bool {
	rank := b.Rank(slot)
	w.links = b.AppendLinks(w.links[:0], slot, level)
	for _, n := range w.links {
		if n != other {
			if r := b.Rank(n); r != 0 && r < rank {
				return true
			}
		}
	}
	return false
}

// adopt links the orphan to a slot of lower rank, and returns the slots which have
// become orphans by that.
func (b *Builder) adopt(level int, orphan graph.Slot) ([]graph.Slot, error) {
	rank := b.Rank(orphan)
	guardian, ok := b.nearGuardian(level, orphan, rank)
	var more []graph.Slot
	if !ok {
		guardian, more, ok = b.anyGuardian(level, rank)
	}
	var own []graph.Slot
	if ok { // all neighbours of an orphan are of higher rank, so there is one to evict
		ok, own = b.makeRoom(level, orphan, rank, true)
	}
	if !ok {
		return nil, fmt.Errorf("graph: level %d has no neighbour for slot %d of rank %d: its lists contradict each other", level, orphan, rank)
	}
	b.putIn(level, orphan, guardian)
	b.putIn(level, guardian, orphan)
	return append(more, own...), nil
}

// nearGuardian makes room at the nearest of those that the orphan was cut from, or else
// of the neighbours of its neighbours, or else at the nearest that a search finds, which
// costs a hundred times as many distances: where the oldest slots leave first, one or two
// orphans are left by each.
func (b *Builder) nearGuardian(level int, orphan graph.Slot, rank uint32) (graph.Slot, bool) {
	w := b.workers[0]
	var known []graph.Slot
	at, _ := slices.BinarySearch(b.mend.cuts, makeLink(orphan, 0))
	for _, c := range b.mend.cuts[at:] {
		if graph.Slot(c>>32) != orphan {
			break
		}
		if b.Rank(graph.Slot(c)) != 0 {
			known = append(known, graph.Slot(c))
		}
	}
	w.points.MoveTo(orphan)
	near := slices.Clone(w.measure(known))
	slices.SortFunc(near, graph.Around(orphan).Compare)
	if slot, ok := b.firstWithRoom(level, near, rank); ok {
		return slot, true
	}
	w.points.MoveTo(orphan)
	near = slices.Clone(w.measure(b.elders(level, orphan, rank)))
	slices.SortFunc(near, graph.Around(orphan).Compare)
	if slot, ok := b.firstWithRoom(level, near, rank); ok {
		return slot, true
	}
	known = append(b.AppendLinks(known, orphan, level), b.roots[level])
	slices.Sort(known)
	w.points.MoveTo(orphan)
	entries := slices.Clone(w.measure(slices.Compact(known)))
	w.search.Order = graph.Around(orphan)
	near = slices.Clone(w.search.Beam(b, w.points, entries, level, graph.Plain(guardianEf), nil))
	return b.firstWithRoom(level, near, rank)
}

// elders are the neighbours of the orphan's neighbours of lower rank than it.
func (b *Builder) elders(level int, orphan graph.Slot, rank uint32) []graph.Slot {
	var all, links []graph.Slot
	for _, n := range b.AppendLinks(nil, orphan, level) {
		links = b.AppendLinks(links[:0], n, level)
		for _, m := range links {
			if r := b.Rank(m); r != 0 && r < rank {
				all = append(all, m)
			}
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// firstWithRoom finds the first slot of lower rank at which there is, or can be
// made, room without making an orphan.
func (b *Builder) firstWithRoom(level int, near []graph.Neighbor, rank uint32) (graph.Slot, bool) {
	for _, n := range near {
		if r := b.Rank(n.Slot); r == 0 || r >= rank {
			continue
		}
		if ok, _ := b.makeRoom(level, n.Slot, rank, false); ok {
			return n.Slot, true
		}
	}
	return 0, false
}

// anyGuardian walks from the root over slots of lower rank to the first at which
// room can be made, if need be by making an orphan of higher rank.
//
// There is one: the slots of rank below the orphan's are connected from the root.
// If none had room, a link to spare, or a link on which only a slot of higher rank
// depends, then each would be full of links on which others among them depend. But
// a slot depends on one link at most, so there are too few such links for a cap of
// two or more.
func (b *Builder) anyGuardian(level int, rank uint32) (graph.Slot, []graph.Slot, bool) {
	seen := map[graph.Slot]bool{b.roots[level]: true}
	way := []graph.Slot{b.roots[level]}
	var links []graph.Slot
	for i := 0; i < len(way); i++ {
		if r := b.Rank(way[i]); r == 0 || r >= rank {
			continue
		}
		if ok, more := b.makeRoom(level, way[i], rank, true); ok {
			return way[i], more, true
		}
		links = b.AppendLinks(links[:0], way[i], level)
		for _, n := range links {
			if !seen[n] {
				seen[n] = true
				way = append(way, n)
			}
		}
	}
	return 0, nil, false
}

// makeRoom makes sure that the list of the slot has room for one more. It gives up
// the farthest link that no certificate depends on. Failing that, and if it may
// evict, it gives up the link to the neighbour of highest rank, above the given
// one, and returns that neighbour, which is an orphan then.
func (b *Builder) makeRoom(level int, slot graph.Slot, above uint32, evict bool) (bool, []graph.Slot) {
	w := b.workers[0]
	w.links = b.AppendLinks(w.links[:0], slot, level)
	if len(w.links) < b.params.Cap(level) {
		return true, nil
	}
	w.points.MoveTo(slot)
	near := w.measure(w.links)
	slices.SortFunc(near, graph.Around(slot).Compare)
	for _, n := range slices.Backward(near) {
		if b.spare(w, level, slot, n.Slot) {
			b.unlink(level, slot, n.Slot)
			return true, nil
		}
	}
	if !evict {
		return false, nil
	}
	last := slices.MaxFunc(near, func(x, y graph.Neighbor) int { return b.byRank(x.Slot, y.Slot) }).Slot
	if b.Rank(last) <= max(above, b.Rank(slot)) {
		return false, nil
	}
	b.unlink(level, slot, last)
	return true, []graph.Slot{last}
}

// spare reports whether no certificate depends on the link.
func (b *Builder) spare(w *worker, level int, x, y graph.Slot) bool {
	if b.Rank(x) < b.Rank(y) {
		x, y = y, x
	}
	return b.guarded(w, level, x, y)
}

func (b *Builder) unlink(level int, x, y graph.Slot) {
	b.takeOut(level, x, y)
	b.takeOut(level, y, x)
}
