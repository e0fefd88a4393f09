package writer

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/hannoydb/hannoy/codec"
	"github.com/hannoydb/hannoy/graph"
	"github.com/hannoydb/hannoy/kv"
)

// publish writes what the builder has changed, and nothing else: the blocks with
// changed lists, the ranks, the sets and the metadata. removed are the dead slots
// that the graph does not lead to any more.
// A done context ends it: then nothing must be committed.
func (s *stage) publish(ctx context.Context, g *graph.Builder, removed []uint32, covers uint64) error {
	if err := s.publishLinks(ctx, g); err != nil {
		return err
	}
	for level := 1; level < g.Levels(); level++ {
		if err := s.publishTowers(g, level); err != nil {
			return err
		}
	}
	if err := s.publishRanks(g); err != nil {
		return err
	}
	for slot, rank := range g.Ranked() {
		// A slot that was deleted meanwhile is dead, and now it has links to repair.
		if rank != 0 && s.pending.remove(slot) {
			s.meta.Pending--
			s.meta.Live++
		}
	}
	for _, slot := range removed {
		if !s.dead.remove(slot) || !s.free.add(slot) {
			return fmt.Errorf("index %d: slot %d was repaired and is not dead: %w", s.id, slot, codec.ErrCorrupt)
		}
		s.meta.Dead--
		s.meta.Free++
	}
	s.meta.Roots = g.Roots()
	s.meta.NextRank = g.NextRank()
	s.meta.GraphSequence = max(s.meta.GraphSequence, covers)
	return s.flushSets()
}

// publishLinks writes the changed lists of level 0.
func (s *stage) publishLinks(ctx context.Context, g *graph.Builder) error {
	var (
		block   [codec.BlockSlots][]byte
		current int64  = -1
		arena   []byte // of the lists of the block
		value   []byte
	)
	flush := func() error {
		if current < 0 {
			return nil
		}
		key := codec.AppendLinksKey(nil, s.id, 0, uint32(current))
		if isEmpty(&block) {
			return s.txn.Delete(key)
		}
		value = codec.AppendBlock(value[:0], &block)
		return s.txn.Put(key, value)
	}
	for c := range g.Changed(0) {
		if n := int64(c.Slot / codec.BlockSlots); n != current {
			if err := errors.Join(flush(), ctx.Err()); err != nil {
				return err
			}
			current, arena, block = n, arena[:0], [codec.BlockSlots][]byte{}
			if err := readBlock(s.txn, codec.AppendLinksKey(nil, s.id, 0, uint32(n)), &block); err != nil {
				return err
			}
		}
		var list []byte
		if !c.Removed {
			from := len(arena)
			arena = codec.AppendList(arena, c.Links)
			list = arena[from:len(arena):len(arena)]
		}
		block[c.Slot%codec.BlockSlots] = list
	}
	return flush()
}

func isEmpty(block *[codec.BlockSlots][]byte) bool {
	for _, entry := range block {
		if len(entry) > 0 {
			return false
		}
	}
	return true
}

// publishTowers writes the changed lists of a level above 0.
func (s *stage) publishTowers(g *graph.Builder, level int) error {
	shift := codec.TowerShift(level)
	var (
		entries []codec.TowerEntry
		current int64 = -1
	)
	flush := func() error {
		if current < 0 {
			return nil
		}
		key := codec.AppendLinksKey(nil, s.id, level, uint32(current))
		if len(entries) == 0 {
			return s.txn.Delete(key)
		}
		return s.txn.Put(key, codec.AppendTowerBlock(nil, entries))
	}
	for c := range g.Changed(level) {
		if n := int64(c.Slot >> shift); n != current {
			if err := flush(); err != nil {
				return err
			}
			current = n
			var err error
			if entries, err = readTowers(s.txn, codec.AppendLinksKey(nil, s.id, level, uint32(n))); err != nil {
				return err
			}
		}
		low := uint16(c.Slot & (1<<shift - 1))
		i, found := codec.SearchTower(entries, low)
		switch {
		case c.Removed && found:
			entries = slices.Delete(entries, i, i+1)
		case c.Removed:
		case found:
			entries[i].List = codec.AppendList(nil, c.Links)
		default:
			entries = slices.Insert(entries, i, codec.TowerEntry{Slot: low, List: codec.AppendList(nil, c.Links)})
		}
	}
	return flush()
}

// readTowers reads a copy of the entries of the tower block under key; without a
// record there are none.
func readTowers(txn *kv.Txn, key []byte) ([]codec.TowerEntry, error) {
	value, err := txn.GetUnverified(key)
	if value == nil || err != nil {
		return nil, err
	}
	if _, err := codec.Open(key, value); err != nil {
		return nil, err
	}
	return codec.ParseTowerBlock(nil, key, slices.Clone(value))
}

// publishRanks writes the ranks of slots that were linked or removed.
func (s *stage) publishRanks(g *graph.Builder) error {
	ranks := map[uint32]*codec.Flat{}
	for slot, rank := range g.Ranked() {
		f, err := s.flat(ranks, codec.KindRank, slot/codec.FlatSpan)
		if err != nil {
			return err
		}
		if rank == 0 {
			f.Unset(slot)
		} else {
			f.Set(slot, rank)
		}
	}
	return flushNumbered(s, codec.KindRank, ranks, flatValue)
}
