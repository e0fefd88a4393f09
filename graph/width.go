package graph

import (
	"cmp"
	"context"
	"math"
	"slices"
)

// Width is how wide a beam is: which of the slots found it keeps, and follows.
//
// A plain beam keeps the ef nearest, whatever the query. An elastic one keeps those
// that are not farther than Slack times the K-th nearest: few for a query whose
// nearest stand apart from the rest, many for one that has all about as far (Al-Jazzazi
// and others, Distance Adaptive Beam Search, 2025). For the same work it finds more.
type Width struct {
	K     int     // how many nearest the slack is counted from
	Slack float32 // factor on distances, at least 1
	Least int     // slots that it keeps in any case, at least K
	Most  int     // slots that it never keeps more of, at least Least
}

// Plain is the width of a beam of the ef nearest.
func Plain(ef int) Width {
	ef = max(ef, 1)
	return Width{K: ef, Slack: 1, Least: ef, Most: ef}
}

// An elastic beam is between these shares of ef wide.
const (
	elasticLeast = 4 // a quarter
	elasticMost  = 4 // four times
)

// elasticMargin is how much wider than by the spread alone an elastic beam is, as a
// power: measured on three data sets, for k of 1, 10 and 100, it then finds as many at every
// ef as a plain beam, or more, with a tenth to a third less work.
const elasticMargin = 1.25

// Elastic is the width of a beam for the k nearest that does about the work of a plain
// one of ef, in a graph of the given spread; it returns at least min(least, ef) slots.
// Without a spread, or with no more than ef wanted, it is Plain.
func Elastic(k, ef, least int, spread float32) Width {
	if spread <= 0 || ef <= k {
		return Plain(ef)
	}
	return Width{
		K:     k,
		Slack: float32(math.Pow(float64(ef)/float64(k), elasticMargin*float64(spread))),
		Least: min(max(k, least, ef/elasticLeast), ef),
		Most:  elasticMost * ef,
	}
}

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
func (b *Builder) Spread(ctx context.Context, limit Slot) (float32, error) {
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
func (b *Builder) sample(limit Slot) []Slot {
	var sample []Slot
	for i := range uint64(spreadSample) {
		from, to := i*uint64(limit)/spreadSample, (i+1)*uint64(limit)/spreadSample
		for slot := from; slot < to; slot++ {
			if b.Rank(Slot(slot)) != 0 {
				sample = append(sample, Slot(slot))
				break
			}
		}
	}
	return sample
}

// power is how distances grow around the slot, 0 if that cannot be told.
func (b *Builder) power(w *worker, slot Slot) float32 {
	w.guide.MoveTo(slot)
	w.search.order = around(slot)
	top := len(b.roots) - 1
	w.near = append(w.near[:0], w.search.Descend(b, w.guide, b.roots[top], top, 1))
	found := w.search.Beam(b, w.guide, w.near, 0, Plain(spreadEf), nil)
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
