package linking

import (
	"slices"

	"github.com/hannoydb/hannoy/graph"
)

// link is one direction of a link: the list's owner in the upper half, the
// neighbour in the lower. Sorted links are grouped by owner. A link from a slot
// to itself only says that the owner's list is to be looked at.
type link = uint64

func makeLink(from, to graph.Slot) link { return link(from)<<32 | link(to) }

// mend is the scratch of the changes to a level.
type mend struct {
	links    []link // to be added
	cuts     []link // that were taken out, in both directions
	groups   []group
	suspects []graph.Slot // slots that may have lost their certificate
	lost     []bool
}

// group is a run of sorted links with one owner.
type group struct {
	key      uint32
	from, to int
	entry    uint32
	fresh    bool
}

func (g group) of(links []link) []link { return links[g.from:g.to] }

func groupsOf(links []link) []group { return appendGroups(nil, links) }

func appendGroups(groups []group, links []link) []group {
	for i, l := range links {
		if key := uint32(l >> 32); i == 0 || key != groups[len(groups)-1].key {
			groups = append(groups, group{key: key, from: i})
		}
		groups[len(groups)-1].to = i + 1
	}
	return groups
}

// merge adds b.mend.links to the level, takes the dead slots out, and prunes the
// lists that have become too long, each once and with all its newcomers. What a
// list's owner cuts off is taken out of the other list too. It leaves the cuts
// and the slots that may be orphans, the given suspects among them, in b.mend.
//
// Every list is merged and pruned by itself from what it was before, so the
// outcome does not depend on the order in which goroutines come to them.
func (b *Builder) merge(level int, dead map[graph.Slot]bool, suspects []graph.Slot) {
	m := &b.mend
	slices.Sort(m.links)
	m.links = slices.Compact(m.links)
	m.groups = appendGroups(m.groups[:0], m.links)
	l := b.level(level)
	for i := range m.groups {
		g := &m.groups[i]
		g.entry, g.fresh = b.claim(level, g.key)
	}
	for _, w := range b.workers {
		w.cut = w.cut[:0]
	}
	b.all(len(m.groups), func(w *worker, i int) { b.mergeList(w, l, level, m.groups[i], dead) })
	b.applyCuts(level)
	m.suspects = m.suspects[:0]
	for _, c := range m.cuts {
		if from, to := graph.Slot(c>>32), graph.Slot(c); b.Rank(from) > b.Rank(to) {
			m.suspects = append(m.suspects, from)
		}
	}
	m.suspects = append(m.suspects, suspects...)
	slices.Sort(m.suspects)
	m.suspects = slices.Compact(m.suspects)
}

// all is each for what changes lists. When it ends early, the builder ends too.
func (b *Builder) all(n int, do func(w *worker, i int)) {
	if err := b.each(b.changing, n, 16, do); err != nil {
		b.unfinished = err
	}
}

// claim gives the slot an entry for its list on the level. If that is fresh, the
// list is still to be read from the committed graph.
func (b *Builder) claim(level int, slot graph.Slot) (entry uint32, fresh bool) {
	l := b.level(level)
	gone := l.entry(slot) == removed
	entry, fresh = l.own(slot)
	return entry, fresh && !gone
}

// mergeList makes the new list of one owner.
func (b *Builder) mergeList(w *worker, l *lists, level int, g group, dead map[graph.Slot]bool) {
	if g.fresh {
		w.links = b.committed.AppendLinks(w.links[:0], g.key, level)
	} else {
		w.links = append(w.links[:0], l.links(g.entry)...)
	}
	if dead != nil {
		w.links = slices.DeleteFunc(w.links, func(s graph.Slot) bool { return dead[s] })
	}
	for _, add := range g.of(b.mend.links) {
		if graph.Slot(add) != g.key {
			w.links = append(w.links, graph.Slot(add))
		}
	}
	slices.Sort(w.links)
	w.links = slices.Compact(w.links)
	if limit := b.params.Cap(level); len(w.links) > limit {
		w.prune(g.key, limit, fills(level))
	}
	l.write(g.entry, w.links)
}

// prune chooses at most limit of w.links, and notes the others as cut.
func (w *worker) prune(owner graph.Slot, limit int, fill bool) {
	w.points.MoveTo(owner)
	near := w.measure(w.links)
	slices.SortFunc(near, graph.Around(owner).Compare)
	kept := w.choose(near, limit, fill)
	w.links = w.links[:0]
	for i, n := range near {
		if i < kept {
			w.links = append(w.links, n.Slot)
		} else {
			w.cut = append(w.cut, makeLink(owner, n.Slot), makeLink(n.Slot, owner))
		}
	}
	slices.Sort(w.links)
}

// applyCuts takes the cut links out of both lists.
func (b *Builder) applyCuts(level int) {
	m := &b.mend
	m.cuts = m.cuts[:0]
	for _, w := range b.workers {
		m.cuts = append(m.cuts, w.cut...)
	}
	slices.Sort(m.cuts)
	m.cuts = slices.Compact(m.cuts)
	for _, c := range m.cuts {
		b.takeOut(level, graph.Slot(c>>32), graph.Slot(c))
	}
}

// ownLinks gives the slot a list of its own on the level.
func (b *Builder) ownLinks(level int, slot graph.Slot) (entry uint32, links []graph.Slot) {
	l := b.level(level)
	entry, fresh := b.claim(level, slot)
	if fresh {
		w := b.workers[0]
		w.links = b.committed.AppendLinks(w.links[:0], slot, level)
		// A longer list is damage, which Check reports.
		l.write(entry, w.links[:min(len(w.links), b.params.Cap(level))])
	}
	return entry, l.links(entry)
}

// takeOut takes a neighbour out of one list.
func (b *Builder) takeOut(level int, slot, neighbor graph.Slot) {
	entry, links := b.ownLinks(level, slot)
	if at, found := slices.BinarySearch(links, neighbor); found {
		b.level(level).write(entry, slices.Delete(links, at, at+1))
	}
}

// putIn puts a neighbour into one list, which must have room.
func (b *Builder) putIn(level int, slot, neighbor graph.Slot) {
	entry, links := b.ownLinks(level, slot)
	if at, found := slices.BinarySearch(links, neighbor); !found {
		w := b.workers[0]
		w.links = slices.Insert(append(w.links[:0], links...), at, neighbor)
		b.level(level).write(entry, w.links)
	}
}
