package codec

import (
	"math/rand/v2"
	"testing"
)

func TestSlabGeometry(t *testing.T) {
	for rowBytes := 1; rowBytes < 300_000; rowBytes += 1 + rowBytes/7 {
		s := SlabFor(rowBytes)
		if !s.valid() || int(s.Stride) < rowBytes {
			t.Fatalf("SlabFor(%d) = %+v", rowBytes, s)
		}
		for _, slot := range []uint32{0, 1, s.Rows - 1, s.Rows, s.Rows + 1, 1<<32 - 1, -s.Rows, rand.Uint32()} {
			slab, row := s.Of(slot)
			if slab != slot/s.Rows || row != slot%s.Rows {
				t.Fatalf("%+v: slot %d is in slab %d row %d", s, slot, slab, row)
			}
		}
	}
	// 128 float32: 39 rows in 5 pages, of which 2.5 % are not vectors.
	if s := SlabFor(512); s.Rows != 39 || s.Bytes()+pageHeadBytes > 5*pageBytes {
		t.Errorf("SlabFor(512) = %+v, %d bytes", s, s.Bytes())
	}
}
