package reader

import (
	"context"
	"math"
	"runtime/trace"
	"strings"

	"github.com/RoaringBitmap/roaring/v2"

	"github.com/hannoydb/hannoy/codec"
	"github.com/hannoydb/hannoy/distance"
	"github.com/hannoydb/hannoy/graph"
)

// A stream is a search that does not know how many items will be asked of it: it yields
// the next nearest for as long as somebody wants one. It walks on where it stands, with a
// beam that widens as it goes, and when that has cost as much as a scan of what is left
// would, it scans.
type stream struct {
	o     Options
	stats SearchStats

	// Found, compared exactly and not yielded yet: those of the walk nearest first, from
	// place next on, and those that were scanned.
	near    []graph.Neighbor
	next    int
	scanned graph.Heap

	width   int          // of the beam, with all that it has handed over
	yielded int          // slots of the walk that were yielded
	given   []graph.Slot // all that the walk has handed over, members or not
	ended   bool         // the walk will find nothing more
	budget  uint64       // what it may cost, in distances, before it is given up for a scan

	counts map[string]int // yielded, by group
	last   graph.Neighbor // what next found
	group  string         // and its group
}

const (
	// streamPage is how many items a stream is planned for.
	streamPage = 10
	// streamAhead is how many slots more than are needed are taken from the walk at a time.
	streamAhead = 16
	// streamSpare: deep in a stream one in so many is held back.
	streamSpare = 16
	// streamStep: a beam is widened by one in so many of ef, and at least by one in twice as
	// many of its width.
	streamStep = 4
)

// Nearest calls yield with the items nearest to the query, one after the other, until it
// returns false. It then, or when all have been yielded, sets stats, unless that is nil.
//
// What is found late comes late: the walk may come upon an item after others which are
// farther.
func (r *Reader) Nearest(ctx context.Context, q Query, o Options, stats *SearchStats, yield func(Hit, error) bool) {
	s := searches.Get().(*search)
	defer s.release()
	if s.aim(ctx, r, q); s.err != nil {
		yield(Hit{}, s.err)
		return
	}
	s.begin(&o)
	defer func() {
		if stats != nil {
			*stats = s.streamStats()
		}
	}()
	var keys []byte
	for s.next() {
		hit := Hit{Group: s.stream.group}
		// Keys share room, a little at a time: who keeps one hit keeps no more than that.
		if keys = keys[len(keys):]; cap(keys) < codec.MaxKeyBytes {
			keys = make([]byte, 0, 2*codec.MaxKeyBytes)
		}
		if keys, s.err = r.index.AppendKey(keys, s.stream.last.Slot); s.err != nil {
			break
		}
		hit.Key = keys[:len(keys):len(keys)]
		if s.err = s.fill(&hit, s.stream.last, &o); s.err != nil {
			break
		}
		if !yield(hit, nil) {
			return
		}
	}
	if s.err != nil {
		yield(Hit{}, s.err)
	}
}

// begin makes the stream ready for next.
func (s *search) begin(o *Options) {
	f, x := &s.stream, s.reader.index
	*f = stream{o: *o, near: f.near[:0], scanned: f.scanned[:0], width: o.Ef, given: f.given[:0], stats: SearchStats{Matches: -1, Share: -1}}
	if o.GroupBy != "" {
		f.counts = map[string]int{}
	}
	s.graph.Hops, s.graph.Distances = 0, 0
	pending, p := x.Pending, plan{k: streamPage, ef: o.Ef, matches: int(x.Meta.Live), share: 1}
	if o.Filter != nil {
		f.stats.Matches = o.Filter.Len()
		pending, p = o.Filter.pending, s.plan(streamPage, o)
	}
	f.stats.Pending = s.gather(pending)
	p.scan, p.walk = cost(&s.reader.exact, scanNanos, scanBytesPerNano), cost(s.walk, walkNanos, walkBytesPerNano)
	if o.Exact || len(x.Meta.Roots) == 0 || o.Filter != nil && p.scanFirst() {
		s.scanRest()
		return
	}
	f.budget = p.budget()
	if o.Filter == nil {
		s.graph.Begin(s.enter(), nil)
		return
	}
	switch out := s.outset(p, o.Filter.graph, &f.stats); f.stats.Strategy {
	case Scan:
		s.scanRest()
	case TwoHop:
		f.o.Ef, f.width = p.twoHopEf(), p.twoHopEf()
		s.graph.Begin(out, o.Filter.graph)
	default:
		s.graph.Begin(out, nil)
	}
}

// next finds the next item, leaves it in s.stream and reports whether there is one.
func (s *search) next() bool {
	f := &s.stream
	for {
		for wanted, least := s.wanted(); !f.ended && f.walked() < wanted && s.err == nil; {
			if !s.mayDraw() {
				if f.walked() >= least {
					break
				}
				s.widen()
			}
			s.draw(wanted - f.walked() + streamAhead)
		}
		if len(f.scanned)%hopsPerLook == 0 && s.err == nil {
			s.err = s.ctx.Err()
		}
		if s.err != nil || !f.take() {
			return false
		}
		if most := f.o.MaxDistance; most != nil && s.reader.exact.Kernel.Report(f.last.Distance) > *most {
			return false
		}
		if f.last.Slot != s.own && s.groupHasRoom() {
			return true
		}
	}
}

// walked is how many slots of the walk are not yielded yet.
func (f *stream) walked() int { return len(f.near) - f.next }

// add puts a slot of the walk into its place. It mostly is the last.
func (f *stream) add(n graph.Neighbor) {
	f.near = append(f.near, n)
	for i := len(f.near) - 1; i > f.next && compareNeighbors(n, f.near[i-1]) < 0; i-- {
		f.near[i-1], f.near[i] = n, f.near[i-1]
	}
}

