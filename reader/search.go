package reader

import (
	"context"
	"math"
	"runtime/trace"
	"slices"
	"sync"
	"unsafe"

	"github.com/RoaringBitmap/roaring/v2"

	"github.com/hannoydb/hannoy/distance"
	"github.com/hannoydb/hannoy/graph"
)

// Options tunes a search.
type Options struct {
	Ef          int      // beam width, at least k unless the search streams
	Filter      *Matches // what may be returned; nil: every item
	Exact       bool     // compare with every item, or every one that matches
	MaxDistance *float32 // the farthest that may be returned; nil: any
	GroupBy     string   // items with an equal label that begins so are a group; "": no groups
	PerGroup    int      // the most that may be returned of a group
	HeldOut     bool     // walk as if the query, an item, were not in the graph
	WithValues  bool     // return the items' values
	WithVectors bool     // return the items' vectors
}

// streams reports whether a search for k items widens its beam as it goes. Others know
// before how wide it must be.
func (o *Options) streams(k int) bool {
	return o.GroupBy != "" || o.MaxDistance != nil && k > o.Ef
}

// Query is what items are near to. One of its fields is set.
type Query struct {
	Vector []float32 // as many numbers as the index has dimensions
	Bits   []byte    // under Hamming
	Key    []byte    // of an item: its vector is meant, and it is itself left out
}

// SearchStats says what a search did, and why.
type SearchStats struct {
	Hops      int // slots whose links were followed
	Distances int // distances computed, to codes and to pending items included
	Pending   int // items compared one by one because no build has linked them yet

	Strategy Strategy
	Matches  int     // items that the filter admits; -1 without a filter
	Share    float64 // of the items near the query that match; -1 if it did not matter
	Scanned  bool    // the walk was given up, and the query compared with every match
	Sampled  int     // matches compared to find where to begin, as few are near the query; 0 if that was not needed
}

// searches holds what searches need while they run.
var searches = sync.Pool{New: func() any { return new(search) }}

// search is one query on its way: the view of the index that package graph asks,
// and the room that it works in.
type search struct {
	reader *Reader
	ctx    context.Context
	query  unsafe.Pointer  // a row of the stored vectors
	own    graph.Slot      // the slot of the query, if it is an item; else noSlot
	apart  graph.Slot      // the slot that is not walked to; else noSlot
	walk   *distance.Space // what the graph is walked on
	guide  unsafe.Pointer  // the query as a row of it
	err    error           // the first of a read or of the context; from then on nothing is read

	graph     graph.Search
	best      nearest
	groups    []string  // of best, in grouped searches
	coarse    nearest   // by codes
	scanned   []float32 // distances by codes to the first slots of a scan
	stream    stream
	row       []byte
	vector    []float32
	code      []byte
	keys      []byte
	entries   []graph.Neighbor // where a walk of level 0 begins
	slots     []uint32
	batch     []uint32 // of a scan
	distances []float32
}

// noSlot is the slot of queries that are no items: there are never so many slots.
const noSlot = math.MaxUint32

// Search returns the k items nearest to the query, nearest first and then by key.
func (r *Reader) Search(ctx context.Context, q Query, k int, o Options) ([]Hit, SearchStats, error) {
	s := searches.Get().(*search)
	defer s.release()
	if s.aim(ctx, r, q); s.err != nil {
		return nil, SearchStats{Matches: -1, Share: -1}, s.err
	}
	if o.HeldOut {
		s.apart = s.own
		if o.Filter != nil {
			o.Filter = o.Filter.unkept()
		}
	}
	s.best.list, s.groups = s.best.list[:0], s.groups[:0]
	var stats SearchStats
	if o.streams(k) {
		s.begin(&o)
		for len(s.best.list) < k && s.next() {
			s.best.list = append(s.best.list, s.stream.last)
			s.groups = append(s.groups, s.stream.group)
		}
		stats = s.streamStats()
	} else {
		stats = s.nearest(k, &o)
	}
	if s.err != nil {
		return nil, stats, s.err
	}
	hits, err := s.hits(&o)
	return hits, stats, err
}

// nearest leaves the k nearest slots in s.best.
func (s *search) nearest(k int, o *Options) SearchStats {
	wanted := k
	if s.own != noSlot {
		wanted, o.Ef = k+1, max(o.Ef, k+1)
	}
	s.best.k = wanted
	stats := s.run(wanted, o)
	s.best.list = slices.DeleteFunc(s.best.list, func(n graph.Neighbor) bool {
		return n.Slot == s.own || o.MaxDistance != nil && s.reader.exact.Kernel.Report(n.Distance) > *o.MaxDistance
	})
	s.best.list = s.best.list[:min(k, len(s.best.list))]
	return stats
}

