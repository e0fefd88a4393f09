package graph

// stream is a beam that can be widened. It forgets nothing: what there is no room for is
// kept, and a wider beam takes it back.
type stream struct {
	filter *Filter // of a walk over its members alone, from each to those within two links; nil: over all

	near  []Marked // nearest first, marked when expanded; those before place given have been handed over
	given int
	total int // how many have been handed over since the beginning
	room  int // how many near has room for beside them
	width int // of the last step

	// None of these is nearer than the last of near. Those that the beam did not take lie in
	// no order until it is widened, if ever.
	beyond  Heap
	refused []Marked
}

// Begin begins a walk of level 0 that [Search.More] goes on with: from the entries, over all
// slots, or if there is a filter over its members alone, as [Search.TwoHop] does. Entries are
// handed over whether they are members or not.
func (s *Search) Begin(entries []Neighbor, f *Filter) {
	p := &s.stream
	*p = stream{filter: f, near: p.near[:0], beyond: p.beyond[:0], refused: p.refused[:0], room: len(entries)}
	s.visited.reset()
	for _, e := range entries {
		if s.visited.add(e.Slot) {
			p.insert(e)
		}
	}
}

// More walks on, to where a beam of the given width would end, and hands over the nearest
// slots that it has not handed over yet: n, or as many as the width has room for, nearest
// first. The width counts those that were handed over before; it must not fall.
//
// Each slot is handed over once. One that is found after others which are farther comes
// after them. With a width of at least one more than was handed over, it returns none
// only when all that can be reached has been. The result is valid until the next call.
func (s *Search) More(l Links, sp Space, width, n int) []Neighbor {
	p := &s.stream
	p.widen(width - p.total)
	prefetcher, _ := l.(Prefetcher)
	for next := p.unexpanded(p.given); next < len(p.near); {
		s.links = s.links[:0]
		if p.filter != nil {
			p.near[next].Mark = true
			s.links = s.nearMembers(s.links, l, p.filter, p.near[next].Slot)
			s.links = s.links[:s.visited.keepNew(s.links)]
			next++
		} else {
			next = s.step(l, prefetcher, next)
		}
		for i, d := range s.measure(sp, s.links) {
			next = min(next, p.insert(Neighbor{s.links[i], d}))
		}
		next = p.unexpanded(next)
	}
	s.results = s.results[:0]
	for _, e := range p.near[p.given:min(p.given+n, len(p.near))] {
		s.results = append(s.results, e.Neighbor)
	}
	p.given += len(s.results)
	p.total += len(s.results)
	p.room -= len(s.results)
	return s.results
}

// step follows the links of some slots from place next on, and returns the place behind.
func (s *Search) step(l Links, prefetcher Prefetcher, next int) int {
	p := &s.stream
	if prefetcher != nil {
		p.prefetch(prefetcher, next)
	}
	p.width = min(p.width+1, beamWidth)
	for width := p.width; width > 0 && next < len(p.near); width-- {
		p.near[next].Mark = true
		s.hop(l, p.near[next].Slot, 0)
		next = p.unexpanded(next + 1)
	}
	return next
}

// prefetch asks for the links that the step follows.
func (p *stream) prefetch(l Prefetcher, next int) {
	for step := beamWidth; step > 0 && next < len(p.near); step-- {
		l.Prefetch(p.near[next].Slot, 0)
		next = p.unexpanded(next + 1)
	}
}

// unexpanded is the place of the first slot from there on whose links were not followed.
func (p *stream) unexpanded(from int) int {
	for from < len(p.near) && p.near[from].Mark {
		from++
	}
	return from
}

// widen makes room and fills it with the nearest of what lies beyond.
func (p *stream) widen(room int) {
	if room <= p.room {
		return
	}
	p.near = append(p.near[:0], p.near[p.given:]...)
	p.given, p.room = 0, room
	if len(p.beyond) < len(p.refused) {
		p.beyond = append(p.beyond, p.refused...)
		p.beyond.Init()
	} else {
		for _, m := range p.refused {
			p.beyond.Push(m)
		}
	}
	p.refused = p.refused[:0]
	for len(p.near) < room && len(p.beyond) > 0 {
		p.near = append(p.near, p.beyond.Pop())
	}
}

// insert puts the neighbour in its place and returns the place; a far one goes beyond, and
// the place is then behind all others.
func (p *stream) insert(n Neighbor) int {
	last := len(p.near) - 1
	if full := last+1-p.given >= p.room; full {
		if p.room <= 0 || !(Order{}).Less(n, p.near[last].Neighbor) {
			p.refused = append(p.refused, Marked{n, false})
			return last + 1
		}
		p.refused = append(p.refused, p.near[last])
		p.near = p.near[:last]
	}
	low, high := p.given, len(p.near)
	for low < high {
		middle := int(uint(low+high) >> 1)
		if (Order{}).Less(p.near[middle].Neighbor, n) {
			low = middle + 1
		} else {
			high = middle
		}
	}
	p.near = append(p.near, Marked{})
	copy(p.near[low+1:], p.near[low:])
	p.near[low] = Marked{n, false}
	return low
}
