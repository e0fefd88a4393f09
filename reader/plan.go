package reader

import (
	"fmt"
	"math"
	"runtime/trace"
	"slices"

	"github.com/hannoydb/hannoy/distance"
	"github.com/hannoydb/hannoy/graph"
)

// A Strategy is a way to find the nearest of the items that may be returned.
type Strategy uint8

// The strategies.
const (
	Beam   Strategy = iota // along links; the way of searches without a filter
	Scan                   // compare with every item that may be returned
	Sweep                  // along links, over items that match and others alike
	TwoHop                 // along links, from match to match over at most one other item
)

// String returns the strategy's name.
func (s Strategy) String() string {
	return [...]string{Beam: "beam", Scan: "scan", Sweep: "sweep", TwoHop: "two-hop"}[s]
}

// What steps cost, in about nanoseconds; measured on rows of 128 bytes to 3 KB. A scan
// reads rows in the order in which they lie, and far ahead. A walk waits for each hop's
// rows, which lie anywhere, and sorts what it finds.
const (
	scanNanos, scanBytesPerNano = 10, 10
	walkNanos, walkBytesPerNano = 45, 8
)

// What walks cost, in distances, measured on three data sets: a hop of a sweep where no item
// and where every item matches, its reading of links included, and a slot of a two-hop walk
// if all matched. Where a share of them does, that many to the power of twoHopPower: what
// slots have within two links overlaps.
const (
	sweepLeast, sweepMost = 10, 14
	twoHopMost            = 115
	twoHopPower           = .7
)

// Two-hop walks are for where matches are neither so rare that they lose each other, nor
// so dense that a sweep, which passes by fewer of them, is cheaper.
const (
	twoHopRarest  = .03
	twoHopDensest = .25
)

// remotePart: where matches are so many times rarer near the query than elsewhere, the query
// lies among others, and the walk begins at matches.
const remotePart = 3

// outsets is how many of the sampled matches, the nearest, a walk begins at. That these
// are not all about as far from the query is judged by the nearest sixteenth of the sample.
const (
	outsets       = 4
	samplesNearer = 16
)

// alikePart: see alike. On two data sets what walks found grew with a fourteenth of that power
// or less where it was not the nearest, and with two fifths or more everywhere else.
const alikePart = 3

// afterMost is how many times k a sweep is after at most, see plan.after.
const afterMost = 3

// A plan weighs the strategies for one search by what they are likely to cost.
type plan struct {
	k, ef      int
	matches    int     // linked
	share      float64 // of the linked items
	spread     float64 // of the graph, see graph.Width; 0: unknown
	scan, walk float64 // nanoseconds per distance
}

func (s *search) plan(k int, o *Options) plan {
	scanned := &s.reader.exact
	if s.scansCodes() {
		scanned = s.walk
	}
	return plan{
		k: k, ef: o.Ef, matches: o.Filter.graph.Len(),
		share:  float64(o.Filter.graph.Len()) / float64(max(s.reader.index.Meta.Live, 1)),
		spread: float64(s.spread()),
		scan:   cost(scanned, scanNanos, scanBytesPerNano),
		walk:   cost(s.walk, walkNanos, walkBytesPerNano),
	}
}

// cost is what a step costs that takes so long and reads a row.
func cost(space *distance.Space, nanos, bytesPerNano float64) float64 {
	return nanos + float64(space.Kernel.RowBytes())/bytesPerNano
}

// scanCost is what it costs to compare with all matches.
func (p plan) scanCost() float64 { return float64(p.matches) * p.scan }

// sweepCost is what a sweep costs where so many of the items match.
func (p plan) sweepCost(share float64) float64 {
	hops := float64(p.ef) + p.after(share)*(1/share-1)
	return hops * (sweepLeast + (sweepMost-sweepLeast)*share) * p.walk
}

// twoHopCost is what a two-hop walk costs where so many of the items match.
func (p plan) twoHopCost(share float64) float64 {
	if share < twoHopRarest {
		return math.Inf(1)
	}
	return float64(p.twoHopEf()) * twoHopMost * math.Pow(share, twoHopPower) * p.walk
}

// remote reports whether so few of the items near the query match that the matches are
// likely to lie elsewhere.
func (p plan) remote(share float64) bool { return share < p.share/remotePart }

