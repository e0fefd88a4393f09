package graph

// sieve is the beam of a sweep: the nearest slots found so far, nearest first, members of
// a filter (open, in the words of a pool) and others. It is wide enough when an unfiltered
// beam of that width would find the same: one that is after the k nearest members is after
// as many of all slots as have k members among them, and has ef - k to spare. How many
// these are shows as it goes.
type sieve struct {
	pool
	k, ef int
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
	p.pool.reset(o, Plain(ef))
	p.k, p.ef = k, ef
}

// enough reports whether so many slots, with so many members among them, are a beam that
// is wide enough: n >= ef - k' + k' n/members.
func (p *sieve) enough(n, members int) bool {
	wide := spareK * p.k / 2
	return members >= p.k && n*(members-wide) >= (p.ef-wide)*members
}

func (p *sieve) full() bool { return p.enough(len(p.near), p.open) }

// refuses reports whether a slot at distance d is certain to find no place.
func (p *sieve) refuses(d float32) bool {
	return len(p.near) > 0 && d > p.near[len(p.near)-1].Distance && p.full()
}

// insert puts the neighbour in its place and returns the place, or -1 when it is too far.
func (p *sieve) insert(n Neighbor, mark uint8) int {
	if p.full() && !p.less(n, p.near[len(p.near)-1]) {
		return -1
	}
	at := p.place(n, mark)
	for last := len(p.near) - 1; ; last-- {
		members := p.open
		if p.marks[last]&hidden == 0 {
			members--
		}
		if !p.enough(last, members) {
			return at
		}
		p.near, p.marks, p.open = p.near[:last], p.marks[:last], members
	}
}