// take takes the nearest of all that were found, if there is any.
func (f *stream) take() bool {
	walked, scanned := f.walked() > 0, len(f.scanned) > 0
	switch {
	case walked && !(scanned && compareNeighbors(f.scanned[0].Neighbor, f.near[f.next]) < 0):
		f.last = f.near[f.next]
		f.yielded++
		if f.next++; f.next == len(f.near) {
			f.near, f.next = f.near[:0], 0
		}
	case scanned:
		f.last = f.scanned.Pop().Neighbor
	default:
		return false
	}
	return true
}

// wanted is how many slots of the walk are compared exactly before the nearest of them is
// yielded, as far as the beam has as many; and least is for how many it is widened. The
// first beam is used up, as it is in a search for ef items. Then so many are held back that
// late finds come in order.
func (s *search) wanted() (wanted, least int) {
	f := &s.stream
	wanted, least = 1, 1
	if f.yielded >= f.o.Ef {
		least += max(f.o.Ef/streamStep, f.yielded/streamSpare)
	}
	if s.walk != &s.reader.exact {
		wanted = candidates(s.walk.Kernel.Type(), f.yielded+1) - f.yielded
		if s.walk.Kernel.Type() == distance.Bits {
			wanted, least = f.o.Ef, f.o.Ef // signs tell so little
		}
	}
	return max(wanted, least), least
}

// mayDraw reports whether what the walk hands over next has as much of the beam behind it
// as it would have in a search: if this is the n-th member, ef - n slots.
func (s *search) mayDraw() bool {
	f := &s.stream
	return f.width-len(f.given) >= max(f.o.Ef-f.yielded-f.walked(), 1)
}

// widen makes the beam so much wider that mayDraw is true.
func (s *search) widen() {
	f := &s.stream
	need := len(f.given) + max(f.o.Ef-f.yielded-f.walked(), 1)
	f.width = max(need, f.width+max(f.o.Ef/streamStep, f.width/(2*streamStep)))
}

// draw takes some more slots from the walk.
func (s *search) draw(n int) {
	defer trace.StartRegion(s.ctx, "hannoy walk").End()
	f := &s.stream
	if s.graph.Distances+s.graph.Hops > f.budget {
		s.scanRest()
		return
	}
	found := s.graph.More(s, s, f.width, n)
	if len(found) == 0 {
		f.ended = true
		return
	}
	members := found[:0]
	for _, n := range found {
		f.given = append(f.given, n.Slot)
		if s.member(n.Slot) {
			members = append(members, n)
		}
	}
	if s.walk == &s.reader.exact {
		for _, n := range members {
			f.add(n)
		}
		return
	}
	f.stats.Distances += len(members)
	s.slots = s.slots[:0]
	for _, n := range members {
		s.slots = append(s.slots, n.Slot)
	}
	for i, d := range s.compare(s.slots) {
		f.add(graph.Neighbor{Slot: s.slots[i], Distance: d})
	}
}

// member reports whether a linked slot may be returned.
func (s *search) member(slot graph.Slot) bool {
	if m := s.stream.o.Filter; m != nil {
		return m.graph.Has(slot)
	}
	return !s.reader.index.Dead.Contains(slot)
}

// scanRest compares the query with every linked slot that may be returned and that the
// walk has not handed over.
func (s *search) scanRest() {
	f := &s.stream
	f.ended = true
	f.stats.Scanned = len(f.given) > 0
	if !f.stats.Scanned {
		f.stats.Strategy = Scan
	}
	rest, err := s.linked(f.o.Filter)
	if err != nil {
		s.err = err
		return
	}
	if f.stats.Scanned {
		rest = roaring.AndNot(rest, roaring.BitmapOf(f.given...))
	}
	f.stats.Distances += s.gather(rest)
}

// gather puts the slots of a set among the scanned, and returns how many these are.
func (s *search) gather(slots *roaring.Bitmap) (count int) {
	defer trace.StartRegion(s.ctx, "hannoy scan").End()
	f := &s.stream
	s.inBatches(slots, func(batch []uint32) {
		for i, d := range s.compare(batch) {
			f.scanned = append(f.scanned, graph.Marked{Neighbor: graph.Neighbor{Slot: batch[i], Distance: d}})
		}
		count += len(batch)
	})
	f.scanned.Init()
	return count
}

// groupHasRoom sets the group of what was found, counts it there, and reports whether the
// group had room for it.
func (s *search) groupHasRoom() bool {
	f := &s.stream
	if f.o.GroupBy == "" {
		return true
	}
	f.group = ""
	labels, err := s.reader.index.Labels(f.last.Slot)
	if err != nil {
		s.err = err
		return false
	}
	for _, label := range labels {
		if strings.HasPrefix(label, f.o.GroupBy) {
			f.group = label
			f.counts[label]++
			return f.counts[label] <= f.o.PerGroup
		}
	}
	return true // a group of its own
}

// streamStats says what the stream has done so far.
func (s *search) streamStats() SearchStats {
	stats := s.stream.stats
	s.sum(&stats)
	return stats
}

// compare returns the exact distances of the slots, valid until the next call.
func (s *search) compare(slots []graph.Slot) []float32 {
	s.room(len(slots))
	if s.err == nil {
		s.err = s.reader.exact.Distances(s.distances, s.query, slots)
	}
	if s.err != nil {
		for i := range s.distances {
			s.distances[i] = float32(math.Inf(1))
		}
	}
	return s.distances
}
