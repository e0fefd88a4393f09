package distance

import (
	"math/bits"
	"sync/atomic"
	"unsafe"
)

// Rows finds the row of a slot. Slots are numbered through a table of slabs,
// each holding rowsPerSlab rows that start stride bytes apart.
//
// A slab whose address is still nil is not resolved yet: [Kernel.Batch] stops
// there and lets the caller resolve it. The table may be filled while other
// goroutines read it, provided that each entry is stored atomically
// (sync/atomic.StorePointer) and never changes again.
type Rows struct {
	slabs       []unsafe.Pointer
	magic       uint64 // floor((2^64-1) / rowsPerSlab)
	rowsPerSlab uint32
	stride      uint32 // bytes
}

// NewRows returns the rows of a table in which slabs[i] is the address of the
// first row of slab i. The table is shared, not copied. rowsPerSlab is at least 1.
func NewRows(slabs []unsafe.Pointer, rowsPerSlab, stride uint32) Rows {
	return Rows{
		slabs:       slabs,
		magic:       ^uint64(0) / uint64(rowsPerSlab),
		rowsPerSlab: rowsPerSlab,
		stride:      stride,
	}
}

// Slab returns the number of the slab that holds a slot.
//
// The quotient is the upper word of magic*(slot+1): with magic = (2^64-1-r)/d
// and 1+r <= d that product falls short of (slot+1)/d by at most
// (slot+1)/2^64 <= 1/d, which never crosses a whole number from below.
func (r *Rows) Slab(slot uint32) uint32 {
	hi, _ := bits.Mul64(r.magic, uint64(slot)+1)
	return uint32(hi)
}

// At returns the address of a slot's row, or nil when its slab is not in the
// table or not resolved yet.
func (r *Rows) At(slot uint32) unsafe.Pointer {
	slab := r.Slab(slot)
	if int(slab) >= len(r.slabs) {
		return nil
	}
	base := atomic.LoadPointer(&r.slabs[slab])
	if base == nil {
		return nil
	}
	return unsafe.Add(base, uintptr(slot-slab*r.rowsPerSlab)*uintptr(r.stride))
}

// locate writes the addresses of the rows of slots to dst and returns how many
// it found before the first that has none. len(dst) >= len(slots). It is
// [Rows.At] with the table held in registers.
func (r *Rows) locate(dst []*byte, slots []uint32) int {
	dst = dst[:len(slots)]
	slabs, magic := r.slabs, r.magic
	perSlab, stride := uint64(r.rowsPerSlab), uint64(r.stride)
	for i, slot := range slots {
		slab, _ := bits.Mul64(magic, uint64(slot)+1)
		if slab >= uint64(len(slabs)) {
			return i
		}
		base := atomic.LoadPointer(&slabs[slab])
		if base == nil {
			return i
		}
		dst[i] = (*byte)(unsafe.Add(base, (uint64(slot)-slab*perSlab)*stride))
	}
	return len(slots)
}
