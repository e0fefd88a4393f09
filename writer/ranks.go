package writer

import (
	"context"
	"slices"

	"github.com/hannoydb/hannoy/codec"
	"github.com/hannoydb/hannoy/kv"
)

// lastRank is the greatest rank that a slot may have.
const lastRank = 1<<32 - 2

// renumber gives the linked slots the ranks 1, 2, ... in the order of those they have,
// when not enough are left for what is to be linked: an index takes any number of
// changes in its life. Only the order of ranks means anything, so readers need not know.
func (b *build) renumber(ctx context.Context, base *base) error {
	m := &base.index.Meta
	if uint64(m.NextRank)+uint64(len(b.pending)) <= lastRank {
		return nil
	}
	ranked := make([]uint64, 0, m.Live) // rank in the upper half, slot in the lower
	for slot := range m.NextSlot {
		if rank := base.Rank(slot); rank != 0 {
			ranked = append(ranked, uint64(rank)<<32|uint64(slot))
		}
	}
	if err := base.err(); err != nil {
		return err
	}
	slices.Sort(ranked)
	return b.env.Update(ctx, func(txn *kv.Txn) error {
		s, err := newStage(txn, b.id)
		if err != nil {
			return err
		}
		ranks := map[uint32]*codec.Flat{}
		for i, r := range ranked {
			slot := uint32(r)
			f, err := s.flat(ranks, codec.KindRank, slot/codec.FlatSpan)
			if err != nil {
				return err
			}
			f.Set(slot, uint32(i)+1)
		}
		if err := flushNumbered(s, codec.KindRank, 0, ranks, flatValue); err != nil {
			return err
		}
		s.meta.NextRank = uint32(len(ranked)) + 1
		return s.flushSets()
	})
}
