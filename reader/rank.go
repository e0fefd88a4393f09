package reader

import (
	"math"
	"runtime/trace"
	"slices"

	"github.com/RoaringBitmap/roaring/v2"

	"github.com/hannoydb/hannoy/distance"
	"github.com/hannoydb/hannoy/graph"
)

// rank offers what the beam found to s.best: as it is where the beam walked on the
// stored vectors, else the nearest by their exact distances. It returns how many of these
// it computed.
func (s *search) rank(found []graph.Neighbor, k int) int {
	defer trace.StartRegion(s.ctx, "hannoy rank").End()
	for _, n := range found[:min(len(found), k)] { // most likely the hits
		if key := s.reader.index.KeyAddress(n.Slot); key != nil {
			graph.Prefetch(key)
		}
	}
	if s.walk == &s.reader.exact {
		for _, n := range found {
			s.best.offer(n)
		}
		return 0
	}
	compared, enough := 0, min(len(found), candidates(s.walk.Kernel.Type(), k))
	for compared < enough && s.err == nil {
		last := compared + s.compareExactly(found[compared:enough])
		compared = enough
		if 3*last > 2*compared {
			enough = min(len(found), 2*last)
		}
	}
	return compared
}

// compareExactly offers the slots with their exact distances to s.best, and returns how
// many there are up to the last that is now one of the best.
func (s *search) compareExactly(found []graph.Neighbor) (last int) {
	s.slots = s.slots[:0]
	for _, n := range found {
		s.slots = append(s.slots, n.Slot)
	}
	if s.offer(s.slots, s.room(len(s.slots))); s.err != nil {
		return 0
	}
	limit := s.best.list[len(s.best.list)-1].Distance
	for last = len(found); last > 0 && s.distances[last-1] > limit; last-- {
	}
	return last
}

// candidates is how many of the nearest by codes are compared exactly, at the least. Where
// int8 codes tell the neighbours of a query apart, all that exact distances would choose
// are among twice as many as are wanted, and 20, and none of them is among the last third
// of these. Where one is, rank goes on, until no hit is among the last third of all that were
// compared: in crowds so dense that codes take their items for one. Signs say
// so little that the whole beam is compared.
func candidates(codes distance.VectorType, k int) int {
	if codes == distance.I8 {
		return max(2*k, 20)
	}
	return math.MaxInt
}

// Codes tell distances apart as far as they are exact. Among the nearest of all items
// they are: those lie wide apart. But a filter may leave items over of which hundreds are
// at about the same distance, such as all that are far from the query. So how wrong the
// codes are is measured on the first that are compared exactly, and all are compared that
// such an error may have kept from the first places.

// codeErrors is by how many times the greatest error among the first candidates the codes
// are trusted to err.
const codeErrors = 1.5

// maxScanned is how many distances by codes a scan keeps for a second look. Those of the
// slots behind are computed again.
const maxScanned = 1 << 18

// scansCodes reports whether scans compare codes first. Signs say too little for that.
func (s *search) scansCodes() bool {
	return s.walk != &s.reader.exact && s.walk.Kernel.Type() == distance.I8
}

// scanMatches compares the query with every linked slot that matches and returns how many
// distances that took.
func (s *search) scanMatches(m *Matches, k int) int {
	defer trace.StartRegion(s.ctx, "hannoy scan").End()
	count := m.graph.Len()
	if !s.scansCodes() {
		s.scan(m.linked)
		return count
	}
	s.coarse = nearest{k: candidates(distance.I8, k), list: s.coarse.list[:0]}
	s.scanned = slices.Grow(s.scanned[:0], min(count, maxScanned))[:min(count, maxScanned)]
	s.compareEach(s.walk, s.guide, m.linked, &s.coarse, s.scanned)
	first := s.coarse.list
	count += s.rank(first, k)
	limit := s.limit(first, k)
	if len(first) < s.coarse.k || limit <= first[len(first)-1].Distance {
		return count
	}
	return count + s.scanWithin(m.linked, limit)
}

// sharpen offers what a walk found to s.best, as rank does, and goes on as far as codes
// may err. It returns how many exact distances that took.
func (s *search) sharpen(found []graph.Neighbor, k int) int {
	if !s.scansCodes() {
		return s.rank(found, k)
	}
	first := min(len(found), candidates(distance.I8, k))
	count := s.rank(found[:first], k)
	limit := s.limit(found[:first], k)
	more := found[first:]
	end, _ := slices.BinarySearchFunc(more, limit, func(n graph.Neighbor, d float32) int {
		if n.Distance < d {
			return -1
		}
		return 1
	})
	for from := 0; from < end; from += first {
		count += s.rank(more[from:min(from+first, end)], k)
	}
	return count
}

// limit is the distance by codes within which an item may be one of the k nearest, judged
// by the candidates that rank has just compared.
func (s *search) limit(ranked []graph.Neighbor, k int) float32 {
	if s.err != nil || len(s.best.list) < k {
		return float32(math.Inf(1))
	}
	var wrong float32
	for i, n := range ranked {
		wrong = max(wrong, n.Distance-s.distances[i], s.distances[i]-n.Distance)
	}
	return s.best.list[k-1].Distance + codeErrors*wrong
}

// scanWithin compares exactly all of the slots whose codes are within the limit, after a
// scan of them, and returns how many distances that took.
func (s *search) scanWithin(slots *roaring.Bitmap, limit float32) (count int) {
	kept := s.scanned
	s.inBatches(slots, func(batch []uint32) {
		distances := s.room(len(batch))
		if copied := copy(distances, kept); copied == len(batch) {
			kept = kept[copied:]
		} else {
			s.err = s.walk.Distances(distances, s.guide, batch)
			kept = nil
			count += len(batch)
		}
		within := 0
		for i, d := range distances {
			batch[within] = batch[i]
			if d <= limit {
				within++
			}
		}
		count += s.offer(batch[:within], distances[:within])
	})
	return count
}

// offer compares the slots exactly and offers them to s.best; distances is room for as
// many.
func (s *search) offer(slots []uint32, distances []float32) int {
	if s.err == nil {
		s.err = s.reader.exact.Distances(distances, s.query, slots)
	}
	if s.err != nil {
		return 0
	}
	for i, slot := range slots {
		s.best.offer(graph.Neighbor{Slot: slot, Distance: distances[i]})
	}
	return len(slots)
}
