package graph

import (
	"math/rand/v2"
	"testing"
)

func TestVisited(t *testing.T) {
	var v visited
	r := rand.New(rand.NewPCG(1, 2))
	for range 20 {
		seen := map[Slot]bool{}
		for range 200 {
			slot := Slot(r.IntN(1 << r.IntN(20)))
			if v.add(slot) == seen[slot] {
				t.Fatalf("slot %d", slot)
			}
			seen[slot] = true
		}
		v.reset()
	}
}
