package reader

import (
	"slices"
	"unsafe"

	"github.com/RoaringBitmap/roaring/v2"

	"github.com/hannoydb/hannoy/codec"
	"github.com/hannoydb/hannoy/distance"
	"github.com/hannoydb/hannoy/graph"
)

// slots returns the slots that hold items, live and pending.
func (r *Reader) slots() (*roaring.Bitmap, error) {
	free, err := r.index.ReadSet(codec.SetFree, r.index.Meta.Free)
	if err != nil {
		return nil, err
	}
	return r.index.Slots(free), nil
}

// scanBatch is how many slots a scan compares per kernel call, and between two
// looks at the context.
const scanBatch = 256

// inBatches calls fn with the slots of the set, so many at a time, until something fails.
func (s *search) inBatches(slots *roaring.Bitmap, fn func(batch []uint32)) {
	s.batch = slices.Grow(s.batch[:0], scanBatch)[:scanBatch]
	for it := slots.ManyIterator(); s.err == nil; {
		n := it.NextMany(s.batch)
		if n == 0 {
			return
		}
		if s.err = s.ctx.Err(); s.err == nil {
			fn(s.batch[:n])
		}
	}
}

// compareEach compares the query, a row of the space, with every slot of the set and adds
// the nearest to best. The distances go into kept, as far as there is room.
func (s *search) compareEach(space *distance.Space, query unsafe.Pointer, slots *roaring.Bitmap, best *nearest, kept []float32) {
	s.inBatches(slots, func(batch []uint32) {
		distances := s.room(len(batch))
		if s.err = space.Distances(distances, query, batch); s.err != nil {
			return
		}
		for i, slot := range batch {
			best.offer(graph.Neighbor{Slot: slot, Distance: distances[i]})
		}
		kept = kept[copy(kept, distances):]
	})
}

// nearest keeps the k nearest of the neighbours that it is offered, each once, ascending
// by distance and slot.
type nearest struct {
	k    int
	list []graph.Neighbor
}

func (b *nearest) offer(n graph.Neighbor) {
	if len(b.list) == b.k && compareNeighbors(n, b.list[b.k-1]) >= 0 {
		return
	}
	i, again := slices.BinarySearchFunc(b.list, n, compareNeighbors)
	if again {
		return
	}
	if len(b.list) == b.k {
		b.list = b.list[:b.k-1]
	}
	b.list = slices.Insert(b.list, i, n)
}

func compareNeighbors(a, b graph.Neighbor) int {
	switch {
	case a.Distance < b.Distance:
		return -1
	case a.Distance > b.Distance:
		return 1
	case a.Slot < b.Slot:
		return -1
	case a.Slot > b.Slot:
		return 1
	}
	return 0
}

// Sample returns the keys of n items, or of all if there are fewer, spread evenly.
func (r *Reader) Sample(n int) (keys [][]byte, err error) {
	slots, err := r.slots()
	if err != nil {
		return nil, err
	}
	count := int(slots.GetCardinality())
	n = min(n, count)
	for i := range n {
		slot, err := slots.Select(uint32(i * count / n))
		if err != nil {
			return nil, err
		}
		key, err := r.index.AppendKey(nil, slot)
		if err != nil {
			return nil, err
		}
		keys = append(keys, key)
	}
	return keys, nil
}
