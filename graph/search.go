package graph

// Search holds what a search needs while it runs, to be used again by the next.
// The zero value is ready; one goroutine at a time may use it. Its size is a bit
// per slot number and a few lists as long as ef.
type Search struct {
	Hops      uint64 // slots whose links were read, since the zero value
	Distances uint64 // distances asked for, since the zero value
	Order     Order  // of what is equally near; the zero value is by slot

	pool      pool
	visited   visited
	links     []Slot
	distances []float32
	masked    []bool
	results   []Neighbor

	strides       []stride // of a step of a sweep
	stream        stream   // of walks that go on
	first, second []Slot   // links of a slot and of a neighbour of it
}

// A step of a beam follows the links of so many slots, the nearest not followed yet,
// and asks for all distances at once: the memory then has more to bring at a time, and
// less waits for the first of them. In return a step overlooks what a narrower one
// would have found meanwhile; that costs a few distances, and finds a little more.
// The first steps are narrower: they mostly find something nearer at once.
const beamWidth = 4

// Descend walks from the entry to ever nearer slots on the levels from, from-1
// .. to, and returns the nearest it found. With from below to it returns the
// entry itself, with its distance.
func (s *Search) Descend(l Links, sp Space, entry Slot, from, to int) Neighbor {
	s.links = append(s.links[:0], entry)
	best := Neighbor{entry, s.measure(sp, s.links)[0]}
	for level := from; level >= to; level-- {
		best = s.descendLevel(l, sp, best, level)
	}
	return best
}

func (s *Search) descendLevel(l Links, sp Space, best Neighbor, level int) Neighbor {
	s.visited.reset()
	s.visited.add(best.Slot)
	for {
		s.links = s.links[:0]
		s.hop(l, best.Slot, level)
		distances := s.measure(sp, s.links)
		moved := false
		for i, d := range distances {
			if n := (Neighbor{s.links[i], d}); d <= best.Distance && s.Order.Less(n, best) {
				best, moved = n, true
			}
		}
		if !moved {
			return best
		}
	}
}

// Beam walks the level from the entries, whose distances must be set, and returns
// the nearest slots it found that mask does not hide (nil hides none), as many as the
// width says, sorted by distance and slot. Hidden slots are walked over, whether entries
// or not. The result is valid until the next call.
func (s *Search) Beam(l Links, sp Space, entries []Neighbor, level int, w Width, mask Mask) []Neighbor {
	p := &s.pool
	p.reset(s.Order, w)
	s.visited.reset()
	s.seed(entries, mask)
	prefetcher, _ := l.(Prefetcher)
	for next, width := 0, 1; next < len(p.near); width = min(width+1, beamWidth) {
		s.prefetch(prefetcher, next, level)
		next = s.follow(l, next, width, level)
		distances := s.measure(sp, s.links)
		next = p.unexpanded(min(next, s.take(distances, mask)))
	}
	if mask == nil {
		return p.near
	}
	s.results = s.results[:0]
	for i, n := range p.near {
		if p.marks[i]&hidden == 0 {
			s.results = append(s.results, n)
		}
	}
	return s.results
}

// seed puts the entries into the pool.
func (s *Search) seed(entries []Neighbor, mask Mask) {
	s.links = s.links[:0]
	s.distances = s.distances[:0]
	for _, e := range entries {
		if s.visited.add(e.Slot) {
			s.links = append(s.links, e.Slot)
			s.distances = append(s.distances, e.Distance)
		}
	}
	s.take(s.distances, mask)
}

// follow reads the links of the slots from place next of the pool on that are not
// expanded yet, of width of them at most, and returns the place of the next such slot.
func (s *Search) follow(l Links, next, width, level int) int {
	p := &s.pool
	s.links = s.links[:0]
	for ; width > 0 && next < len(p.near); width-- {
		p.marks[next] |= expanded
		s.hop(l, p.near[next].Slot, level)
		next = p.unexpanded(next + 1)
	}
	return next
}

// hop appends the links of the slot that were not seen before to s.links.
func (s *Search) hop(l Links, slot Slot, level int) {
	s.Hops++
	from := len(s.links)
	s.links = l.AppendLinks(s.links, slot, level)
	s.links = s.links[:from+s.visited.keepNew(s.links[from:])]
}

// prefetch asks for the links that the next step follows, unless this one finds nearer
// slots.
func (s *Search) prefetch(l Prefetcher, next, level int) {
	if l == nil {
		return
	}
	p := &s.pool
	for width := beamWidth; width > 0 && next < len(p.near); width-- {
		l.Prefetch(p.near[next].Slot, level)
		next = p.unexpanded(next + 1)
	}
}

func (s *Search) measure(sp Space, slots []Slot) []float32 {
	if cap(s.distances) < len(slots) {
		s.distances = make([]float32, 2*len(slots))
	}
	s.distances = s.distances[:len(slots)]
	if len(slots) > 0 {
		sp.Distances(s.distances, slots)
		s.Distances += uint64(len(slots))
	}
	return s.distances
}

// take puts s.links, at the given distances, into the pool and returns the lowest
// place that one of them took.
func (s *Search) take(distances []float32, mask Mask) int {
	p := &s.pool
	lowest := len(p.near) + len(distances)
	if mask == nil {
		for i, d := range distances {
			if p.refuses(d) {
				continue
			}
			if at := p.insert(Neighbor{s.links[i], d}, 0); at >= 0 && at < lowest {
				lowest = at
			}
		}
		return lowest
	}
	if cap(s.masked) < len(distances) {
		s.masked = make([]bool, 2*len(distances))
	}
	masked := s.masked[:len(distances)]
	if len(masked) > 0 {
		mask.Mask(masked, s.links)
	}
	for i, d := range distances {
		var mark uint8
		if masked[i] {
			mark = hidden
		}
		if p.refuses(d) {
			continue
		}
		if at := p.insert(Neighbor{s.links[i], d}, mark); at >= 0 && at < lowest {
			lowest = at
		}
	}
	return lowest
}
