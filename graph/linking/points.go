package linking

import "github.com/hannoydb/hannoy/graph"

// Points is a graph.Space whose origin can be moved onto a stored slot.
type Points interface {
	graph.Space
	MoveTo(slot graph.Slot)
}

// Guided is Points that offer cheaper, approximate distances for searches: a build
// finds candidates by them and chooses among these by its own.
type Guided interface {
	Points
	Guide() Points
}
