package writer

import (
	"cmp"
	"slices"

	"github.com/hannoydb/hannoy/codec"
	"github.com/hannoydb/hannoy/distance"
	"github.com/hannoydb/hannoy/graph"
	"github.com/hannoydb/hannoy/writer/sample"
)

// longest returns the longest linked vectors of an index under inner product, as many as the metadata keep, or
// nearly: those that were the longest and are still linked, and what was linked since. If
// half of them have left, a sample makes up for them: any that are long will do.
func (b *build) longest() ([]uint32, error) {
	m := &b.base.index.Meta
	if distance.Metric(m.Metric) != distance.InnerProduct {
		return nil, nil
	}
	var of []graph.Neighbor
	add := func(slot uint32) {
		if b.graph.Rank(slot) != 0 {
			of = append(of, graph.Neighbor{Slot: slot})
		}
	}
	for _, slot := range m.Longest {
		add(slot)
	}
	if left := len(of); left < len(m.Longest) && left < codec.MaxLongest/2 {
		for slot := range sample.Slots(m.NextSlot, longestSample) {
			add(slot)
		}
	}
	for slot := range b.graph.Ranked() {
		add(slot)
	}
	space := &b.base.exact
	if b.base.codes != nil && b.base.codes.Kernel.Type() == distance.I8 {
		space = b.base.codes
	}
	for i := range of {
		row, err := space.At(of[i].Slot)
		if err != nil {
			return nil, err
		}
		of[i].Distance = space.Kernel.Pair(row, row) // less the square of its length
	}
	slices.SortFunc(of, func(x, y graph.Neighbor) int {
		return cmp.Or(cmp.Compare(x.Distance, y.Distance), cmp.Compare(x.Slot, y.Slot))
	})
	of = slices.CompactFunc(of, func(x, y graph.Neighbor) bool { return x.Slot == y.Slot })
	slots := make([]uint32, min(len(of), codec.MaxLongest))
	for i := range slots {
		slots[i] = of[i].Slot
	}
	return slots, nil
}

// longestSample is how many slots are looked at where the longest have left, at most.
const longestSample = 1 << 12
