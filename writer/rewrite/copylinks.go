package rewrite

import (
	"slices"

	"github.com/hannoydb/hannoy/codec"
	"github.com/hannoydb/hannoy/kv"
)

// ranks writes ranks from 1 up without gaps: only their order means anything, and
// there are but so many.
func (c *copier) ranks() error {
	type ranked struct{ rank, slot uint32 }
	all := make([]ranked, c.linked)
	for i, slot := range c.order[:c.linked] {
		rank, err := c.from.Rank(slot)
		if err != nil {
			return err
		}
		all[i] = ranked{rank, slot}
	}
	slices.SortFunc(all, func(x, y ranked) int { return int(int64(x.rank) - int64(y.rank)) })
	ranks := make([]uint32, len(c.number))
	for i, r := range all {
		ranks[r.slot] = uint32(i) + 1
	}
	return c.flats(codec.KindRank, c.linked, func(slot uint32) (uint32, bool, error) { return ranks[slot], true, nil })
}

// lists writes the links of all levels.
func (c *copier) lists() error {
	if err := c.blocks(c.linked, codec.KindLinks, func(dst []byte, slot uint32) ([]byte, error) { return c.appendList(dst, slot, 0) }); err != nil {
		return err
	}
	for level := 1; level < len(c.from.Meta.Roots) && c.linked > 0; level++ {
		if err := c.towers(level); err != nil {
			return err
		}
	}
	return nil
}

// appendList appends the list of a slot on a level, in new numbers.
func (c *copier) appendList(dst []byte, slot uint32, level int) ([]byte, error) {
	var err error
	if c.links, err = c.from.AppendLinks(c.links[:0], slot, level); err != nil {
		return dst, err
	}
	for i, n := range c.links {
		if c.links[i] = c.renumber(n); c.links[i] >= uint32(c.linked) {
			return dst, c.astray(n)
		}
	}
	slices.Sort(c.links)
	return codec.AppendList(dst, c.links), nil
}

func (c *copier) towers(level int) error {
	shift := codec.TowerShift(level)
	var entries []codec.TowerEntry
	for i, slot := range c.order[:c.linked] {
		has, err := c.from.HasLevel(slot, level)
		if err != nil {
			return err
		}
		if has {
			list, err := c.appendList(nil, slot, level)
			if err != nil {
				return err
			}
			entries = append(entries, codec.TowerEntry{Slot: uint16(i & (1<<shift - 1)), List: list})
		}
		if last := i+1 == c.linked || (i+1)&(1<<shift-1) == 0; !last || len(entries) == 0 {
			continue
		}
		key := codec.AppendTowersKey(nil, c.from.ID(), level, uint32(i>>shift))
		if err := c.to.put(key, codec.AppendTowerBlock(nil, entries)); err != nil {
			return err
		}
		entries = entries[:0]
	}
	return nil
}

// linkedSlots returns the slots that are linked: live ones, and those of the dead that
// have links.
func linkedSlots(x *kv.Index) ([]uint32, error) {
	free, err := x.ReadSet(codec.SetFree, x.Meta.Free)
	if err != nil {
		return nil, err
	}
	var linked []uint32
	for slot := range x.Meta.NextSlot {
		if free.Contains(slot) || x.Pending.Contains(slot) {
			continue
		}
		if x.Dead.Contains(slot) {
			if rank, err := x.Rank(slot); err != nil || rank == 0 {
				if err != nil {
					return nil, err
				}
				continue
			}
		}
		linked = append(linked, slot)
	}
	return linked, nil
}
