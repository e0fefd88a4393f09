package linking

import "fmt"

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
