package reader

import (
	"math/rand/v2"
	"testing"

	"github.com/RoaringBitmap/roaring/v2"
)

func TestDeadMask(t *testing.T) {
	if newDeadMask(roaring.New()) != nil {
		t.Error("a mask that hides nothing")
	}
	r := rand.New(rand.NewPCG(1, 1))
	dead := roaring.New()
	for range 2000 {
		dead.Add(r.Uint32N(1 << 18))
	}
	slots := make([]uint32, 1<<18)
	for i := range slots {
		slots[i] = uint32(i)
	}
	hidden := make([]bool, len(slots))
	newDeadMask(dead).Mask(hidden, slots)
	for slot, got := range hidden {
		if got != dead.Contains(uint32(slot)) {
			t.Fatalf("slot %d: %t", slot, got)
		}
	}
}
