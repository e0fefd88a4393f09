package graph

import (
	"context"
	"slices"
)

const (
	// Removed slots are mended around in batches of this many: every batch leaves
	// a sound graph, and a cancelled context is heeded in between.
	largestRemoval = 256

	// Each neighbour of a removed slot is linked to this many of the others, its
	// nearest. Two keep recall through five turnovers of an index at that of a
	// fresh build; a third only costs.
	repairLinks = 2

	// Through removed slots that hang together a neighbour sees about this many
	// slots at most.
	repairReach = 200
)

// Remove takes slots out of the graph and links their neighbours to each other.
// Slots that are not linked are passed over. When the context is done it returns
// its error; with Params.WholeRounds some of the slots are removed then, and the
// graph is sound. Without, and after any other error, the builder is unusable.
//
// The repair only adds links, and prunes a list only when it is full: to choose
// anew at each removal would thin the lists out.
func (b *Builder) Remove(ctx context.Context, dead []Placed) error {
	if err := b.begin(ctx); err != nil {
		return err
	}
	linked := make([]Placed, 0, len(dead))
	for _, p := range dead {
		if b.Rank(p.Slot) != 0 {
			linked = append(linked, p)
		}
	}
	slices.SortFunc(linked, func(x, y Placed) int { return int(int64(x.Slot) - int64(y.Slot)) })
	linked = slices.Compact(linked)
	for batch := range slices.Chunk(linked, min(largestRemoval, b.largestRound())) {
		if err := b.removeBatch(ctx, batch); err != nil {
			return err
		}
	}
	return ctx.Err()
}

func (b *Builder) removeBatch(ctx context.Context, batch []Placed) error {
	dead := make(map[Slot]bool, len(batch))
	for _, p := range batch {
		dead[p.Slot] = true
	}
	bridges := make([][]link, len(b.roots))
	for level := range bridges {
		on := slots(batch, level)
		found := make([][]link, len(on))
		err := b.each(ctx, len(on), 1, func(w *worker, i int) { found[i] = b.bridge(w, on[i], level, dead) })
		if err != nil {
			return err
		}
		bridges[level] = slices.Concat(found...)
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
func slots(batch []Placed, level int) []Slot {
	var on []Slot
	for _, p := range batch {
		if int(p.Level) >= level {
			on = append(on, p.Slot)
		}
	}
	return on
}

// owners are the slots whose lists the links change.
func owners(links []link) []Slot {
	var all []Slot
	for _, l := range links {
		all = append(all, Slot(l>>32))
	}
	return all
}

// bridge chooses the links that replace a dead slot: between each of its live
// neighbours and the nearest of the others, among which are those behind dead
// neighbours.
func (b *Builder) bridge(w *worker, gone Slot, level int, dead map[Slot]bool) []link {
	live, near := b.around(gone, level, dead)
	var links []link
	for _, p := range live[:near] {
		links = append(links, makeLink(p, p))
		w.points.MoveTo(p)
		others := w.measure(live)
		slices.SortFunc(others, around(p).compare)
		taken := 0
		for _, n := range others {
			if n.Slot != p && taken < repairLinks {
				links = append(links, makeLink(p, n.Slot), makeLink(n.Slot, p))
				taken++
			}
		}
	}
	return links
}

// around lists the live slots that lead to the dead one: first its neighbours,
// near in number, then those that are connected with it through dead ones.
func (b *Builder) around(gone Slot, level int, dead map[Slot]bool) (live []Slot, near int) {
	seen := map[Slot]bool{gone: true}
	way := []Slot{gone}
	var links []Slot
	for i := 0; i < len(way); i++ {
		links = b.AppendLinks(links[:0], way[i], level)
		for _, n := range links {
			if seen[n] || i > 0 && len(seen) > repairReach {
				continue
			}
			seen[n] = true
			if dead[n] {
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