// aim sets what is searched for, where, and what the graph is walked on.
func (s *search) aim(ctx context.Context, r *Reader, q Query) {
	s.reader, s.ctx, s.err = r, ctx, ctx.Err()
	s.own, s.apart = noSlot, noSlot
	switch {
	case q.Key != nil:
		s.aimAtItem(q.Key)
	case q.Bits != nil:
		s.row = r.exact.Kernel.AppendBitsRow(s.row[:0], q.Bits)
	default:
		s.row = r.exact.Kernel.AppendRow(s.row[:0], q.Vector)
	}
	s.query = unsafe.Pointer(unsafe.SliceData(s.row))
	s.walk, s.guide = &r.exact, s.query
	if r.codes != nil && s.err == nil {
		s.vector = r.exact.Kernel.Vector(s.vector[:0], s.row)
		s.code = r.codes.Kernel.AppendRow(s.code[:0], s.vector)
		s.walk, s.guide = r.codes, unsafe.Pointer(unsafe.SliceData(s.code))
	}
}

func (s *search) aimAtItem(key []byte) {
	slot, err := s.reader.slotOf(key)
	if err == nil {
		var row []byte
		if row, err = s.reader.index.Vectors.Row(slot); err == nil {
			s.row = append(s.row[:0], row[:s.reader.exact.Kernel.RowBytes()]...)
			s.own = slot
		}
	}
	if s.err == nil {
		s.err = err
	}
}

func (s *search) release() {
	s.reader, s.ctx, s.query, s.walk, s.guide, s.stream.o = nil, nil, nil, nil, nil, Options{}
	searches.Put(s)
}

// run leaves the k nearest slots in s.best.
func (s *search) run(k int, o *Options) SearchStats {
	x := s.reader.index
	stats := SearchStats{Matches: -1, Share: -1}
	pending := x.Pending
	if o.Filter != nil {
		stats.Matches = o.Filter.Len()
		pending = o.Filter.pending
	}
	if !pending.IsEmpty() {
		s.scan(pending)
		stats.Pending = int(pending.GetCardinality())
	}
	s.graph.Hops, s.graph.Distances = 0, 0
	switch {
	case o.Exact:
		stats.Strategy = Scan
		stats.Distances = s.compareAll(o.Filter)
	case o.Filter != nil:
		s.filtered(k, o, &stats)
	case len(x.Meta.Roots) > 0 && s.scansAll(k, o.Ef):
		stats.Strategy = Scan
		stats.Distances = s.compareAll(nil)
	case len(x.Meta.Roots) > 0:
		stats.Distances = s.rank(s.beam(s.width(k, o.Ef)), k)
	}
	s.sum(&stats)
	return stats
}

// sum adds up what the search did.
func (s *search) sum(stats *SearchStats) {
	stats.Hops = int(s.graph.Hops)
	stats.Distances += int(s.graph.Distances) + stats.Pending
	if !s.reader.index.Meta.HasGraph() {
		stats.Strategy, stats.Pending = Scan, 0
	}
}

// compareAll compares the query with every linked slot that may be returned, by the stored
// vectors, and returns how many these are.
func (s *search) compareAll(m *Matches) int {
	slots, err := s.linked(m)
	if err != nil {
		s.err = err
		return 0
	}
	s.scan(slots)
	return int(slots.GetCardinality())
}

// linked returns the linked slots that may be returned; they must not be changed.
func (s *search) linked(m *Matches) (*roaring.Bitmap, error) {
	if m != nil {
		return m.linked, nil
	}
	return s.reader.live()
}

func (s *search) scan(slots *roaring.Bitmap) {
	defer trace.StartRegion(s.ctx, "hannoy scan").End()
	s.compareEach(&s.reader.exact, s.query, slots, &s.best, nil)
}

// beam searches the graph: down the levels to the neighbourhood of the query, then
// through level 0.
func (s *search) beam(w graph.Width) []graph.Neighbor {
	defer trace.StartRegion(s.ctx, "hannoy walk").End()
	var mask graph.Mask
	if s.reader.dead != nil {
		mask = s.reader.dead
	}
	return s.graph.Beam(s, s, s.enter(), 0, w, mask)
}

