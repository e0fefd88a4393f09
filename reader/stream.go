package reader

import (
	"context"
	"math"
	"runtime/trace"
	"strings"

	"github.com/RoaringBitmap/roaring/v2"

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

	// Found, compared exactly and not yielded yet. The mark is for those that the walk has
	// found: those say how far it has come.
	ready  graph.Heap
	walked int // how many of ready have the mark

	yielded int          // slots with the mark that were yielded
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
	// streamSpare: deep in a stream its beam is wider, than what was yielded, by one in so
	// many, and by no more than ef.
	streamSpare = 8
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
	for s.next() {
		hit := Hit{Group: s.stream.group}
		if hit.Key, s.err = r.index.AppendKey(nil, s.stream.last.Slot); s.err != nil {
			break
		}
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
	*f = stream{o: *o, ready: f.ready[:0], given: f.given[:0], stats: SearchStats{Matches: -1, Share: -1}}
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
	top := len(x.Meta.Roots) - 1
	entry := s.graph.Descend(s, s, x.Meta.Roots[top], top, 1)
	if o.Filter != nil {
		f.stats.Strategy, f.stats.Share = Sweep, s.graph.Share(s, o.Filter.graph, entry.Slot)
		if p.choose(f.stats.Share) == Scan {
			s.scanRest()
			return
		}
	}
	f.budget = p.budget()
	s.graph.Begin(entry)
}

// next finds the next item, leaves it in s.stream and reports whether there is one.
func (s *search) next() bool {
	f := &s.stream
	for {
		for !f.ended && f.walked < s.ahead() && s.err == nil {
			s.draw()
		}
		if len(f.ready)%hopsPerLook == 0 && s.err == nil {
			s.err = s.ctx.Err()
		}
		if s.err != nil || len(f.ready) == 0 {
			return false
		}
		found := f.ready.Pop()
		if found.Mark {
			f.walked--
			f.yielded++
		}
		f.last = found.Neighbor
		if most := f.o.MaxDistance; most != nil && s.reader.exact.Kernel.Report(f.last.Distance) > *most {
			return false
		}
		if f.last.Slot != s.own && s.groupHasRoom() {
			return true
		}
	}
}

// spare is by how much the beam must be wider than what was yielded of it: by what it is
// wider at the start, as far as that is not used up, and by a share of what was yielded.
func (s *search) spare() int {
	f := &s.stream
	if s.walk.Kernel.Type() == distance.Bits && s.walk != &s.reader.exact {
		return f.o.Ef // signs tell so little that nothing of the beam can be spared
	}
	return max(f.o.Ef-f.yielded, min((len(f.given)-f.walked)/streamSpare, f.o.Ef), 1)
}

// ahead is how many slots of the walk must be compared exactly before the nearest of them
// is yielded.
func (s *search) ahead() int {
	if s.walk == &s.reader.exact {
		return 1
	}
	wanted := candidates(s.walk.Kernel.Type(), s.stream.yielded+1) - s.stream.yielded
	return min(wanted, s.spare())
}

// draw takes some more slots from the walk.
func (s *search) draw() {
	defer trace.StartRegion(s.ctx, "hannoy walk").End()
	f := &s.stream
	if s.graph.Distances+s.graph.Hops > f.budget {
		s.scanRest()
		return
	}
	width := len(f.given) - f.walked + s.spare()
	found := s.graph.More(s, s, width, s.ahead()-f.walked+streamAhead)
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
	f.walked += len(members)
	if s.walk == &s.reader.exact {
		for _, n := range members {
			f.ready.Push(graph.Marked{Neighbor: n, Mark: true})
		}
		return
	}
	f.stats.Distances += len(members)
	s.slots = s.slots[:0]
	for _, n := range members {
		s.slots = append(s.slots, n.Slot)
	}
	for i, d := range s.compare(s.slots) {
		f.ready.Push(graph.Marked{Neighbor: graph.Neighbor{Slot: s.slots[i], Distance: d}, Mark: true})
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

// gather puts the slots of a set into ready, and returns how many these are.
func (s *search) gather(slots *roaring.Bitmap) (count int) {
	defer trace.StartRegion(s.ctx, "hannoy scan").End()
	f := &s.stream
	var batch [scanBatch]uint32
	for it := slots.ManyIterator(); s.err == nil; {
		n := it.NextMany(batch[:])
		if n == 0 {
			break
		}
		if s.err = s.ctx.Err(); s.err != nil {
			break
		}
		s.slots = append(s.slots[:0], batch[:n]...)
		for i, d := range s.compare(s.slots) {
			f.ready = append(f.ready, graph.Marked{Neighbor: graph.Neighbor{Slot: batch[i], Distance: d}})
		}
		count += n
	}
	f.ready.Init()
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
	stats.Hops = int(s.graph.Hops)
	stats.Distances += int(s.graph.Distances) + stats.Pending
	return stats
}

// compare returns the exact distances of the slots, valid until the next call.
func (s *search) compare(slots []graph.Slot) []float32 {
	if cap(s.distances) < len(slots) {
		s.distances = make([]float32, 2*len(slots))
	}
	s.distances = s.distances[:len(slots)]
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
