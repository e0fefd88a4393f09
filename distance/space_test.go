package distance

import (
	"errors"
	"testing"
	"unsafe"
)

func TestSpaceResolvesOnDemand(t *testing.T) {
	const rowsPerSlab, slabs = 3, 4
	k, err := New(Euclidean, F32, 4)
	if err != nil {
		t.Fatal(err)
	}
	memory := make([][]byte, slabs)
	for i := range memory {
		for j := range rowsPerSlab {
			memory[i] = k.AppendRow(memory[i], []float32{float32(i*rowsPerSlab + j), 0, 0, 0})
		}
	}
	damaged := errors.New("damaged")
	table, resolved := make([]unsafe.Pointer, slabs), 0
	s := Space{Kernel: k, Rows: NewRows(table, rowsPerSlab, uint32(k.RowBytes())), Resolve: func(slot uint32) error {
		if slot/rowsPerSlab == slabs-1 {
			return damaged
		}
		resolved++
		table[slot/rowsPerSlab] = unsafe.Pointer(&memory[slot/rowsPerSlab][0])
		return nil
	}}
	query := k.AppendRow(nil, []float32{1, 0, 0, 0})
	dst := make([]float32, 5)
	if err := s.Distances(dst, unsafe.Pointer(&query[0]), []uint32{0, 4, 1, 8, 5}); err != nil {
		t.Fatal(err)
	}
	for i, want := range []float32{1, 9, 0, 49, 16} {
		if dst[i] != want {
			t.Errorf("distance %d is %v, want %v", i, dst[i], want)
		}
	}
	if resolved != 3 {
		t.Errorf("%d slabs were resolved, want 3", resolved)
	}
	if err := s.Distances(dst, unsafe.Pointer(&query[0]), []uint32{1, 11}); !errors.Is(err, damaged) {
		t.Errorf("Distances = %v", err)
	}
	if p, err := s.At(7); err != nil || *(*float32)(p) != 7 {
		t.Errorf("At = %v, %v", p, err)
	}
	if _, err := s.At(9); !errors.Is(err, damaged) {
		t.Errorf("At = %v", err)
	}
}
