package graph

// Narrowed is what a filtered search on level 0 is after.
type Narrowed struct {
	Filter *Filter
	Width  Width // of the beam, in members
	// Reach is how many slots that are not members a sweep steps over in a row with all
	// their links in view. Beyond, it looks at their links to members only.
	Reach int
	// Budget is the most that the search may spend, in distances; reading the links of a
	// slot counts as one.
	Budget uint64
}

// Above the marks expanded and hidden of a slot stands how many slots that are not members,
// this one included, a sweep has stepped over in a row to come there.
const (
	stepShift = 2
	maxSteps  = 1<<(8-stepShift) - 1
)

// EveryReach makes a sweep look at all links of all slots.
const EveryReach = maxSteps

// Sweep walks level 0 from the entries, over members of the filter and others alike, and
// returns the nearest members it found, sorted by distance and slot. ended is false if
// the budget was spent, or no way was left, before the beam was wide enough. The result
// is valid until the next call.
func (s *Search) Sweep(l Links, sp Space, entries []Neighbor, n Narrowed) (found []Neighbor, ended bool) {
	p := &s.pool
	p.reset(s.Order, n.Width)
	s.visited.reset()
	for _, e := range entries {
		if s.visited.add(e.Slot) {
			p.insert(e, hidden*uint8(1-n.Filter.bit(e.Slot)))
		}
	}
	prefetcher, _ := l.(Prefetcher)
	limit := s.Distances + s.Hops + n.Budget
	for next, width := 0, 1; next < len(p.near); width = min(width+1, beamWidth) {
		if s.Distances+s.Hops >= limit {
			return nil, false
		}
		s.prefetch(prefetcher, next, 0)
		next = s.sweepOn(l, n, next, width)
		next = p.unexpanded(min(next, s.sift(s.measure(sp, s.links), n.Filter)))
	}
	s.results = s.results[:0]
	for i, n := range p.near {
		if p.marks[i]&hidden == 0 {
			s.results = append(s.results, n)
		}
	}
	return s.results, p.open >= p.Least
}

// A stride is what a sweep found at one of the slots that it follows in a step.
type stride struct {
	end   int   // of its links in s.links
	steps uint8 // over slots that are not members, in a row, to come to them
}

// sweepOn follows the links of the slots from place next of the pool on that are not
// expanded yet, of width of them at most, and returns the place of the next such slot.
func (s *Search) sweepOn(l Links, n Narrowed, next, width int) int {
	p := &s.pool
	s.links, s.strides = s.links[:0], s.strides[:0]
	for ; width > 0 && next < len(p.near); width-- {
		steps := p.marks[next] >> stepShift
		p.marks[next] |= expanded
		if int(steps) <= n.Reach {
			s.hop(l, p.near[next].Slot, 0)
		} else {
			s.Hops++
			from := len(s.links)
			s.first = l.AppendLinks(s.first[:0], p.near[next].Slot, 0)
			s.links = n.Filter.appendMembers(s.links, s.first)
			s.links = s.links[:from+s.visited.keepNew(s.links[from:])]
		}
		s.strides = append(s.strides, stride{len(s.links), min(steps+1, maxSteps)})
		next = p.unexpanded(next + 1)
	}
	return next
}

// sift puts s.links, at the given distances, into the pool and returns the lowest place
// that one of them took.
func (s *Search) sift(distances []float32, f *Filter) int {
	p := &s.pool
	lowest := len(p.near) + len(distances)
	i := 0
	for _, stride := range s.strides {
		for ; i < stride.end; i++ {
			if p.refuses(distances[i]) {
				continue
			}
			slot := s.links[i]
			mark := uint8(1-f.bit(slot)) * (hidden | stride.steps<<stepShift)
			if at := p.insert(Neighbor{slot, distances[i]}, mark); at >= 0 && at < lowest {
				lowest = at
			}
		}
	}
	return lowest
}

// TwoHop walks level 0 from the entries over members of the filter alone, from each to
// those within two links (ACORN-1, Patel and others, 2024), and returns the nearest that
// it found, at most as many as the width says, sorted by distance and slot. Entries that are
// no members are where it begins, but it does not return them. ended is false if the
// budget was spent, or no way was left, before the beam was wide enough. The result is valid
// until the next call.
//
// It finds what there is to find only where members are dense enough: where a slot has
// many of them within two links.
func (s *Search) TwoHop(l Links, sp Space, entries []Neighbor, n Narrowed) (found []Neighbor, ended bool) {
	p := &s.pool
	p.reset(s.Order, n.Width)
	s.visited.reset()
	for _, e := range entries {
		if s.visited.add(e.Slot) && n.Filter.bit(e.Slot) != 0 {
			p.insert(e, 0)
		}
	}
	for _, e := range entries {
		if n.Filter.bit(e.Slot) == 0 {
			s.expand(l, sp, n.Filter, e.Slot)
		}
	}
	limit := s.Distances + s.Hops + n.Budget
	for next := 0; next < len(p.near); {
		if s.Distances+s.Hops >= limit {
			return nil, false
		}
		p.marks[next] |= expanded
		next = p.unexpanded(min(next, s.expand(l, sp, n.Filter, p.near[next].Slot)))
	}
	return p.near, p.open >= p.Least
}

// expand puts the members within two links of the slot into the pool, those that were not
// seen before, and returns the lowest place that one of them took.
func (s *Search) expand(l Links, sp Space, f *Filter, slot Slot) int {
	s.links = s.nearMembers(s.links[:0], l, f, slot)
	s.links = s.links[:s.visited.keepNew(s.links)]
	return s.take(s.measure(sp, s.links), nil)
}
