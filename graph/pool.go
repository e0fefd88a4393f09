package graph

import (
	"encoding/binary"
	"math"
	"math/bits"
)

var inf = float32(math.Inf(1))

// pool is the beam: the nearest slots found so far, nearest first, each marked
// when it has been expanded or is hidden. It keeps as many that are not hidden as its
// Width says, and every hidden one that is nearer than the last of them.
//
// A sorted array beats two heaps here: it is short, most newcomers land near the
// end or are refused by one comparison, and the results come out sorted.
type pool struct {
	Order
	Width
	near  []Neighbor
	marks []uint8
	open  int     // how many of near are not hidden
	limit float32 // nothing farther finds a place
	edge  float32 // of the slots that are not hidden, what is no nearer does not move the limit
}

const (
	expanded = 1 << iota
	hidden
)

func (p *pool) reset(o Order, w Width) {
	p.Order, p.Width = o, w
	p.near, p.marks = p.near[:0], p.marks[:0]
	p.open, p.limit, p.edge = 0, inf, inf
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
func (p *pool) refuses(d float32) bool { return d > p.limit }

// insert puts the neighbour in its place and returns the place, or -1 when it is
// too far.
func (p *pool) insert(n Neighbor, mark uint8) int {
	last := len(p.near) - 1
	if n.Distance > p.limit || p.open >= p.Most && !p.Less(n, p.near[last]) {
		return -1
	}
	at := p.place(n, mark)
	if mark&hidden == 0 && (n.Distance < p.edge || p.open >= p.Most) {
		p.trim()
	}
	return at
}

// place puts the neighbour in its place, whatever the width, and returns the place.
func (p *pool) place(n Neighbor, mark uint8) int {
	at := p.search(n)
	p.near = append(p.near, Neighbor{})
	p.marks = append(p.marks, 0)
	copy(p.near[at+1:], p.near[at:])
	copy(p.marks[at+1:], p.marks[at:])
	p.near[at], p.marks[at] = n, mark
	if mark&hidden == 0 {
		p.open++
	}
	return at
}

// trim sets the limit, and drops from the far end what is beyond it.
func (p *pool) trim() {
	if p.open < p.Least {
		return
	}
	p.limit = p.openAt(p.Least)
	p.edge = p.limit
	if p.Slack > 1 {
		p.limit = max(p.limit, p.Slack*p.openAt(p.K))
	}
	end := len(p.near)
	for p.near[end-1].Distance > p.limit || p.open > p.Most {
		end--
		if p.marks[end]&hidden == 0 {
			p.open--
		}
	}
	if p.open == p.Most {
		for p.marks[end-1]&hidden != 0 {
			end--
		}
		p.limit = p.near[end-1].Distance
	}
	p.near, p.marks = p.near[:end], p.marks[:end]
}

// eightHidden is the mark hidden of eight slots.
const eightHidden = hidden * 0x0101010101010101

// openAt is the distance of the n-th slot that is not hidden.
func (p *pool) openAt(n int) float32 {
	if p.open == len(p.near) {
		return p.near[n-1].Distance
	}
	at := 0
	for ; at+8 <= len(p.marks); at += 8 {
		open := 8 - bits.OnesCount64(binary.LittleEndian.Uint64(p.marks[at:])&eightHidden)
		if open >= n {
			break
		}
		n -= open
	}
	for ; ; at++ {
		if n -= int(1 - p.marks[at]&hidden/hidden); n == 0 {
			return p.near[at].Distance
		}
	}
}

// search is the number of entries before n. Which half n belongs to is anybody's guess,
// so there is no branch on it.
func (p *pool) search(n Neighbor) int {
	near := p.near
	low := 0
	for size := uint(len(near)); size > 0; {
		half := (size + 1) / 2
		before := 0
		if near[low+int(half)-1].Distance < n.Distance {
			before = 1
		}
		low += int(half) & -before
		size -= half
	}
	for low < len(near) && near[low].Distance == n.Distance && p.Less(near[low], n) {
		low++
	}
	return low
}
