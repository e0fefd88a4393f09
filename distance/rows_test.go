package distance

import (
	"math"
	"testing"
	"unsafe"
)

func TestSlabDividesExactly(t *testing.T) {
	rng := newRand(t)
	for _, d := range []uint32{1, 2, 3, 5, 7, 64, 113, 127, 341, 1 << 20, 1<<31 - 1, 1 << 31, math.MaxUint32 - 1, math.MaxUint32} {
		rows := NewRows(nil, d, 64)
		check := func(slot uint32) {
			if got := rows.Slab(slot); got != slot/d {
				t.Fatalf("slot %d over %d rows a slab: slab %d", slot, d, got)
			}
		}
		for range 2000 {
			slot := rng.Uint32()
			check(slot)
			check(slot / d * d)   // first of its slab
			check(slot/d*d - 1)   // last of the one before, or the last slot of all
			check(slot % (d | 1)) // small
		}
		check(0)
		check(math.MaxUint32)
	}
}

func TestAt(t *testing.T) {
	slab := make([]byte, 10*64)
	base := unsafe.Pointer(&slab[0])
	rows := NewRows([]unsafe.Pointer{base, nil, base}, 10, 64)
	for slot, want := range map[uint32]unsafe.Pointer{
		0: base, 9: unsafe.Add(base, 9*64), 10: nil, 19: nil, 20: base, 29: unsafe.Add(base, 9*64), 30: nil, math.MaxUint32: nil,
	} {
		if got := rows.At(slot); got != want {
			t.Errorf("slot %d: at %p, want %p", slot, got, want)
		}
	}
}
