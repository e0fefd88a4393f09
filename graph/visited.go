package graph

// visited is the set of slots that a search has seen. It holds a bit per slot and
// remembers its members, so that emptying it costs what the search cost and not
// what the index is large.
type visited struct {
	words   []uint64
	members []Slot
}

// add puts the slot in and reports whether it was new.
func (v *visited) add(slot Slot) bool {
	one := [1]Slot{slot}
	return v.keepNew(one[:]) == 1
}

// keepNew puts the slots in, moves those that were new to the front and returns how
// many these are. Every neighbour of every hop passes here, and whether it is new is anybody's guess: so
// there is no branch on it.
func (v *visited) keepNew(slots []Slot) int {
	words := v.words
	kept := 0
	for _, slot := range slots {
		at := slot >> 6
		if int(at) >= len(words) {
			v.grow(int(at) + 1)
			words = v.words
		}
		word := words[at]
		words[at] = word | 1<<(slot&63)
		slots[kept] = slot
		kept += int(^word >> (slot & 63) & 1)
	}
	v.members = append(v.members, slots[:kept]...)
	return kept
}

func (v *visited) reset() {
	for _, slot := range v.members {
		v.words[slot>>6] = 0
	}
	v.members = v.members[:0]
}

func (v *visited) grow(n int) {
	words := make([]uint64, n+n/4+64)
	copy(words, v.words)
	v.words = words
}
