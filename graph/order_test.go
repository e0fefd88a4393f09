package graph

import (
	"math/rand/v2"
	"slices"
	"testing"
)

// The nearest are those that sorting puts first, in its order, ties included.
func TestNearest(t *testing.T) {
	r := rand.New(rand.NewPCG(8, 6))
	for range 2000 {
		list := make([]Neighbor, r.IntN(40))
		for i, slot := range r.Perm(len(list)) {
			list[i] = Neighbor{Slot(slot), float32(r.IntN(12))}
		}
		o, n := Around(Slot(r.IntN(40))), r.IntN(10)
		want := slices.SortedFunc(slices.Values(list), o.Compare)
		all := slices.Clone(list)
		got := o.Nearest(list, n)
		if !slices.Equal(got, want[:min(n, len(want))]) {
			t.Fatalf("the %d nearest of %v are %v, want %v", n, all, got, want)
		}
		if !slices.Equal(slices.SortedFunc(slices.Values(list), o.Compare), want) {
			t.Fatalf("%v has become %v", all, list)
		}
	}
}
