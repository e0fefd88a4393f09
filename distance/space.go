package distance

import (
	"fmt"
	"unsafe"
)

// Space is a kernel over rows whose table is filled on demand. It is safe for
// concurrent use if Resolve is.
type Space struct {
	Kernel *Kernel
	Rows   Rows
	// Resolve puts the address of the slab of a slot into the table.
	Resolve func(slot uint32) error
}

// NewSpace returns the space of a kernel over slabs of rows stride bytes apart. It
// fails if the rows are longer.
func NewSpace(kernel *Kernel, slabs []unsafe.Pointer, rowsPerSlab, stride uint32, resolve func(slot uint32) error) (Space, error) {
	if kernel.RowBytes() > int(stride) {
		return Space{}, fmt.Errorf("rows of %d bytes with a stride of %d", kernel.RowBytes(), stride)
	}
	return Space{Kernel: kernel, Rows: NewRows(slabs, rowsPerSlab, stride), Resolve: resolve}, nil
}

// Distances writes the ranking distances from the query row to the rows of slots.
// len(dst) must be at least len(slots). It does not allocate.
func (s *Space) Distances(dst []float32, query unsafe.Pointer, slots []uint32) error {
	for done := 0; ; {
		done += s.Kernel.Batch(dst[done:], query, &s.Rows, slots[done:])
		if done == len(slots) {
			return nil
		}
		if err := s.Resolve(slots[done]); err != nil {
			return err
		}
	}
}

// At returns the address of a slot's row.
func (s *Space) At(slot uint32) (unsafe.Pointer, error) {
	if p := s.Rows.At(slot); p != nil {
		return p, nil
	}
	if err := s.Resolve(slot); err != nil {
		return nil, err
	}
	return s.Rows.At(slot), nil
}
