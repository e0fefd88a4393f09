package linking

import (
	"context"
	"iter"
	"runtime"
	"slices"
	"sync/atomic"

	"golang.org/x/sync/errgroup"

	"github.com/hannoydb/hannoy/graph"
)

// Builder changes a graph. It holds the lists that differ from the committed
// graph until they have been written out and Rebase is called.
//
// One goroutine at a time may use it. It is a View of the changed graph.
type Builder struct {
	params    Params
	committed graph.View
	levels    []*lists     // changed lists
	ranks     pages        // changed ranks; removed for a slot that is not linked any more
	roots     []graph.Slot // by level
	nextRank  uint32
	linked    int
	queue     []Placed // what is to be linked, in order
	workers   []*worker
	round     round // scratch
	mend      mend  // scratch

	changing   context.Context // of the running call, while it changes lists
	unfinished error           // of that context: the lists are between two graphs
}

// worker is what one goroutine of a round uses.
type worker struct {
	chooser
	guide   Points // what searches go by: points, unless these are Guided
	search  graph.Search
	links   []graph.Slot
	near    []graph.Neighbor
	far     []float32
	cut     []link
	offered []graph.Slot
}

// NewBuilder starts from a committed graph (nil for an empty one) with its roots
// by level, the rank to give out next and the number of its linked slots. The
// committed graph is read by many goroutines at once. points makes the Points of
// one goroutine.
func NewBuilder(params Params, committed graph.View, roots []graph.Slot, nextRank uint32, linked int, points func() Points) (*Builder, error) {
	if err := params.Validate(); err != nil {
		return nil, err
	}
	b := &Builder{params: params, roots: slices.Clone(roots), nextRank: max(nextRank, 1), linked: linked}
	for range params.Threads {
		w := new(worker)
		w.alpha = params.Alpha
		b.workers = append(b.workers, w)
	}
	b.Rebase(committed, points)
	return b, nil
}

// Rebase forgets the changes, which the caller has committed: committed is the
// graph that contains them.
func (b *Builder) Rebase(committed graph.View, points func() Points) {
	for _, l := range b.levels {
		l.reset()
	}
	b.Advance(committed, points)
}

// Advance is Rebase that keeps the lists: what the committed graph has too need not be
// read from there. Changed goes on to yield them.
func (b *Builder) Advance(committed graph.View, points func() Points) {
	if committed == nil {
		committed = empty{}
	}
	b.committed = committed
	b.ranks.reset()
	for _, w := range b.workers {
		w.points = points()
		w.guide = w.points
		if g, ok := w.points.(Guided); ok {
			w.guide = g.Guide()
		}
	}
}

// Add queues slots which are not linked yet. The queue is ordered by level, the
// highest first, so that a descent finds its way from the start, and within a
// level by a hash of seed and slot, so that neighbours do not arrive together.
func (b *Builder) Add(slots []Placed) {
	b.queue = append(b.queue, slots...)
	slices.SortFunc(b.queue, func(x, y Placed) int {
		if x.Level != y.Level {
			return int(y.Level) - int(x.Level)
		}
		hx, hy := mix(b.params.Seed^uint64(x.Slot)), mix(b.params.Seed^uint64(y.Slot))
		switch {
		case hx < hy:
			return -1
		case hx > hy:
			return 1
		}
		return int(int64(x.Slot) - int64(y.Slot))
	})
	b.queue = slices.Compact(b.queue)
}

// Queued is how many slots are still to be linked.
func (b *Builder) Queued() int { return len(b.queue) }

// Linked is how many slots the graph has.
func (b *Builder) Linked() int { return b.linked }

// NextRank is the rank that the next slot will get.
func (b *Builder) NextRank() uint32 { return b.nextRank }

// Roots are the roots by level; the last one is the entry point. It is empty when
// the graph is.
func (b *Builder) Roots() []graph.Slot { return slices.Clone(b.roots) }

// Distances is how many distances have been asked for since NewBuilder.
func (b *Builder) Distances() uint64 {
	var sum uint64
	for _, w := range b.workers {
		sum += w.asked + w.search.Distances
	}
	return sum
}

// Bytes is the memory held by the changes and the queue. It does not depend on
// the number of threads. Besides it a builder holds about 10 MiB at most for the
// searches of a round, and per thread a bit for every slot number.
func (b *Builder) Bytes() int64 {
	sum := b.ranks.bytes() + 8*int64(len(b.queue))
	for _, l := range b.levels {
		sum += l.bytes()
	}
	return sum
}

