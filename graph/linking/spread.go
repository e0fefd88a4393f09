package linking

import (
	"cmp"
	"context"
	"math"
	"slices"

	"github.com/hannoydb/hannoy/graph"
)

// The spread is taken at these ranks, of the neighbours of a sample of slots.
const (
	spreadNear   = 10
	spreadMiddle = 32
	spreadFar    = 100
	spreadEf     = 160
	spreadSample = 256
	spreadPart   = 10  // the sample's tenth that is the least spread counts
	spreadLeap   = 1.5 // growth beyond so many times the least nearby is a leap
)

// SpreadLeast is how many slots a graph must have linked for its spread to mean anything.
const SpreadLeast = 10 * spreadFar

// Spread is how fast distances grow with the rank of a neighbour, as a power: where
// the r-th nearest is at a distance like r^Spread; the inverse of the local intrinsic
// dimension. Of a sample of the slots below the limit it is that of the tenth around
// which distances grow least. Leaps do not count: at the edge of a cluster distances grow at once, and a beam
// that went by it would take in all of the next clusters. It is the same for any number of threads, and 0, for
// unknown, in a graph of fewer than SpreadLeast slots, and where most of the nearest are
// at a distance of 0 or less.
func (b *Builder) Spread(ctx context.Context, limit graph.Slot) (float32, error) {
	if b.linked < SpreadLeast {
		return 0, nil
	}
	sample := b.sample(limit)
	powers := make([]float32, len(sample))
	err := b.each(ctx, len(sample), 1, func(w *worker, i int) { powers[i] = b.power(w, sample[i]) })
	if err != nil {
		return 0, err
	}
	powers = slices.DeleteFunc(powers, func(p float32) bool { return p <= 0 })
	if 2*len(powers) < len(sample) {
		return 0, nil
	}
	slices.SortFunc(powers, cmp.Compare)
	return powers[len(powers)/spreadPart], nil
}

// sample returns linked slots from all over the numbers.
func (b *Builder) sample(limit graph.Slot) []graph.Slot {
	var sample []graph.Slot
	for i := range uint64(spreadSample) {
		from, to := i*uint64(limit)/spreadSample, (i+1)*uint64(limit)/spreadSample
		for slot := from; slot < to; slot++ {
			if b.Rank(graph.Slot(slot)) != 0 {
				sample = append(sample, graph.Slot(slot))
				break
			}
		}
	}
	return sample
}

// power is how distances grow around the slot, 0 if that cannot be told.
func (b *Builder) power(w *worker, slot graph.Slot) float32 {
	w.guide.MoveTo(slot)
	w.search.Order = graph.Around(slot)
	top := len(b.roots) - 1
	w.near = append(w.near[:0], w.search.Descend(b, w.guide, b.roots[top], top, 1))
	found := w.search.Beam(b, w.guide, w.near, 0, graph.Plain(spreadEf), nil)
	if len(found) <= spreadFar {
		return 0
	}
	if found[spreadNear].Distance <= 0 { // found[0] is the slot, or equal to it
		return 0
	}
	growth := func(from, to int) float64 {
		return math.Log(float64(found[to].Distance)/float64(found[from].Distance)) / math.Log(float64(to)/float64(from))
	}
	least := min(growth(spreadNear, spreadMiddle), growth(spreadMiddle, spreadFar))
	return float32(min(growth(spreadNear, spreadFar), spreadLeap*least))
}
