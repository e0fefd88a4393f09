package graph

// Narrowed is what a filtered search on level 0 is after.
type Narrowed struct {
	Filter *Filter
	K      int // how many nearest members are wanted
	Ef     int // width of the beam, as an unfiltered search would have it
	// Reach is how many slots that are not members a sweep steps over in a row with all
	// their links in view. Beyond, it looks at their links to members only.
	Reach int
	// Budget is the most that the search may spend, in distances; reading the links of a
	// slot counts as one.
	Budget uint64
}

// EveryReach makes a sweep look at all links of all slots.
const EveryReach = maxSteps

// Sweep walks level 0 from the entry, over members of the filter and others alike, and
// returns the nearest members it found, sorted by distance and slot. ended is false if
// the budget was spent, or no way was left, before the beam was wide enough. The result
// is valid until the next call.
func (s *Search) Sweep(l Links, sp Space, entry Neighbor, n Narrowed) (found []Neighbor, ended bool) {
	p := &s.sieve
	p.reset(s.order, n.K, n.Ef)
	s.visited.reset()
	s.visited.add(entry.Slot)
	prefetcher, _ := l.(Prefetcher)
	p.insert(entry, hidden*uint8(1-n.Filter.bit(entry.Slot)))
	limit := s.Distances + s.Hops + n.Budget
	for next := 0; next < len(p.near); {
		if p.marks[next]&expanded != 0 {
			next++
			continue
		}
		if s.Distances+s.Hops >= limit {
			return nil, false
		}
		p.marks[next] |= expanded
		steps := p.marks[next] >> stepShift
		s.Hops++
		if int(steps) <= n.Reach {
			s.links = l.AppendLinks(s.links[:0], p.near[next].Slot, 0)
		} else {
			s.first = l.AppendLinks(s.first[:0], p.near[next].Slot, 0)
			s.links = n.Filter.appendMembers(s.links[:0], s.first)
		}
		s.links = s.links[:s.visited.keepNew(s.links)]
		if ahead := next + 1; prefetcher != nil && ahead < len(p.near) {
			prefetcher.Prefetch(p.near[ahead].Slot, 0)
		}
		if lowest := s.sift(s.measure(sp, s.links), n.Filter, min(steps+1, maxSteps)); lowest <= next {
			next = lowest
		} else {
			next++
		}
	}
	s.results = s.results[:0]
	for i, n := range p.near {
		if p.marks[i]&hidden == 0 {
			s.results = append(s.results, n)
		}
	}
	return s.results, p.full()
}

// sift puts s.links, at the given distances, into the sieve and returns the lowest place
// that one of them took. Those that are no members are steps from the last one.
func (s *Search) sift(distances []float32, f *Filter, steps uint8) int {
	p := &s.sieve
	lowest := len(p.near) + len(distances)
	for i, d := range distances {
		slot := s.links[i]
		var mark uint8
		if f.bit(slot) == 0 {
			mark = hidden | steps<<stepShift
		}
		if at := p.insert(Neighbor{slot, d}, mark); at >= 0 && at < lowest {
			lowest = at
		}
	}
	return lowest
}

// TwoHop walks level 0 from the entry over members of the filter alone, from each to
// those within two links (ACORN-1, Patel and others, 2024), and returns the nearest that
// it found, at most Ef, sorted by distance and slot. ended is false if the budget was
// spent, or no way was left, before there were Ef. The result is valid until the next
// call.
//
// It finds what there is to find only where members are dense enough: where a slot has
// many of them within two links.
func (s *Search) TwoHop(l Links, sp Space, entry Neighbor, n Narrowed) (found []Neighbor, ended bool) {
	p := &s.pool
	p.reset(s.order, Plain(n.Ef))
	s.visited.reset()
	s.visited.add(entry.Slot)
	limit := s.Distances + s.Hops + n.Budget
	if n.Filter.bit(entry.Slot) != 0 {
		p.insert(entry, expanded)
	}
	for slot, next := entry.Slot, 0; ; slot = p.near[next].Slot {
		s.links = s.nearMembers(s.links[:0], l, n.Filter, slot)
		s.links = s.links[:s.visited.keepNew(s.links)]
		if lowest := s.take(s.measure(sp, s.links), nil); lowest < next {
			next = lowest
		}
		if next = p.unexpanded(next); next == len(p.near) {
			return p.near, len(p.near) >= n.Ef
		}
		if s.Distances+s.Hops >= limit {
			return nil, false
		}
		p.marks[next] |= expanded
	}
}
