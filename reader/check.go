package reader

import (
	"bytes"
	"context"
	"fmt"

	"github.com/RoaringBitmap/roaring/v2"

	"github.com/hannoydb/hannoy/codec"
	"github.com/hannoydb/hannoy/graph"
	"github.com/hannoydb/hannoy/kv"
)

// Problem is something that a check found wrong.
type Problem struct {
	Kind  string `json:"kind"`  // "record", "set", "key", "label", "vector", "rank" or "graph"
	Where string `json:"where"` // the record or slot
	Text  string `json:"text"`  // what is wrong
}

// CheckReport is the result of a check.
type CheckReport struct {
	Sound       bool      `json:"sound"`
	Problems    []Problem `json:"problems"`    // the first 1,000
	Found       int       `json:"found"`       // how many there are
	Pages       int       `json:"pages"`       // of the environment
	Records     int       `json:"records"`     // of the environment
	Live        int       `json:"live"`        // slots that answer through the graph
	Unreachable int       `json:"unreachable"` // live slots that the entry point does not lead to
}

const maxProblems = 1000

// check is a check at work.
type check struct {
	*Reader
	ctx    context.Context
	report CheckReport
	items  *roaring.Bitmap // live and pending slots
	mapped *roaring.Bitmap // slots that a key maps to
	free   *roaring.Bitmap
	labels map[string]*roaring.Bitmap // label -> slots in its set whose own labels were not seen yet
}

func (c *check) problem(kind, where, format string, args ...any) {
	if c.report.Found++; len(c.report.Problems) < maxProblems {
		c.report.Problems = append(c.report.Problems, Problem{kind, where, fmt.Sprintf(format, args...)})
	}
}

// Check verifies all that the snapshot holds: the checksum and form of every record
// of the environment, then for this index that the sets are disjoint and counted
// right, that keys and slots, and labels and slots, map to each other, that stored vectors are such as can
// be put, and that the graph keeps its promises (see package graph). Damage goes
// into the report; the error is for a check that could not be made.
func (r *Reader) Check(ctx context.Context) (*CheckReport, error) {
	c := &check{Reader: r, ctx: ctx, mapped: roaring.New(), labels: map[string]*roaring.Bitmap{}}
	c.report.Problems = []Problem{}
	for _, step := range []func() error{c.sets, c.records, c.keys, c.labelsSeen, c.vectors, c.links} {
		if err := step(); err != nil {
			return nil, err
		}
	}
	usage, err := r.index.Snapshot().Usage()
	if err != nil {
		return nil, err
	}
	c.report.Pages = int(usage.Pages)
	c.report.Live = int(r.index.Meta.Live)
	c.report.Sound = c.report.Found == 0
	return &c.report, nil
}

// sets checks that no slot is in two sets. That each has as many slots as the
// metadata counts is checked when it is read.
func (c *check) sets() (err error) {
	x := c.index
	if c.free, err = x.ReadSet(codec.SetFree, x.Meta.Free); err != nil {
		c.problem("set", codec.SetFree.String(), "%v", err)
		c.free = roaring.New()
	}
	sets := []struct {
		set   codec.Set
		slots *roaring.Bitmap
	}{{codec.SetPending, x.Pending}, {codec.SetDead, x.Dead}, {codec.SetFree, c.free}}
	for i, a := range sets {
		for _, b := range sets[:i] {
			if both := roaring.And(a.slots, b.slots); !both.IsEmpty() {
				c.problem("set", fmt.Sprintf("slot %d", both.Minimum()), "%d slots are both %s and %s", both.GetCardinality(), b.set, a.set)
			}
		}
	}
	c.items = c.slotsBut(c.free)
	return nil
}

// records checks every record by itself.
func (c *check) records() error {
	var digest, want uint64
	err := c.index.Snapshot().Scan(nil, func(key, value []byte) error {
		if c.report.Records%1024 == 0 && c.ctx.Err() != nil {
			return c.ctx.Err()
		}
		c.report.Records++
		if err := c.record(key, value); err != nil {
			c.problem("record", codec.FormatKey(key), "%v", err)
		}
		if !bytes.Equal(key, codec.SuperblockKey()) {
			digest += codec.RecordDigest(key, value)
		} else if s, err := codec.ParseSuperblock(value[min(codec.SumBytes, len(value)):]); err == nil {
			want = s.Digest
		}
		return nil
	})
	if err == nil && digest != want {
		c.problem("record", "superblock", "digest is %016x, the records give %016x: some are missing or older than they should be", want, digest)
	}
	return err
}

