package writer

import (
	"context"
	"maps"
	"slices"
	"sync/atomic"
	"unsafe"

	"github.com/hannoydb/hannoy/codec"
	"github.com/hannoydb/hannoy/distance"
	"github.com/hannoydb/hannoy/kv"
)

// mostFewSlabs is how many slabs of codes a build keeps in memory until it publishes.
const mostFewSlabs = 128

// fewCodes are slabs with the codes of few new slots, by their numbers: a build works on
// them before they are in the file, and its first publication writes them. So a small build
// commits once and not twice.
type fewCodes map[uint32][]byte

// areFew reports whether the codes of the slots, ascending, are in few slabs.
func areFew(slots []uint32, slab codec.Slab) bool {
	slabs, last := 0, int64(-1)
	for _, slot := range slots {
		if n, _ := slab.Of(slot); int64(n) != last {
			if slabs++; slabs > mostFewSlabs {
				return false
			}
			last = int64(n)
		}
	}
	return true
}

// few makes the codes of few slots.
func (e *encoder) few(ctx context.Context, slots []uint32) (fewCodes, error) {
	codes := fewCodes{}
	err := e.eachSlab(ctx, e.base.snap, slots, func(n uint32, slab []byte) error {
		codes[n] = slab
		return nil
	})
	return codes, err
}

// put writes the slabs.
func (f fewCodes) put(txn *kv.Txn, id codec.IndexID, slab codec.Slab) error {
	for _, n := range slices.Sorted(maps.Keys(f)) {
		if err := putSlab(txn, codec.AppendNumberKey(nil, id, codec.KindCodes, n), f[n], slab, 0); err != nil {
			return err
		}
	}
	return nil
}

// with makes the base go by the given slabs in place of the committed ones.
func (b *base) with(codes fewCodes) error {
	committed := b.index.Codes
	table := make([]unsafe.Pointer, len(committed.Table()))
	for n, slab := range codes {
		table[n] = unsafe.Pointer(&slab[codec.SlabHeaderBytes])
	}
	s, err := distance.NewSpace(b.codes.Kernel, table, committed.Rows, committed.Stride, func(slot uint32) error {
		if err := committed.Touch(slot); err != nil {
			return err
		}
		n, _ := committed.Of(slot)
		// Others may look the same slab up, and find the same.
		atomic.StorePointer(&table[n], atomic.LoadPointer(&committed.Table()[n]))
		return nil
	})
	b.codes = &s
	return err
}