// ChangedLists is how many lists of level 0 differ from the committed graph.
func (b *Builder) ChangedLists() int {
	if len(b.levels) == 0 {
		return 0
	}
	return b.levels[0].index.count
}

// Levels is how many levels Changed has something to say about.
func (b *Builder) Levels() int { return len(b.levels) }

// Change is a list that differs from the committed graph.
type Change struct {
	Slot    graph.Slot
	Links   []graph.Slot // ascending; valid until the builder changes
	Removed bool         // the slot is not on the level any more
}

// Changed yields the changed lists of a level in ascending order of slots.
func (b *Builder) Changed(level int) iter.Seq[Change] {
	return func(yield func(Change) bool) {
		if level >= len(b.levels) {
			return
		}
		l := b.levels[level]
		for slot, entry := range l.index.all() {
			c := Change{Slot: slot, Removed: entry == removed}
			if !c.Removed {
				c.Links = l.links(entry)
			}
			if !yield(c) {
				return
			}
		}
	}
}

// Ranked yields the slots whose rank differs from the committed graph, in
// ascending order, with rank 0 for those which are not linked any more.
func (b *Builder) Ranked() iter.Seq2[graph.Slot, uint32] {
	return func(yield func(graph.Slot, uint32) bool) {
		for slot, rank := range b.ranks.all() {
			if rank == removed {
				rank = 0
			}
			if !yield(slot, rank) {
				return
			}
		}
	}
}

// AppendLinks makes the Builder a View.
func (b *Builder) AppendLinks(dst []graph.Slot, slot graph.Slot, level int) []graph.Slot {
	if level < len(b.levels) {
		l := b.levels[level]
		switch e := l.entry(slot); e {
		case 0:
		case removed:
			return dst
		default:
			return append(dst, l.links(e)...)
		}
	}
	return b.committed.AppendLinks(dst, slot, level)
}

// Prefetch makes the Builder a Prefetcher.
func (b *Builder) Prefetch(slot graph.Slot, level int) {
	if level < len(b.levels) {
		if e := b.levels[level].entry(slot); e != 0 && e != removed {
			graph.Prefetch(b.levels[level].address(e))
			return
		}
	}
	if p, ok := b.committed.(graph.Prefetcher); ok {
		p.Prefetch(slot, level)
	}
}

// Rank makes the Builder a View.
func (b *Builder) Rank(slot graph.Slot) uint32 {
	switch r := b.ranks.get(slot); r {
	case 0:
		return b.committed.Rank(slot)
	case removed:
		return 0
	default:
		return r
	}
}

// Has makes the Builder a View.
func (b *Builder) Has(slot graph.Slot, level int) bool {
	if level < len(b.levels) {
		if e := b.levels[level].entry(slot); e != 0 {
			return e != removed
		}
	}
	return b.committed.Has(slot, level)
}

// level is the changed lists of a level.
func (b *Builder) level(level int) *lists {
	for len(b.levels) <= level {
		b.levels = append(b.levels, newLists(b.params.Cap(len(b.levels))))
	}
	return b.levels[level]
}

// begin prepares for a call that changes lists.
func (b *Builder) begin(ctx context.Context) error {
	b.changing = ctx
	if b.params.WholeRounds {
		b.changing = context.WithoutCancel(ctx)
	}
	return b.unfinished
}

// each calls do for 0..n-1 from all workers, grain numbers at a time. It returns
// the error of the context once that is done, with some numbers left out. A slot is a
// good moment to let others run: goroutines that answer queries would else wait for
// some ten milliseconds until a processor is taken from a builder.
func (b *Builder) each(ctx context.Context, n, grain int, do func(w *worker, i int)) error {
	if n <= grain || len(b.workers) == 1 {
		for i := range n {
			if err := ctx.Err(); err != nil {
				return err
			}
			do(b.workers[0], i)
			runtime.Gosched()
		}
		return nil
	}
	var next atomic.Int64
	var group errgroup.Group
	for _, w := range b.workers[:min(len(b.workers), (n+grain-1)/grain)] {
		group.Go(func() error {
			for {
				end := int(next.Add(int64(grain)))
				for i := end - grain; i < min(end, n); i++ {
					if err := ctx.Err(); err != nil {
						return err
					}
					do(w, i)
					runtime.Gosched()
				}
				if end >= n {
					return nil
				}
			}
		})
	}
	return group.Wait()
}

// empty is the graph without slots.
type empty struct{}

func (empty) AppendLinks(dst []graph.Slot, _ graph.Slot, _ int) []graph.Slot { return dst }
func (empty) Rank(graph.Slot) uint32                                         { return 0 }
func (empty) Has(graph.Slot, int) bool                                       { return false }