func (c *check) record(key, value []byte) error {
	p, err := codec.ParseKey(key)
	if err != nil {
		return err
	}
	body, err := codec.Open(key, value)
	if err != nil {
		return err
	}
	switch p.Kind {
	case codec.KindSuperblock:
		_, err = codec.ParseSuperblock(body)
	case codec.KindName:
		_, err = codec.ParseIndexID(key, body)
	case codec.KindSet, codec.KindLabel:
		_, err = codec.ParseSet(key, body, uint16(p.Number))
	}
	if err != nil || p.Index != c.index.ID() {
		return err
	}
	switch p.Kind {
	case codec.KindSlot:
		slot, err := codec.ParseNumber(key, body)
		if err != nil {
			return err
		}
		c.maps(p.Name, slot)
	case codec.KindIDSlot:
		f, err := codec.ParseFlat(key, value)
		if err != nil {
			return err
		}
		for i := range uint32(codec.FlatSpan) {
			if slot, ok := f.Get(i); ok {
				c.maps(codec.ID(p.Number*codec.FlatSpan+i), slot)
			}
		}
	case codec.KindValue:
		if !c.items.Contains(p.Number) {
			c.problem("record", codec.FormatKey(key), "slot %d has a value and no item", p.Number)
		}
	case codec.KindLabel:
		return c.label(p, key, body)
	case codec.KindLabels:
		return c.slotLabels(p, key, value)
	case codec.KindVectors:
		return c.index.Vectors.Verify(key, value)
	case codec.KindCodes:
		if c.index.Codes != nil {
			return c.index.Codes.Verify(key, value)
		}
	case codec.KindKey:
		return codec.VerifyBlock(key, value)
	case codec.KindSlotID, codec.KindRank:
		return codec.VerifyFlat(key, value)
	case codec.KindLinks:
		_, err := codec.BlockLists(nil, p.Level, key, value)
		return err
	}
	return nil
}

// maps notes that the key maps to the slot, which must have an item with that key.
func (c *check) maps(key []byte, slot uint32) {
	if !c.items.Contains(slot) {
		c.problem("key", fmt.Sprintf("key %q", key), "maps to slot %d, which has no item", slot)
		return
	}
	c.mapped.Add(slot)
	if back, err := c.index.AppendKey(nil, slot); err != nil {
		c.problem("key", fmt.Sprintf("key %q", key), "%v", err)
	} else if !bytes.Equal(back, key) {
		c.problem("key", fmt.Sprintf("key %q", key), "maps to slot %d, which maps to key %q", slot, back)
	}
}

// keys checks that every item has a key.
func (c *check) keys() error {
	if lost := roaring.AndNot(c.items, c.mapped); !lost.IsEmpty() {
		c.problem("key", fmt.Sprintf("slot %d", lost.Minimum()), "no key maps to %d slots that have items", lost.GetCardinality())
	}
	return nil
}

// vectors checks that every stored vector is one that could be put.
func (c *check) vectors() error {
	var vector []float32
	for it := c.items.Iterator(); it.HasNext(); {
		slot := it.Next()
		if slot%1024 == 0 && c.ctx.Err() != nil {
			return c.ctx.Err()
		}
		if c.index.Codes != nil && !c.index.Pending.Contains(slot) {
			if err := c.index.Codes.Touch(slot); err != nil {
				c.problem("vector", fmt.Sprintf("code of slot %d", slot), "%v", err)
			}
		}
		row, err := c.index.Vectors.Row(slot)
		if err == nil {
			row = row[:c.exact.Kernel.RowBytes()]
			vector = c.exact.Kernel.Vector(vector[:0], row)
			err = c.exact.Kernel.CheckRow(row, vector)
		}
		if err != nil {
			c.problem("vector", fmt.Sprintf("slot %d", slot), "%v", err)
		}
	}
	return nil
}

// links checks the graph: its own promises, and that exactly the slots are linked
// that should be.
func (c *check) links() error {
	x := c.index
	m := &x.Meta
	view := &graphView{index: x}
	for _, set := range []struct {
		name  string
		slots *roaring.Bitmap
	}{{"pending", x.Pending}, {"free", c.free}} {
		for it := set.slots.Iterator(); it.HasNext(); {
			if slot := it.Next(); view.Rank(slot) != 0 || view.Has(slot, 0) {
				c.problem("rank", fmt.Sprintf("slot %d", slot), "is %s and is linked", set.name)
			}
		}
	}
	linked := func(yield func(graph.Slot) bool) {
		for slot := range m.NextSlot {
			dead := x.Dead.Contains(slot) && view.Rank(slot) != 0 // others of the dead were never linked
			live := c.items.Contains(slot) && !x.Pending.Contains(slot)
			if (dead || live) && !yield(slot) {
				return
			}
		}
	}
	params := graph.Params{M: int(m.M), M0: int(m.M0)}
	found, err := graph.Check(c.ctx, view, linked, m.Roots, params)
	if err != nil {
		return err
	}
	for _, p := range found.Problems {
		c.problem("graph", fmt.Sprintf("slot %d level %d", p.Slot, p.Level), "%v", p)
	}
	c.report.Unreachable = found.Counts[graph.Unreachable]
	if view.err != nil {
		c.problem("graph", "links", "%v", view.err)
	}
	return nil
}

// graphView is the graph.View of a check: one goroutine reads it.
type graphView struct {
	index *kv.Index
	err   error // the first of a read
}

func (v *graphView) keep(err error) {
	if v.err == nil {
		v.err = err
	}
}

// AppendLinks implements graph.Links.
func (v *graphView) AppendLinks(dst []graph.Slot, slot graph.Slot, level int) []graph.Slot {
	dst, err := v.index.AppendLinks(dst, slot, level)
	v.keep(err)
	return dst
}

// Rank implements graph.View.
func (v *graphView) Rank(slot graph.Slot) uint32 {
	rank, err := v.index.Rank(slot)
	v.keep(err)
	return rank
}

// Has implements graph.View.
func (v *graphView) Has(slot graph.Slot, level int) bool {
	has, err := v.index.HasLevel(slot, level)
	v.keep(err)
	return has
}