// enter walks down the levels and returns where level 0 is entered, the nearest first: where that
// has led, and those of the longest vectors, under inner product, that are nearer.
func (s *search) enter() []graph.Neighbor {
	roots, longest := s.reader.index.Meta.Roots, s.reader.index.Meta.Longest
	top := len(roots) - 1
	below := s.graph.Descend(s, s, roots[top], top, 1)
	s.entries = append(s.entries[:0], below)
	distances := s.room(len(longest))
	s.Distances(distances, longest)
	s.graph.Distances += uint64(len(longest))
	for i, d := range distances {
		if d < below.Distance && longest[i] != s.apart {
			s.entries = append(s.entries, graph.Neighbor{Slot: longest[i], Distance: d})
			if last := len(s.entries) - 1; d < s.entries[0].Distance {
				s.entries[0], s.entries[last] = s.entries[last], s.entries[0]
			}
		}
	}
	return s.entries
}

// spareShare is how many slots more than are wanted a walk on codes finds in any case, as a share of these: the order
// by codes of the last ones is not the true one. With a fourth more, walks of ef = k find as much as on
// the stored vectors.
const spareShare = 4

// width is how wide the beam for the k nearest is.
func (s *search) width(k, ef int) graph.Width {
	least := k
	if s.walk != &s.reader.exact {
		least = candidates(s.walk.Kernel.Type(), k)
		ef = max(ef, k+k/spareShare)
	}
	return graph.Elastic(k, ef, least, s.spread())
}

// spread is that of the graph, or 0 where it says nothing of distances in the walk: signs tell
// too little of these.
func (s *search) spread() float32 {
	if s.walk != &s.reader.exact && s.walk.Kernel.Type() == distance.Bits {
		return 0
	}
	return s.reader.index.Meta.Spread
}

// room returns room for so many distances, valid until the next call.
func (s *search) room(n int) []float32 {
	s.distances = slices.Grow(s.distances[:0], n)[:n]
	return s.distances
}

// hopsPerLook is how many hops a search makes between two looks at the context.
const hopsPerLook = 64

// AppendLinks implements graph.Links.
func (s *search) AppendLinks(dst []graph.Slot, slot graph.Slot, level int) []graph.Slot {
	if s.graph.Hops%hopsPerLook == 0 && s.err == nil {
		s.err = s.ctx.Err()
	}
	if s.err != nil {
		return dst
	}
	from := len(dst)
	dst, s.err = s.reader.index.AppendLinks(dst, slot, level)
	if s.apart != noSlot {
		if at, linked := slices.BinarySearch(dst[from:], s.apart); linked {
			dst = slices.Delete(dst, from+at, from+at+1)
		}
	}
	return dst
}

// Failed implements graph.Failing.
func (s *search) Failed() bool { return s.err != nil }

// Prefetch implements graph.Prefetcher.
func (s *search) Prefetch(slot graph.Slot, level int) {
	if level > 0 {
		return
	}
	if block, list := s.reader.index.LinksAddress(slot); block != nil {
		graph.Prefetch(block)
		graph.Prefetch(list)
	}
}

// Distances implements graph.Space.
func (s *search) Distances(dst []float32, slots []graph.Slot) {
	if s.err == nil {
		s.err = s.walk.Distances(dst, s.guide, slots)
	}
	if s.err != nil {
		for i := range dst {
			dst[i] = float32(math.Inf(1))
		}
	}
}

// Distances returns how far the items with the keys are from the query: +Inf for those
// that are not there, that the filter does not admit, or that are the query.
func (r *Reader) Distances(ctx context.Context, q Query, keys [][]byte, filter *Matches) ([]float32, error) {
	s := searches.Get().(*search)
	defer s.release()
	s.aim(ctx, r, q)
	out := make([]float32, len(keys))
	places := make([]int, 0, len(keys))
	s.slots = s.slots[:0]
	for i, key := range keys {
		out[i] = float32(math.Inf(1))
		slot, ok, err := r.index.Slot(key)
		if err != nil {
			return nil, err
		}
		if ok && slot != s.own && (filter == nil || filter.Has(slot)) {
			places, s.slots = append(places, i), append(s.slots, slot)
		}
	}
	for i, d := range s.compare(s.slots) {
		out[places[i]] = r.exact.Kernel.Report(d)
	}
	return out, s.err
}
