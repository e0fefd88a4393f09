package graph

import "fmt"

// Slot is the number of one stored vector.
type Slot = uint32

// MaxLevel is the highest level that a slot may have.
const MaxLevel = 15

// Neighbor is a slot and its distance from the origin of the search.
type Neighbor struct {
	Slot     Slot
	Distance float32
}

// Placed is a slot and its level.
type Placed struct {
	Slot  Slot
	Level uint8
}

// Links gives the neighbours of slots. It is asked once per hop.
//
// A view that cannot read a list returns dst unchanged and keeps the error for
// its owner, who asks for it when the call into this package has returned.
type Links interface {
	// AppendLinks appends the links of slot on level, in ascending order. A slot
	// that is not on the level has none. A search keeps a bit for every number up
	// to the greatest it is given, so a view must not pass on a damaged one.
	AppendLinks(dst []Slot, slot Slot, level int) []Slot
}

// Failing is Links that tell whether they could not read a list: what was read since is not
// kept for other searches.
type Failing interface {
	Failed() bool
}

// Prefetcher is Links that can have a list brought nearer to the processor: a search
// says which it will most likely read next. See [Prefetch].
type Prefetcher interface {
	Prefetch(slot Slot, level int)
}

// Space gives distances from a fixed origin. It is asked once per hop.
type Space interface {
	// Distances sets dst[i] to the distance of slots[i]; the lengths are equal.
	// Smaller is nearer. NaN is not a distance; a slot whose vector cannot be
	// read is at +Inf.
	Distances(dst []float32, slots []Slot)
}

// Points is a Space whose origin can be moved onto a stored slot.
type Points interface {
	Space
	MoveTo(slot Slot)
}

// Guided is Points that offer cheaper, approximate distances for searches: a build
// finds candidates by them and chooses among these by its own.
type Guided interface {
	Points
	Guide() Points
}

// Mask tells which slots may not be results though a search may walk over them
// (dead slots, filters). It is asked once per hop.
type Mask interface {
	// Mask sets dst[i] to whether slots[i] is hidden; the lengths are equal.
	Mask(dst []bool, slots []Slot)
}

// View is a whole graph to read.
type View interface {
	Links
	// Rank is the slot's rank, 0 when it is not linked.
	Rank(slot Slot) uint32
	// Has reports whether the slot is on the level, be it without links.
	Has(slot Slot, level int) bool
}

// Params are the numbers that shape a graph.
type Params struct {
	M              int // most links on a level above 0, and most links that a new slot chooses
	M0             int // most links on level 0
	EfConstruction int // width of the searches for neighbours

	// Alpha is the factor, at least 1, by which a candidate must be nearer to an
	// already chosen neighbour than to the slot itself in order to be left out.
	// It multiplies distances as Points gives them: for squared euclidean
	// distances pass the square of the factor that is meant.
	Alpha float32

	Seed    uint64 // of the order of insertion
	Threads int    // goroutines of a round; they do not change its outcome

	// LargestRound is how many slots are linked, or removed, at a time: 0 is 1,024.
	// The time and memory of a round are bounded by it.
	LargestRound int
	// WholeRounds makes a round that has begun to change lists go on to its end when
	// the context is done. Without it the round ends at once, and the builder with it.
	WholeRounds bool
}

// Validate names the first field that is out of range.
func (p Params) Validate() error {
	switch {
	case p.M < 2 || p.M > 1024:
		return fmt.Errorf("graph: M is %d, must be in 2..1024", p.M)
	case p.M0 < p.M || p.M0 > 2048:
		return fmt.Errorf("graph: M0 is %d, must be in M..2048 (M is %d)", p.M0, p.M)
	case p.EfConstruction < 1 || p.EfConstruction > 1<<16:
		return fmt.Errorf("graph: ef construction is %d, must be in 1..65536", p.EfConstruction)
	case !(p.Alpha >= 1 && p.Alpha <= 16):
		return fmt.Errorf("graph: alpha is %v, must be in 1..16", p.Alpha)
	case p.LargestRound < 0:
		return fmt.Errorf("graph: largest round is %d, must not be negative", p.LargestRound)
	case p.Threads < 1:
		return fmt.Errorf("graph: threads is %d, must be at least 1", p.Threads)
	}
	return nil
}

// Cap is the most links that a slot may have on the level.
func (p Params) Cap(level int) int {
	if level == 0 {
		return p.M0
	}
	return p.M
}
