package graph

// visited is the set of slots that a search has seen. It holds a bit per slot and
// remembers the words it has touched, so that emptying it costs what the search
// cost and not what the index is large.
type visited struct {
	words   []uint64
	touched []uint32
}

// add puts the slot in and reports whether it was new.
func (v *visited) add(slot Slot) bool {
	at := slot >> 6
	if int(at) >= len(v.words) {
		v.grow(int(at) + 1)
	}
	word, bit := v.words[at], uint64(1)<<(slot&63)
	if word&bit != 0 {
		return false
	}
	if word == 0 {
		v.touched = append(v.touched, at)
	}
	v.words[at] = word | bit
	return true
}

// keepNew puts the slots in and returns those that were new, in place. It is add
// in a loop, written out because every neighbour of every hop passes here.
func (v *visited) keepNew(slots []Slot) []Slot {
	words, touched := v.words, v.touched
	kept := 0
	for _, slot := range slots {
		at := slot >> 6
		if int(at) >= len(words) {
			v.grow(int(at) + 1)
			words = v.words
		}
		word, bit := words[at], uint64(1)<<(slot&63)
		if word&bit != 0 {
			continue
		}
		if word == 0 {
			touched = append(touched, at)
		}
		words[at] = word | bit
		slots[kept] = slot
		kept++
	}
	v.touched = touched
	return slots[:kept]
}

func (v *visited) reset() {
	for _, at := range v.touched {
		v.words[at] = 0
	}
	v.touched = v.touched[:0]
}

func (v *visited) grow(n int) {
	words := make([]uint64, n+n/4+64)
	copy(words, v.words)
	v.words = words
}
