// Package check says what is wrong with an index as one snapshot has it: with its pages, its records, what they say
// together, and its graph. It answers no queries.
package check

import (
	"context"
	"fmt"

	"github.com/RoaringBitmap/roaring/v2"

	"github.com/hannoydb/hannoy/codec"
	"github.com/hannoydb/hannoy/distance"
	"github.com/hannoydb/hannoy/graph"
	"github.com/hannoydb/hannoy/kv"
	"github.com/hannoydb/hannoy/kv/proof"
)

// Problem is something that a check found wrong.
type Problem struct {
	Kind  string `json:"kind"`  // "file", "page", "record", "set", "key", "label", "vector", "rank" or "graph"
	Where string `json:"where"` // the page, record or slot
	Text  string `json:"text"`  // what is wrong
}

// Report is the result of a check. Its JSON names are those of `hannoyctl check`.
type Report struct {
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
	ctx    context.Context
	index  *kv.Index
	kernel *distance.Kernel // of the stored vectors
	report Report
	items  *roaring.Bitmap // live and pending slots
	mapped *roaring.Bitmap // slots that a key maps to
	valued *roaring.Bitmap // slots that have a value
	empty  *roaring.Bitmap // dead and free slots, as their records say
	free   *roaring.Bitmap
	labels map[string]*roaring.Bitmap // label -> slots in its set whose own labels were not seen yet
}

func (c *check) problem(kind, where, format string, args ...any) {
	if c.report.Found++; len(c.report.Problems) < maxProblems {
		c.report.Problems = append(c.report.Problems, Problem{kind, where, fmt.Sprintf(format, args...)})
	}
}

// All verifies all that the snapshot holds: the pages of the file, the checksum and
// form of every record of the environment, then for this index that the sets are
// disjoint and counted right, that keys and slots, and labels and slots, map to each
// other, that stored vectors are such as can be put, and that the graph keeps its
// promises (see package graph). With damaged pages it ends there, for LMDB must not
// touch them. Damage goes into the report; the error is for a check that could not be made, and wraps
// kv.ErrSuperseded if others have committed twice since the snapshot.
func All(ctx context.Context, index *kv.Index, kernel *distance.Kernel) (*Report, error) {
	c := &check{
		ctx: ctx, index: index, kernel: kernel, mapped: roaring.New(), valued: roaring.New(), empty: roaring.New(), labels: map[string]*roaring.Bitmap{},
	}
	findings, err := index.Snapshot().Verify(ctx, c.record)
	if err != nil {
		return nil, err
	}
	c.report = ReportOf(findings)
	if findings.Damaged == 0 {
		for _, step := range []func() error{c.sets, c.keys, c.labelsSeen, c.vectors, c.links} {
			if err := step(); err != nil {
				return nil, err
			}
		}
	}
	c.report.Live = int(index.Meta.Live)
	c.report.Sound = c.report.Found == 0
	return &c.report, nil
}

// Fast verifies what the rest is read by: the metadata, that the sets are
// disjoint and counted right, and that the roots are linked. Its time does not grow
// with the index, but for the sets.
func Fast(ctx context.Context, index *kv.Index) (*Report, error) {
	c := &check{ctx: ctx, index: index, report: Report{Problems: []Problem{}}}
	if err := c.sets(); err != nil {
		return nil, err
	}
	view := &graphView{index: index}
	for _, slot := range index.Meta.Longest {
		if view.Rank(slot) == 0 {
			c.problem("graph", fmt.Sprintf("slot %d", slot), "is one of the longest vectors and is not linked")
		}
	}
	for level, root := range index.Meta.Roots {
		if view.Rank(root) == 0 || !view.Has(root, level) {
			c.problem("graph", fmt.Sprintf("slot %d level %d", root, level), "is the root and is not linked")
		}
	}
	if view.err != nil {
		c.problem("graph", "links", "%v", view.err)
	}
	usage, err := index.Snapshot().Usage()
	if err != nil {
		return nil, err
	}
	c.report.Pages, c.report.Records = int(usage.Pages), int(usage.Records)
	c.report.Live = int(index.Meta.Live)
	c.report.Sound = c.report.Found == 0
	return &c.report, nil
}

// ReportOf is a report of what was found wrong with pages and records.
func ReportOf(f *proof.Findings) Report {
	report := Report{Found: f.Found, Pages: f.Pages, Records: f.Records, Problems: []Problem{}}
	for _, p := range f.Problems {
		report.Problems = append(report.Problems, Problem(p))
	}
	return report
}

