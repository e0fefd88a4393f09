package reader

import (
	"context"
	"fmt"
	"runtime/trace"
	"sync"

	"github.com/RoaringBitmap/roaring/v2"

	"github.com/hannoydb/hannoy/filter"
	"github.com/hannoydb/hannoy/graph"
)

// Matches are the items that a filter admits, worked out for one snapshot. They do not
// change and may be used by any number of searches at once.
type Matches struct {
	reader  *Reader
	linked  *roaring.Bitmap // live slots that match
	pending *roaring.Bitmap // pending slots that match
	graph   *graph.Filter   // linked, for walks
}

// Of reports whether they are of the snapshot that the reader reads.
func (m *Matches) Of(r *Reader) bool { return m != nil && m.reader.index == r.index }

// Len is how many items match.
func (m *Matches) Len() int { return int(m.linked.GetCardinality() + m.pending.GetCardinality()) }

// Has reports whether the item of the slot matches.
func (m *Matches) Has(slot uint32) bool { return m.linked.Contains(slot) || m.pending.Contains(slot) }

// slots are those of the items that match; of every item for nil.
func (m *Matches) slots(r *Reader) (*roaring.Bitmap, error) {
	if m == nil {
		return r.slots()
	}
	return roaring.Or(m.linked, m.pending), nil
}

// unkept are the same matches for a search that sees the graph otherwise than others do.
func (m *Matches) unkept() *Matches {
	other := *m
	other.graph = m.graph.Unkept()
	return &other
}

// bytes is about what they take in memory.
func (m *Matches) bytes() int {
	return int(m.reader.index.Meta.NextSlot)/8 + int(m.linked.GetSizeInBytes()) + 256
}

// Matches returns the items that the expression admits: those kept from an earlier call,
// if it was for this expression, or for an equal one over labels.
func (r *Reader) Matches(ctx context.Context, e *filter.Expr) (*Matches, error) {
	defer trace.StartRegion(ctx, "hannoy filter").End()
	key := any(e)
	if e.OfLabels() {
		key = e.String()
	}
	if m := r.matches.get(key); m != nil {
		return m, nil
	}
	ev := evaluation{Reader: r, ctx: ctx}
	slots, err := ev.slots(e, nil)
	if err != nil {
		return nil, fmt.Errorf("filter: %w", err)
	}
	m := &Matches{reader: r, linked: slots, pending: roaring.New()}
	if !r.index.Pending.IsEmpty() {
		m.pending = roaring.And(slots, r.index.Pending)
		m.linked = roaring.AndNot(slots, r.index.Pending)
	}
	bits := make([]uint64, (uint64(r.index.Meta.NextSlot)+63)/64)
	m.linked.WriteDenseTo(bits)
	m.graph = graph.NewFilter(bits, int(m.linked.GetCardinality()), r.matches.near)
	return r.matches.put(key, m), nil
}

// evaluation works out the slots of an expression.
type evaluation struct {
	*Reader
	ctx context.Context
	all *roaring.Bitmap // the slots of all items; nil until needed
}

// items returns the slots of all items, which must not be changed.
func (v *evaluation) items() (_ *roaring.Bitmap, err error) {
	if v.all == nil {
		v.all, err = v.Reader.slots()
	}
	return v.all, err
}

// slots returns the slots of those items among within (nil: all) that the expression
// admits: a new set.
func (v *evaluation) slots(e *filter.Expr, within *roaring.Bitmap) (slots *roaring.Bitmap, err error) {
	switch e.Op {
	case filter.Not:
		return v.not(e.Args[0], within)
	case filter.And:
		return v.and(e.Args, within)
	case filter.Or:
		return v.or(e.Args, within)
	case filter.Func:
		return v.test(e.Test, within)
	case filter.Label:
		slots, err = v.index.LabelSlots(e.Text)
	case filter.Prefix:
		slots, err = v.index.LabelPrefixSlots(e.Text)
	case filter.IDs:
		slots, err = v.index.SlotsOfIDs(e.IDs)
	case filter.Keys:
		slots, err = v.keys(e.Keys)
	}
	if err == nil && within != nil {
		slots.And(within)
	}
	return slots, err
}

