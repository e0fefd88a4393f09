package linking

import (
	"context"
	"errors"
	"slices"

	"github.com/hannoydb/hannoy/graph"
)

const (
	// A round takes one in this many slots of the graph at most: its slots choose
	// from the frozen graph, so a much larger share would choose from too little.
	// On 200,000 SIFT vectors 50 and 200 give the same recall as linking one by
	// one, within the noise of .0005.
	roundShare = 100

	// It takes one in this many of those that wait, too, so that the last see the
	// first even where all lie in one region of a much larger graph. When regions of
	// 160 SIFT vectors among 16,000 are replaced, recall at ef 10 after two turnovers
	// is .003 below that of a new graph; with whole regions in one round, .016.
	queueShare = 16
	leastRound = 4

	// No round is larger, however large the graph is, so that its scratch memory and
	// time are bounded.
	largestRound = 1024
	scratchBytes = 8 << 20

	// Slots of one round are offered to each other when they chose the same
	// neighbour among their nearest offerDoors; at most offerGroup per neighbour.
	offerDoors = 4
	offerGroup = 16
)

// ErrDamaged says that the committed graph is not what a Builder leaves.
var ErrDamaged = errors.New("graph: the committed graph breaks its invariants (check it)")

var errRanks = errors.New("graph: no rank is left for a slot")

// round is the scratch of a round.
type round struct {
	batch    []Placed
	first    []int // the seat of each slot of the batch on level 0; level l is l seats on
	seats    []seat
	found    []graph.Neighbor // room for the seats' lists
	chosen   []graph.Neighbor
	doors    map[graph.Slot]int
	meetings []uint64
	offers   []uint64
}

// seat is a slot of the round on one of its levels.
type seat struct {
	slot   graph.Slot
	level  int
	late   bool             // it is not taken, or waits for the next round
	found  []graph.Neighbor // what its search found, nearest first
	chosen []graph.Neighbor // the neighbours it takes, nearest first
}

// Round links the next slots of the queue and returns how many. When the context
// is done it returns its error within one search of each thread. With
// Params.WholeRounds the graph is then as after the last whole round, and sound;
// without, the builder must not be used any more, nor after any other error.
func (b *Builder) Round(ctx context.Context) (int, error) {
	if err := b.begin(ctx); err != nil {
		return 0, err
	}
	if len(b.queue) == 0 {
		return 0, ctx.Err()
	}
	r := &b.round
	r.batch = append(r.batch[:0], b.queue[:b.nextRound()]...)
	if uint64(b.nextRank)+uint64(len(r.batch)) >= uint64(removed) {
		return 0, errRanks
	}
	b.seat()
	if err := b.each(ctx, len(r.batch), 1, func(w *worker, i int) { b.place(w, r.batch[i], r.first[i]) }); err != nil {
		return 0, err
	}
	late := b.postpone()
	if err := b.introduce(ctx); err != nil {
		return 0, err
	}
	accepted := len(r.batch) - len(late)
	copy(b.queue[accepted:], late)
	b.queue = b.queue[accepted:]
	return accepted, b.link(accepted)
}

// nextRound is how many slots the next round takes from the queue.
func (b *Builder) nextRound() int {
	if int(b.queue[0].Level) >= len(b.roots) {
		return 1 // it becomes the root of new levels
	}
	largest := min(b.largestRound(), max(1, scratchBytes/8/b.params.EfConstruction))
	waiting := max(leastRound, len(b.queue)/queueShare)
	return min(max(1, b.linked/roundShare), waiting, largest, len(b.queue))
}

func (b *Builder) largestRound() int {
	if n := b.params.LargestRound; n != 0 {
		return n
	}
	return largestRound
}

// seat lays out the seats of the batch.
func (b *Builder) seat() {
	r := &b.round
	r.seats, r.first = r.seats[:0], r.first[:0]
	for _, p := range r.batch {
		r.first = append(r.first, len(r.seats))
		for level := range int(p.Level) + 1 {
			r.seats = append(r.seats, seat{slot: p.Slot, level: level})
		}
	}
	ef, m := b.params.EfConstruction, b.params.M
	r.found = slices.Grow(r.found[:0], len(r.seats)*ef)
	r.chosen = slices.Grow(r.chosen[:0], len(r.seats)*m)
	for i := range r.seats {
		r.seats[i].found = r.found[i*ef : i*ef : (i+1)*ef]
		r.seats[i].chosen = r.chosen[i*m : i*m : (i+1)*m]
	}
}

// place searches the frozen graph for the slot's neighbours on each of its levels.
func (b *Builder) place(w *worker, p Placed, first int) {
	top := len(b.roots) - 1
	if top < 0 {
		return
	}
	seats := b.round.seats[first : first+int(p.Level)+1]
	w.guide.MoveTo(p.Slot)
	w.search.Order = graph.Around(p.Slot)
	entries := append(w.near[:0], w.search.Descend(b, w.guide, b.roots[top], top, int(p.Level)+1))
	w.near = entries
	for level := min(int(p.Level), top); level >= 0; level-- {
		s := &seats[level]
		s.found = append(s.found, w.search.Beam(b, w.guide, entries, level, graph.Plain(b.params.EfConstruction), nil)...)
		entries = s.found
	}
	for level := range seats {
		if w.guide != w.points {
			w.sharpen(p.Slot, seats[level].found)
		}
		w.near = append(w.near[:0], seats[level].found...)
		w.settle(&seats[level], b.params.M)
	}
}

