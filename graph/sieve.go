package graph

// sieve is the beam of a sweep: the nearest slots found so far, nearest first, members of
// a filter and others. It is wide enough when an unfiltered beam of that width would find
// the same: one that is after the k nearest members is after as many of all slots as have
// k members among them, and has ef - k to spare. How many these are shows as it goes.
type sieve struct {
	order
	near    []Neighbor
	marks   []uint8
	members int
	k, ef   int
}

// Above the marks expanded and hidden stands how many slots that are not members, this
// one included, the search has stepped over in a row to come here.
const (
	stepShift = 2
	maxSteps  = 1<<(8-stepShift) - 1
)

// spareK is by how much of k, in halves, a sieve is wider than the above would have it.
const spareK = 3

func (p *sieve) reset(o order, k, ef int) {
	p.order = o
	p.near, p.marks = p.near[:0], p.marks[:0]
	p.members, p.k, p.ef = 0, k, ef
}

// enough reports whether so many slots, with so many members among them, are a beam that
// is wide enough: n >= ef - k' + k' n/members.
func (p *sieve) enough(n, members int) bool {
	wide := spareK * p.k / 2
	return members >= p.k && n*(members-wide) >= (p.ef-wide)*members
}

func (p *sieve) full() bool { return p.enough(len(p.near), p.members) }

// insert puts the neighbour in its place and returns the place, or -1 when it is too far.
func (p *sieve) insert(n Neighbor, mark uint8) int {
	if p.full() && !p.less(n, p.near[len(p.near)-1]) {
		return -1
	}
	at := p.search(n)
	p.near = append(p.near, Neighbor{})
	p.marks = append(p.marks, 0)
	copy(p.near[at+1:], p.near[at:])
	copy(p.marks[at+1:], p.marks[at:])
	p.near[at], p.marks[at] = n, mark
	if mark&hidden == 0 {
		p.members++
	}
	p.trim()
	return at
}

// trim drops from the far end what is not needed to be wide enough.
func (p *sieve) trim() {
	for {
		last := len(p.near) - 1
		members := p.members
		if p.marks[last]&hidden == 0 {
			members--
		}
		if !p.enough(last, members) {
			return
		}
		p.near, p.marks, p.members = p.near[:last], p.marks[:last], members
	}
}

// search is the number of entries before n.
func (p *sieve) search(n Neighbor) int {
	low, high := 0, len(p.near)
	for low < high {
		middle := int(uint(low+high) >> 1)
		if p.less(p.near[middle], n) {
			low = middle + 1
		} else {
			high = middle
		}
	}
	return low
}
