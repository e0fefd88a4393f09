package reader

import (
	"fmt"
	"math"
	"runtime/trace"

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

// spareK is by how many times k a sweep is wider than by the above.
const spareK = 3

// A plan weighs the strategies for one search by what they are likely to cost.
type plan struct {
	k, ef      int
	matches    int     // linked
	share      float64 // of the linked items
	scan, walk float64 // nanoseconds per distance
}

func (s *search) plan(k int, o *Options) plan {
	scanned := &s.reader.exact
	if s.scansCodes() {
		scanned = s.walk
	}
	return plan{
		k: k, ef: o.Ef, matches: o.Filter.graph.Len(),
		share: float64(o.Filter.graph.Len()) / float64(max(s.reader.index.Meta.Live, 1)),
		scan:  cost(scanned, scanNanos, scanBytesPerNano),
		walk:  cost(s.walk, walkNanos, walkBytesPerNano),
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
	hops := float64(p.ef) + spareK*float64(p.k)*(1/share-1)
	return hops * (sweepLeast + (sweepMost-sweepLeast)*share) * p.walk
}

// twoHopCost is what a two-hop walk costs where so many of the items match. It is not to be
// trusted where they are rarer than elsewhere: then they may lie behind others.
func (p plan) twoHopCost(share float64) float64 {
	if share < max(twoHopRarest, p.share/3) || share > twoHopDensest {
		return math.Inf(1)
	}
	return float64(p.twoHopEf()) * twoHopMost * math.Pow(share, twoHopPower) * p.walk
}

// sweepEf is the width, in matches, of a sweep that finds as much as a beam of ef. That is
// after the k nearest and has ef - k to spare; a sweep is after as many items as have k
// matches among them, where so many of the items match, and has as many to spare.
func (p plan) sweepEf(share float64) int {
	wide := spareK * float64(p.k)
	return max(p.k, int(wide+(float64(p.ef)-wide)*share))
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
		top := len(x.Meta.Roots) - 1
		entry := s.graph.Descend(s, s, x.Meta.Roots[top], top, 1)
		stats.Share = s.graph.Share(s, m.graph, entry.Slot)
		if stats.Strategy = p.choose(stats.Share); stats.Strategy != Scan {
			found, ended := s.narrowed(entry, m.graph, p, stats)
			if ended && len(found) >= min(k, p.matches) {
				stats.Distances += s.sharpen(found, k)
				return
			}
			stats.Scanned = true
		}
	}
	stats.Distances += s.scanMatches(m, k)
}

// narrowed walks the graph.
func (s *search) narrowed(entry graph.Neighbor, f *graph.Filter, p plan, stats *SearchStats) ([]graph.Neighbor, bool) {
	defer trace.StartRegion(s.ctx, "hannoy walk").End()
	walk, ef := s.graph.Sweep, p.sweepEf(stats.Share)
	if stats.Strategy == TwoHop {
		walk, ef = s.graph.TwoHop, p.twoHopEf()
	}
	return walk(s, s, entry, graph.Narrowed{
		Filter: f, Width: s.width(p.k, min(ef, p.matches)), Reach: reach(stats.Share), Budget: p.budget(),
	})
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
	did += fmt.Sprintf("; %d items match", s.Matches)
	switch {
	case s.Strategy == Beam:
		did += ", all of those that are linked"
	case s.Strategy == Scan && s.Share < 0:
		did += ", too few for a walk to be cheaper"
	case s.Strategy == Scan:
		did += fmt.Sprintf(", but only %.2g %% of those near the query: a walk would cost more", 100*s.Share)
	default:
		did += fmt.Sprintf(", %.2g %% of those near the query", 100*s.Share)
	}
	if s.Scanned {
		did += "; the walk found too little for what it cost, so all that match were compared"
	}
	return did
}