// sharpen replaces the guide's distances from the slot by exact ones.
func (w *worker) sharpen(slot graph.Slot, found []graph.Neighbor) {
	w.offered = w.offered[:0]
	for _, n := range found {
		w.offered = append(w.offered, n.Slot)
	}
	w.points.MoveTo(slot)
	near := w.measure(w.offered)
	slices.SortFunc(near, graph.Around(slot).Compare)
	copy(found, near)
}

// settle lets the seat choose among w.near, nearest first.
func (w *worker) settle(s *seat, m int) {
	s.chosen = append(s.chosen[:0], w.near[:w.choose(w.near, m, fills(s.level))]...)
}

// postpone takes out of the batch those slots whose nearest neighbour is the
// nearest of M others already, and returns them: they wait for the next round, in
// which they find those M. So a crowd of new slots, far from all old ones, grows
// from within by a factor of about M per round, and does not hang onto the few
// old slots that it first sees.
func (b *Builder) postpone() []Placed {
	r := &b.round
	if r.doors == nil {
		r.doors = make(map[graph.Slot]int)
	}
	clear(r.doors)
	var late []Placed
	kept := 0
	for i, p := range r.batch {
		if found := r.seats[r.first[i]].found; len(found) > 0 {
			door := found[0].Slot
			if r.doors[door] >= b.params.M {
				late = append(late, p)
				for level := range int(p.Level) + 1 {
					r.seats[r.first[i]+level].late = true
				}
				continue
			}
			r.doors[door]++
			if found[0].Distance == 0 {
				// Equal to a slot that is linked already, which stands for both above level 0:
				// among many equals a descent finds no way out.
				for level := 1; level <= int(p.Level); level++ {
					r.seats[r.first[i]+level].late = true
				}
				p.Level = 0
			}
		}
		r.batch[kept] = p
		kept++
	}
	return late
}

// introduce lets slots of the round find each other: those which chose the same
// neighbour are measured against each other, and choose once more.
func (b *Builder) introduce(ctx context.Context) error {
	r := &b.round
	r.offers = r.offers[:0]
	for level := range len(b.roots) {
		b.meet(level)
	}
	slices.Sort(r.offers)
	r.offers = slices.Compact(r.offers)
	groups := groupsOf(r.offers)
	return b.each(ctx, len(groups), 1, func(w *worker, i int) {
		s := &r.seats[groups[i].key]
		w.offered = w.offered[:0]
		for _, offer := range groups[i].of(r.offers) {
			w.offered = append(w.offered, r.seats[uint32(offer)].slot)
		}
		w.points.MoveTo(s.slot)
		w.near = append(w.measure(w.offered), s.found...)
		slices.SortFunc(w.near, graph.Around(s.slot).Compare)
		w.settle(s, b.params.M)
	})
}

// meet makes offers to the seats on a level.
func (b *Builder) meet(level int) {
	r := &b.round
	r.meetings = r.meetings[:0]
	for i, s := range r.seats {
		if s.level == level && !s.late {
			for _, door := range s.chosen[:min(offerDoors, len(s.chosen))] {
				r.meetings = append(r.meetings, uint64(door.Slot)<<32|uint64(i))
			}
		}
	}
	slices.Sort(r.meetings)
	for _, g := range groupsOf(r.meetings) {
		group := g.of(r.meetings)
		group = group[:min(offerGroup, len(group))]
		for _, x := range group {
			for _, y := range group {
				if x != y {
					r.offers = append(r.offers, uint64(uint32(x))<<32|uint64(uint32(y)))
				}
			}
		}
	}
}

// measure returns the slots with their distances from the origin, in w.near.
func (w *worker) measure(slots []graph.Slot) []graph.Neighbor {
	w.far = slices.Grow(w.far[:0], len(slots))[:len(slots)]
	if len(slots) > 0 {
		w.points.Distances(w.far, slots)
		w.asked += uint64(len(slots))
	}
	w.near = w.near[:0]
	for i, slot := range slots {
		w.near = append(w.near, graph.Neighbor{Slot: slot, Distance: w.far[i]})
	}
	return w.near
}

// link adds the chosen links, in both directions, and the batch to the graph.
func (b *Builder) link(accepted int) error {
	r := &b.round
	top := len(b.roots) - 1
	for _, p := range r.batch[:accepted] {
		b.ranks.set(p.Slot, b.nextRank)
		b.nextRank++
		for level := len(b.roots); level <= int(p.Level); level++ {
			b.roots = append(b.roots, p.Slot)
		}
	}
	b.linked += accepted
	for level := range len(b.roots) {
		links := b.mend.links[:0]
		var fresh []graph.Slot
		for _, s := range r.seats {
			if s.level != level || s.late {
				continue
			}
			if level > top {
				b.level(level).own(s.slot) // a root, alone on its level
			}
			fresh = append(fresh, s.slot) // it may have chosen slots of its own round only
			for _, n := range s.chosen {
				links = append(links, makeLink(s.slot, n.Slot), makeLink(n.Slot, s.slot))
			}
		}
		b.mend.links = links
		b.merge(level, nil, fresh)
		if err := b.certify(level); err != nil {
			return err
		}
	}
	return nil
}
