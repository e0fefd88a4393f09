package writer

import (
	"context"
	"fmt"
	"iter"
	"slices"

	"github.com/hannoydb/hannoy/codec"
	"github.com/hannoydb/hannoy/graph/linking"
	"github.com/hannoydb/hannoy/kv"
)

// publish writes what the builder has changed, and nothing else, but for the links of
// level 0: the lists above, the ranks, the sets and the metadata. removed are the dead
// slots that the graph does not lead to any more.
func (s *stage) publish(g *linking.Builder, removed []uint32, covers uint64) error {
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

// byBlock gathers changes, which come in the order of slots, by the blocks of so many
// slots that they are in.
func byBlock(changes iter.Seq[linking.Change], slots uint32) iter.Seq2[uint32, []linking.Change] {
	return func(yield func(uint32, []linking.Change) bool) {
		var run []linking.Change
		for c := range changes {
			if len(run) > 0 && run[0].Slot/slots != c.Slot/slots {
				if !yield(run[0].Slot/slots, run) {
					return
				}
				run = run[:0]
			}
			run = append(run, c)
		}
		if len(run) > 0 {
			yield(run[0].Slot/slots, run)
		}
	}
}

// publishLinks writes the changed lists of level 0 in place, and nothing else. A done
// context ends it: then nothing must be committed.
func (s *stage) publishLinks(ctx context.Context, g *linking.Builder) error {
	var old, arena, value []byte // a block as it was, its new lists, and the block
	for n, changes := range byBlock(g.Changed(0), codec.BlockSlots) {
		key := codec.AppendLinksKey(nil, s.id, s.meta.Edition, n)
		var block [codec.BlockSlots][]byte
		var err error
		if old, err = readBlock(old[:0], s.txn, key, &block); err != nil {
			return err
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		arena = arena[:0]
		for _, c := range changes {
			from := len(arena)
			if !c.Removed {
				arena = codec.AppendList(arena, c.Links)
			}
			block[c.Slot%codec.BlockSlots] = arena[from:len(arena):len(arena)]
		}
		if isEmpty(&block) {
			err = s.txn.Delete(key)
		} else {
			value = codec.AppendBlock(value[:0], &block)
			err = s.txn.Put(key, value)
		}
		if err != nil {
			return err
		}
	}
	return nil
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
func (s *stage) publishTowers(g *linking.Builder, level int) error {
	shift := codec.TowerShift(level)
	for n, changes := range byBlock(g.Changed(level), 1<<shift) {
		key := codec.AppendTowersKey(nil, s.id, level, n)
		entries, err := readTowers(s.txn, key)
		if err != nil {
			return err
		}
		for _, c := range changes {
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
		if len(entries) == 0 {
			err = s.txn.Delete(key)
		} else {
			err = s.txn.Put(key, codec.AppendTowerBlock(nil, entries))
		}
		if err != nil {
			return err
		}
	}
	return nil
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
func (s *stage) publishRanks(g *linking.Builder) error {
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
	return flushNumbered(s, codec.KindRank, 0, ranks, flatValue)
}
