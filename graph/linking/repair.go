package linking

import (
	"context"
	"slices"

	"github.com/hannoydb/hannoy/graph"
)

const (
	// Removed slots are mended around in batches of this many: every batch leaves
	// a sound graph, and a cancelled context is heeded in between.
	largestRemoval = 256

	// For each link that a slot loses it is offered this many others, the nearest to
	// it of those around the removed slot. Two keep recall through five turnovers of an
	// index at that of a fresh build; a third only costs.
	repairLinks = 2

	// From a removed slot the repair looks about this far, in slots: through those that
	// are removed too, to the other side of the hole. Three times as many make the removal
	// of a whole region twice as dear and find no more.
	repairReach = 64
)

// Remove takes slots out of the graph and links their neighbours to each other.
// Slots that are not linked are passed over. No new link leads to those which are
// doomed: to be removed by a later call (nil dooms none). When the context is done it
// returns its error; with Params.WholeRounds some of the slots are removed then, and the
// graph is sound. Without, and after any other error, the builder is unusable.
//
// The repair only adds links, and prunes a list only when it is full: to choose
// anew at each removal would thin the lists out.
func (b *Builder) Remove(ctx context.Context, dead []Placed, doomed func(graph.Slot) bool) error {
	if err := b.begin(ctx); err != nil {
		return err
	}
	linked := make([]Placed, 0, len(dead))
	all := make(map[graph.Slot]bool, len(dead))
	for _, p := range dead {
		if b.Rank(p.Slot) != 0 && !all[p.Slot] {
			linked = append(linked, p)
			all[p.Slot] = true
		}
	}
	slices.SortFunc(linked, func(x, y Placed) int { return int(int64(x.Slot) - int64(y.Slot)) })
	gone := func(slot graph.Slot) bool { return all[slot] || doomed != nil && doomed(slot) }
	for batch := range slices.Chunk(linked, min(largestRemoval, b.largestRound())) {
		if err := b.removeBatch(ctx, batch, gone); err != nil {
			return err
		}
	}
	return ctx.Err()
}

func (b *Builder) removeBatch(ctx context.Context, batch []Placed, gone func(graph.Slot) bool) error {
	dead := make(map[graph.Slot]bool, len(batch))
	for _, p := range batch {
		dead[p.Slot] = true
	}
	bridges := make([][]link, len(b.roots))
	for level := range bridges {
		var err error
		on := slots(batch, level)
		if bridges[level], err = b.bridges(ctx, level, on, gone); err != nil {
			return err
		}
		bridges[level] = append(bridges[level], b.partings(level, on, func(slot graph.Slot) bool { return gone(slot) && !dead[slot] })...)
	}
	for _, p := range batch {
		if b.committed.Rank(p.Slot) != 0 {
			b.ranks.set(p.Slot, removed)
		} else {
			b.ranks.set(p.Slot, 0)
		}
	}
	b.linked -= len(batch)
	for level := len(b.roots) - 1; level >= 0; level-- {
		b.mend.links = append(b.mend.links[:0], bridges[level]...)
		for _, slot := range slots(batch, level) {
			b.level(level).drop(slot, b.committed.Has(slot, level))
		}
		b.merge(level, dead, owners(bridges[level]))
		if err := b.certify(level); err != nil {
			return err
		}
	}
	return nil
}

// slots are those of the batch that are on the level.
func slots(batch []Placed, level int) []graph.Slot {
	var on []graph.Slot
	for _, p := range batch {
		if int(p.Level) >= level {
			on = append(on, p.Slot)
		}
	}
	return on
}

// owners are the slots whose lists the links change.
func owners(links []link) []graph.Slot {
	var all []graph.Slot
	for _, l := range links {
		all = append(all, graph.Slot(l>>32))
	}
	return all
}

// bridges chooses the links that replace those to the dead slots of a level: between
// the slots that lose links and what lies around the dead.
func (b *Builder) bridges(ctx context.Context, level int, on []graph.Slot, gone func(graph.Slot) bool) ([]link, error) {
	around, near := make([][]graph.Slot, len(on)), make([]int, len(on))
	err := b.each(ctx, len(on), 1, func(_ *worker, i int) { around[i], near[i] = b.around(on[i], level, gone) })
	if err != nil {
		return nil, err
	}
	var losses []link // from a slot that lives to the place in on of one that it loses
	for i, slots := range around {
		for _, p := range slots[:near[i]] {
			losses = append(losses, makeLink(p, graph.Slot(i)))
		}
	}
	slices.Sort(losses)
	groups := groupsOf(losses)
	found := make([][]link, len(groups))
	err = b.each(ctx, len(groups), 1, func(w *worker, i int) {
		lost := groups[i].of(losses)
		w.offered = w.offered[:0]
		for _, l := range lost {
			w.offered = append(w.offered, around[graph.Slot(l)]...)
		}
		if len(lost) > 1 {
			slices.Sort(w.offered)
			w.offered = slices.Compact(w.offered)
		}
		found[i] = w.bridge(groups[i].key, repairLinks*len(lost))
	})
	return slices.Concat(found...), err
}

// partings names the neighbours of the dead slots that are to follow them: they lose
// links and get none.
func (b *Builder) partings(level int, on []graph.Slot, follows func(graph.Slot) bool) []link {
	var found []link
	var links []graph.Slot
	for _, dead := range on {
		links = b.AppendLinks(links[:0], dead, level)
		for _, n := range links {
			if follows(n) {
				found = append(found, makeLink(n, n))
			}
		}
	}
	return found
}

// bridge links the slot to the nearest of w.offered, each there once, at most so many, in
// both directions. That it has some of these links already is part of the measure: lists
// would grow otherwise.
func (w *worker) bridge(slot graph.Slot, most int) []link {
	w.points.MoveTo(slot)
	links := []link{makeLink(slot, slot)}
	for _, n := range graph.Around(slot).Nearest(w.measure(w.offered), most+1) {
		if n.Slot != slot && len(links) < 1+2*most {
			links = append(links, makeLink(slot, n.Slot), makeLink(n.Slot, slot))
		}
	}
	return links
}

// around lists the live slots that lead to the dead one: first its neighbours, near in
// number, then those that are connected with it through others that are gone.
func (b *Builder) around(dead graph.Slot, level int, gone func(graph.Slot) bool) (live []graph.Slot, near int) {
	seen := map[graph.Slot]bool{dead: true}
	way := []graph.Slot{dead}
	var links []graph.Slot
	for i := 0; i < len(way); i++ {
		links = b.AppendLinks(links[:0], way[i], level)
		for _, n := range links {
			if seen[n] || i > 0 && len(seen) > repairReach {
				continue
			}
			seen[n] = true
			if gone(n) {
				way = append(way, n)
			} else {
				live = append(live, n)
			}
		}
		if i == 0 {
			near = len(live)
		}
	}
	return live, near
}