// Unreadable is the report on a directory that is too damaged to open.
func Unreadable(dir string, err error) *Report {
	return &Report{Found: 1, Problems: []Problem{{Kind: "file", Where: dir, Text: err.Error()}}}
}

// In says before each problem where it is.
func (r *Report) In(where string) {
	for i := range r.Problems {
		r.Problems[i].Where = where + r.Problems[i].Where
	}
}

// Add makes it a report on another index of the environment, too.
func (r *Report) Add(more *Report) {
	r.Sound = r.Sound && more.Sound
	r.Problems = append(r.Problems, more.Problems...)
	r.Found += more.Found
	r.Pages, r.Records = more.Pages, more.Records
	r.Live += more.Live
	r.Unreachable += more.Unreachable
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
	c.items = x.Slots(c.free)
	return nil
}

// record notes what the records of the index, each sound, say together.
func (c *check) record(p codec.ParsedKey, key, value []byte) error {
	if p.Index != c.index.ID() {
		return nil
	}
	switch p.Kind {
	case codec.KindSlot:
		slot, err := codec.ParseNumber(key, value[codec.SumBytes:])
		if err == nil {
			c.maps(codec.FormatKey(key), slot)
		}
		return err
	case codec.KindIDSlot:
		f, err := codec.ParseFlat(key, value[codec.SumBytes:])
		if err != nil {
			return err
		}
		for i := range uint32(codec.FlatSpan) {
			if slot, ok := f.Get(i); ok {
				c.maps(fmt.Sprintf("id %d", p.Number*codec.FlatSpan+i), slot)
			}
		}
	case codec.KindValue:
		c.valued.Add(p.Number)
	case codec.KindSet:
		if set, err := codec.ParseSet(key, value[codec.SumBytes:], uint16(p.Number)); err == nil && p.Set != codec.SetPending {
			c.empty.Or(set)
		}
	case codec.KindLabel, codec.KindLabels:
		if c.items == nil { // sets come before labels
			c.items = roaring.New()
			c.items.AddRange(0, uint64(c.index.Meta.NextSlot))
			c.items.AndNot(c.empty)
		}
		if p.Kind == codec.KindLabel {
			return c.label(p, key, value[codec.SumBytes:])
		}
		return c.slotLabels(p, key, value)
	}
	return nil
}

// maps notes that a key maps to the slot.
func (c *check) maps(key string, slot uint32) {
	if !c.mapped.CheckedAdd(slot) {
		c.problem("key", key, "maps to slot %d, as another key does", slot)
	}
}

// keys checks that exactly the items have a key, which maps to their slots and to
// which these map, and that only items have values.
func (c *check) keys() error {
	for _, wrong := range []struct {
		slots *roaring.Bitmap
		text  string
	}{
		{roaring.AndNot(c.items, c.mapped), "no key maps to %d slots that have items"},
		{roaring.AndNot(c.mapped, c.items), "keys map to %d slots that have no items"},
		{roaring.AndNot(c.valued, c.items), "%d slots have values and no items"},
	} {
		if !wrong.slots.IsEmpty() {
			c.problem("key", fmt.Sprintf("slot %d", wrong.slots.Minimum()), wrong.text, wrong.slots.GetCardinality())
		}
	}
	var key []byte
	for it := c.items.Iterator(); it.HasNext(); {
		slot := it.Next()
		if slot%1024 == 0 && c.ctx.Err() != nil {
			return c.ctx.Err()
		}
		var err error
		if key, err = c.index.AppendKey(key[:0], slot); err != nil {
			c.problem("key", fmt.Sprintf("slot %d", slot), "%v", err)
			continue
		}
		switch back, ok, err := c.index.Slot(key); {
		case err != nil:
			c.problem("key", fmt.Sprintf("slot %d", slot), "%v", err)
		case !ok || back != slot:
			c.problem("key", fmt.Sprintf("slot %d", slot), "has key %s, which maps to slot %d (%t)", codec.QuoteKey(c.index.Meta.IDs, key), back, ok)
		}
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
			row = row[:c.kernel.RowBytes()]
			vector = c.kernel.Vector(vector[:0], row)
			err = c.kernel.CheckRow(row, vector)
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
	found, err := graph.Check(c.ctx, view, linked, m.Roots, int(m.M), int(m.M0))
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
