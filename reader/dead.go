package reader

import (
	"github.com/RoaringBitmap/roaring/v2"

	"github.com/hannoydb/hannoy/graph"
)

// deadMask hides the slots that have no item any more. A search asks it about each slot
// that it comes by, and few are dead: a bit for the lowest 16 bits of a slot says that
// none is that has these, for a fraction of what the set takes to say so.
type deadMask struct {
	dead *roaring.Bitmap
	low  [1 << 16 / 64]uint64
}

// newDeadMask returns nil if no slot is dead.
func newDeadMask(dead *roaring.Bitmap) *deadMask {
	if dead.IsEmpty() {
		return nil
	}
	m := &deadMask{dead: dead}
	for it := dead.Iterator(); it.HasNext(); {
		low := uint16(it.Next())
		m.low[low/64] |= 1 << (low % 64)
	}
	return m
}

// Mask implements graph.Mask.
func (m *deadMask) Mask(dst []bool, slots []graph.Slot) {
	for i, slot := range slots {
		low := uint16(slot)
		dst[i] = m.low[low/64]>>(low%64)&1 != 0 && m.dead.Contains(slot)
	}
}