// alike reports whether matches are all about as far from the query, judged by the distances
// of two of them, the near one and the far one of a ranking: if the ratio of their ranks is as
// given, and distances grow with less than a third of the power with which they grow around
// those slots where the graph is hardest to search. A walk cannot tell such matches apart:
// the nearest may lie anywhere among them.
func (p plan) alike(near, far float32, ranks float64) bool {
	return p.spread > 0 && float64(far) <= float64(near)*math.Pow(ranks, p.spread/alikePart)
}

// trusts reports whether what a walk found is likely to be the nearest, sorted by distance.
func (p plan) trusts(found []graph.Neighbor) bool {
	near := min(p.k, (len(found)+1)/2)
	if len(found) < min(p.k, p.matches) {
		return false
	}
	return len(found) < 2 || !p.alike(found[near-1].Distance, found[len(found)-1].Distance, float64(len(found))/float64(near))
}

// scansAll reports whether to compare with all items rather than walk: where there are no more than
// a beam holds, which would come to each of them, too, and where so few of the linked slots still have items
// that it costs less than to walk among the others.
func (s *search) scansAll(k, ef int) bool {
	m := &s.reader.index.Meta
	if int(m.Live) <= ef {
		return s.apart == noSlot // who holds the query out wants to know what walks find
	}
	if m.Dead <= m.Live {
		return false
	}
	p := plan{
		k: k, ef: ef, matches: int(m.Live),
		scan: cost(&s.reader.exact, scanNanos, scanBytesPerNano), walk: cost(s.walk, walkNanos, walkBytesPerNano),
	}
	return p.scanCost() <= p.sweepCost(float64(m.Live)/float64(m.Live+m.Dead))
}

// after is how many items a sweep is after, where so many of the items match: as many as
// have k matches among them, but no more than afterMost times k.
func (p plan) after(share float64) float64 {
	return float64(p.k) * min(1/share, afterMost)
}

// sweepEf is the width, in matches, of a sweep that finds about as much as a beam of ef. That
// is after the k nearest and has the rest of ef to spare, and so has a sweep, but only so
// many of what it has to spare match.
func (p plan) sweepEf(share float64) int {
	after := p.after(share)
	return max(p.k, int(after+(float64(p.ef)-after)*share))
}

// twoHopEf is the width of a two-hop beam that finds as much as a beam of ef: its slots
// have so many more neighbours that half the spare width is enough.
func (p plan) twoHopEf() int { return p.k + (p.ef-p.k)/2 }

// scanFirst reports whether to scan without a look at the graph: if no walk can be cheaper,
// or if the search wants most of what matches.
func (p plan) scanFirst() bool {
	return p.matches <= 2*p.k || p.scanCost() <= p.sweepCost(1)
}

// choose returns the cheapest strategy where so many of the items near the query match.
func (p plan) choose(share float64) Strategy {
	sweep, twoHop := p.sweepCost(share), p.twoHopCost(share)
	if share > twoHopDensest || p.remote(share) {
		twoHop = math.Inf(1)
	}
	switch {
	case p.scanCost() <= min(sweep, twoHop):
		return Scan
	case twoHop < sweep:
		return TwoHop
	}
	return Sweep
}

// budget is what a walk may spend, in distances, before it is given up for a scan: what
// the scan costs, so that both together cost at most twice as much as the scan alone.
func (p plan) budget() uint64 { return uint64(p.scanCost()/p.walk) + 1 }

// reach is how many items in a row that do not match a sweep looks at closely: the rarer
// matches are, the more it takes to come from one to the next.
func reach(share float64) int {
	switch {
	case share >= .3:
		return 0
	case share >= .06:
		return 1
	case share >= .01:
		return 2
	}
	return graph.EveryReach
}

