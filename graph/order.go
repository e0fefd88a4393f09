package graph

import "slices"

// Order is how neighbours are ranked: by distance, then among equals by slot: so its zero value.
//
// A build breaks ties another way. Were equal vectors all ranked by slot, each
// new one would choose the same few old ones, whose lists would overflow. So a
// build puts the slots on a ring, at places drawn from their numbers, and among
// equals prefers those that are near to the new slot's place: equal vectors then
// spread like points on a circle.
type Order struct {
	ring   bool
	origin uint32
}

const ringStep = 0x9e3779b1 // odd, so that each slot has its own place

// Around is the order seen from a slot of a build.
func Around(slot Slot) Order { return Order{ring: true, origin: slot * ringStep} }

// Less reports whether a is nearer than b.
func (o Order) Less(a, b Neighbor) bool {
	if a.Distance != b.Distance {
		return a.Distance < b.Distance
	}
	return o.tie(a.Slot) < o.tie(b.Slot)
}

func (o Order) tie(slot Slot) uint32 {
	if !o.ring {
		return slot
	}
	step := int32(slot*ringStep - o.origin)
	return uint32(step<<1) ^ uint32(step>>31) // both ways round; 0, -1, 1, -2, 2, ...
}

// Nearest moves the n nearest of the list to its front, sorted, and returns them. It is
// for few of many.
func (o Order) Nearest(list []Neighbor, n int) []Neighbor {
	n = min(n, len(list))
	slices.SortFunc(list[:n], o.Compare)
	for i := n; i < len(list) && n > 0; i++ {
		next := list[i]
		if !o.Less(next, list[n-1]) {
			continue
		}
		at := n - 1
		for list[i] = list[at]; at > 0 && o.Less(next, list[at-1]); at-- {
			list[at] = list[at-1]
		}
		list[at] = next
	}
	return list[:n]
}

// Compare is Less as functions that sort want it.
func (o Order) Compare(a, b Neighbor) int {
	switch {
	case o.Less(a, b):
		return -1
	case o.Less(b, a):
		return 1
	}
	return 0
}
