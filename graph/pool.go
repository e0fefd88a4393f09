package graph

// pool is the beam: the nearest slots found so far, nearest first, each marked
// when it has been expanded or is hidden. It keeps the ef nearest that are not
// hidden, and every hidden one that is nearer than the last of them.
//
// A sorted array beats two heaps here: ef is small, most newcomers land near the
// end or are refused by one comparison, and the results come out sorted.
type pool struct {
	order
	near  []Neighbor
	marks []uint8
	ef    int
	open  int // how many of near are not hidden
}

const (
	expanded = 1 << iota
	hidden
)

func (p *pool) reset(o order, ef int) {
	p.order = o
	p.near, p.marks = p.near[:0], p.marks[:0]
	p.ef, p.open = ef, 0
}

// unexpanded is the place of the first slot from there on that is not expanded yet, or
// the length of the pool.
func (p *pool) unexpanded(from int) int {
	for from < len(p.near) && p.marks[from]&expanded != 0 {
		from++
	}
	return from
}

// refuses reports whether a slot at distance d is certain to find no place.
func (p *pool) refuses(d float32) bool {
	return p.open >= p.ef && d > p.near[len(p.near)-1].Distance
}

// insert puts the neighbour in its place and returns the place, or -1 when it is
// too far.
func (p *pool) insert(n Neighbor, mark uint8) int {
	last := len(p.near) - 1
	if p.open >= p.ef && !p.less(n, p.near[last]) {
		return -1
	}
	at := p.search(n)
	p.near = append(p.near, Neighbor{})
	p.marks = append(p.marks, 0)
	copy(p.near[at+1:], p.near[at:])
	copy(p.marks[at+1:], p.marks[at:])
	p.near[at], p.marks[at] = n, mark
	if mark&hidden == 0 {
		p.open++
		p.trim()
	}
	return at
}

// trim drops from the far end what the beam has no room for: the open slot that
// is one too many, and the hidden ones behind the last open one.
func (p *pool) trim() {
	if p.open < p.ef {
		return
	}
	end := len(p.near)
	for p.open > p.ef || p.marks[end-1]&hidden != 0 {
		if p.marks[end-1]&hidden == 0 {
			p.open--
		}
		end--
	}
	p.near, p.marks = p.near[:end], p.marks[:end]
}

// search is the number of entries before n.
func (p *pool) search(n Neighbor) int {
	low, high := 0, len(p.near)
	for low < high {
		middle := int(uint(low+high) >> 1)
		if p.near[middle].Distance < n.Distance {
			low = middle + 1
		} else {
			high = middle
		}
	}
	for low < len(p.near) && p.near[low].Distance == n.Distance && p.less(p.near[low], n) {
		low++
	}
	return low
}

// order is how neighbours are ranked: by distance, then among equals by slot.
//
// A build breaks ties another way. Were equal vectors all ranked by slot, each
// new one would choose the same few old ones, whose lists would overflow. So a
// build puts the slots on a ring, at places drawn from their numbers, and among
// equals prefers those that are near to the new slot's place: equal vectors then
// spread like points on a circle.
type order struct {
	ring   bool
	origin uint32
}

const ringStep = 0x9e3779b1 // odd, so that each slot has its own place

// around is the order seen from a slot of a build.
func around(slot Slot) order { return order{ring: true, origin: slot * ringStep} }

func (o order) less(a, b Neighbor) bool {
	if a.Distance != b.Distance {
		return a.Distance < b.Distance
	}
	return o.tie(a.Slot) < o.tie(b.Slot)
}

func (o order) tie(slot Slot) uint32 {
	if !o.ring {
		return slot
	}
	step := int32(slot*ringStep - o.origin)
	return uint32(step<<1) ^ uint32(step>>31) // both ways round; 0, -1, 1, -2, 2, ...
}

func (o order) compare(a, b Neighbor) int {
	switch {
	case o.less(a, b):
		return -1
	case o.less(b, a):
		return 1
	}
	return 0
}