// filtered finds the nearest of the linked slots that match.
func (s *search) filtered(k int, o *Options, stats *SearchStats) {
	x := s.reader.index
	m := o.Filter
	if stats.Strategy = Scan; m.graph.Len() == 0 || len(x.Meta.Roots) == 0 {
		return
	}
	if m.graph.Len() == int(x.Meta.Live) {
		stats.Strategy = Beam
		stats.Distances += s.rank(s.beam(s.width(k, o.Ef)), k)
		return
	}
	p := s.plan(k, o)
	if !p.scanFirst() {
		if out := s.outset(p, m.graph, stats); stats.Strategy != Scan {
			found, ended := s.narrowed(out, m.graph, p, stats)
			if ended && p.trusts(found) {
				stats.Distances += s.sharpen(found, k)
				return
			}
			stats.Scanned = true
		}
	}
	stats.Distances += s.scanMatches(m, k)
}

// outset chooses the strategy, and where a walk begins.
func (s *search) outset(p plan, f *graph.Filter, stats *SearchStats) []graph.Neighbor {
	stats.Share = s.graph.Share(s, f, s.enter()[0].Slot)
	if stats.Strategy = p.choose(stats.Share); stats.Strategy == TwoHop {
		others := slices.DeleteFunc(s.entries[1:], func(n graph.Neighbor) bool { return !f.Has(n.Slot) })
		s.entries = s.entries[:1+len(others)]
	}
	if p.spread == 0 || !p.remote(stats.Share) {
		return s.entries
	}
	sample := f.Sample()
	stats.Sampled = len(sample)
	stats.Distances += len(sample)
	distances := s.room(len(sample))
	s.Distances(distances, sample)
	s.coarse = nearest{k: samplesNearer, list: s.coarse.list[:0]}
	for i, d := range distances {
		if sample[i] != s.apart {
			s.coarse.offer(graph.Neighbor{Slot: sample[i], Distance: d})
		}
	}
	near := s.coarse.list
	alike := p.alike(near[0].Distance, near[len(near)-1].Distance, float64(len(near)))
	if alike || p.scanCost() <= p.twoHopCost(s.graph.Share(s, f, near[0].Slot)) {
		stats.Strategy = Scan
		return nil
	}
	stats.Strategy = TwoHop
	s.entries = append(s.entries, near[:min(outsets, len(near))]...)
	return s.entries
}

// narrowed walks the graph.
func (s *search) narrowed(entries []graph.Neighbor, f *graph.Filter, p plan, stats *SearchStats) ([]graph.Neighbor, bool) {
	defer trace.StartRegion(s.ctx, "hannoy walk").End()
	n := graph.Narrowed{Filter: f, Reach: reach(stats.Share), Budget: p.budget()}
	if stats.Strategy == Sweep {
		n.Width = s.width(p.k, min(p.sweepEf(stats.Share), p.matches))
		return s.graph.Sweep(s, s, entries, n)
	}
	n.Width = s.width(p.k, min(p.twoHopEf(), p.matches))
	return s.graph.TwoHop(s, s, entries, n)
}

// Explain says in words what the search did and why.
func (s *SearchStats) Explain() string {
	did := fmt.Sprintf("%v: %d hops, %d distances", s.Strategy, s.Hops, s.Distances)
	if s.Pending > 0 {
		did += fmt.Sprintf(", %d of them to items that are not linked yet", s.Pending)
	}
	if s.Matches < 0 && s.Scanned {
		did += "; a longer walk would have cost more than to compare all that it had not found"
	}
	if s.Matches < 0 {
		return did
	}
	switch s.Matches {
	case 0:
		return did + "; no item matches"
	case 1:
		did += "; 1 item matches"
	default:
		did += fmt.Sprintf("; %d items match", s.Matches)
	}
	near := fmt.Sprintf("%.2g %% of those near the query", 100*s.Share)
	switch {
	case s.Strategy == Beam:
		did += ", all of those that are linked"
	case s.Strategy == Scan && s.Share < 0:
		did += ", too few for a walk to be cheaper"
	case s.Strategy == Scan && s.Sampled > 0:
		did += ", but only " + near + ", and of the others a walk would not find the nearest, or only at a higher cost"
	case s.Strategy == Scan:
		did += ", but only " + near + ": a walk would cost more"
	case s.Sampled > 0:
		did += fmt.Sprintf(", %s: the walk began at the nearest of %d others", near, s.Sampled)
	default:
		did += ", " + near
	}
	if s.Scanned {
		did += "; the walk found too little for what it cost, or nothing that stands apart, so all that match were compared"
	}
	return did
}