func (v *evaluation) not(e *filter.Expr, within *roaring.Bitmap) (_ *roaring.Bitmap, err error) {
	if within == nil {
		if within, err = v.items(); err != nil {
			return nil, err
		}
	}
	among := within
	if !e.Tests() {
		among = nil // no need to narrow what is taken away
	}
	slots, err := v.slots(e, among)
	if err != nil {
		return nil, err
	}
	return roaring.AndNot(within, slots), nil
}

// and narrows within by one operand after the other: sets first, then what is taken away
// from them, and functions last, which are asked about each slot.
func (v *evaluation) and(args []*filter.Expr, within *roaring.Bitmap) (_ *roaring.Bitmap, err error) {
	const sets, negations, functions = 0, 1, 2
	for turn := sets; turn <= functions; turn++ {
		for _, a := range args {
			kind := sets
			if a.Tests() {
				kind = functions
			} else if a.Op == filter.Not {
				kind = negations
			}
			if kind != turn {
				continue
			}
			if within, err = v.slots(a, within); err != nil {
				return nil, err
			}
		}
	}
	return within, nil
}

func (v *evaluation) or(args []*filter.Expr, within *roaring.Bitmap) (*roaring.Bitmap, error) {
	all := roaring.New()
	for _, a := range args {
		slots, err := v.slots(a, within)
		if err != nil {
			return nil, err
		}
		all.Or(slots)
	}
	return all, nil
}

func (v *evaluation) keys(keys [][]byte) (*roaring.Bitmap, error) {
	all := roaring.New()
	for i, key := range keys {
		if i%1024 == 0 && v.ctx.Err() != nil {
			return nil, v.ctx.Err()
		}
		slot, ok, err := v.index.Slot(key)
		if err != nil {
			return nil, err
		}
		if ok {
			all.Add(slot)
		}
	}
	return all, nil
}

// test asks the function about the keys of the slots.
func (v *evaluation) test(test func(key []byte) bool, within *roaring.Bitmap) (_ *roaring.Bitmap, err error) {
	if within == nil {
		if within, err = v.items(); err != nil {
			return nil, err
		}
	}
	admitted := roaring.New()
	var key []byte
	asked := 0
	for it := within.Iterator(); it.HasNext(); asked++ {
		if asked%1024 == 0 && v.ctx.Err() != nil {
			return nil, v.ctx.Err()
		}
		slot := it.Next()
		if key, err = v.index.AppendKey(key[:0], slot); err != nil {
			return nil, err
		}
		if test(key) {
			admitted.Add(slot)
		}
	}
	return admitted, nil
}

// matchesBytes bounds what the matches that a reader keeps take together, and as much again what
// searches have found out about them. The oldest go first.
const matchesBytes = 64 << 20

// matchesCache keeps the matches of filters, by expression.
type matchesCache struct {
	mu    sync.RWMutex
	byKey map[any]*Matches
	order []any // of byKey, the oldest first
	bytes int
	near  *graph.Room // of what searches find out
}

func (c *matchesCache) get(key any) *Matches {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return c.byKey[key]
}

// put keeps the matches and returns them, or those that another goroutine was faster to put.
func (c *matchesCache) put(key any, m *Matches) *Matches {
	c.mu.Lock()
	defer c.mu.Unlock()
	if faster := c.byKey[key]; faster != nil {
		return faster
	}
	if c.byKey == nil {
		c.byKey = map[any]*Matches{}
	}
	c.byKey[key] = m
	c.order = append(c.order, key)
	c.bytes += m.bytes()
	for c.bytes > matchesBytes && len(c.order) > 1 {
		oldest := c.byKey[c.order[0]]
		c.bytes -= oldest.bytes()
		oldest.graph.Leave()
		delete(c.byKey, c.order[0])
		c.order = c.order[1:]
	}
	return m
}
