package reader

import (
	"context"
	"fmt"
	"sync"

	"github.com/RoaringBitmap/roaring/v2"

	"github.com/hannoydb/hannoy/codec"
	"github.com/hannoydb/hannoy/distance"
	"github.com/hannoydb/hannoy/graph"
	"github.com/hannoydb/hannoy/kv"
	"github.com/hannoydb/hannoy/kv/tables"
)

// Reader answers queries over one index as one snapshot sees it.
type Reader struct {
	index *kv.Index
	exact distance.Space  // the stored vectors
	codes *distance.Space // what the graph is walked on; nil: the stored vectors

	dead    *deadMask    // nil if no slot is dead
	matches matchesCache // of filters

	live func() (*roaring.Bitmap, error) // the linked slots of items, worked out once; not to be changed
}

// New returns a reader of the index. The kernel must be that of the index's metric,
// vector type and dimensions.
func New(index *kv.Index, kernel *distance.Kernel) (*Reader, error) {
	r := &Reader{index: index, dead: newDeadMask(index.Dead), matches: matchesCache{near: graph.NewRoom(matchesBytes)}}
	r.live = sync.OnceValues(func() (*roaring.Bitmap, error) {
		items, err := r.slots()
		if err != nil {
			return nil, err
		}
		return roaring.AndNot(items, index.Pending), nil
	})
	var err error
	if r.exact, err = space(kernel, index.Vectors); err != nil || index.Codes == nil {
		return r, err
	}
	codes, err := distance.NewCodes(kernel.Metric(), distance.VectorType(index.Meta.Codes), kernel.Dimensions(), index.Mean)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", codec.ErrCorrupt, err)
	}
	s, err := space(codes, index.Codes)
	r.codes = &s
	return r, err
}

func space(kernel *distance.Kernel, slabs *tables.Slabs) (distance.Space, error) {
	s, err := distance.NewSpace(kernel, slabs.Table(), slabs.Rows, slabs.Stride, slabs.Touch)
	if err != nil {
		return s, fmt.Errorf("%w: %w", codec.ErrCorrupt, err)
	}
	return s, nil
}

// Index is the index that the reader reads.
func (r *Reader) Index() *kv.Index { return r.index }

// Kernel is that of the stored vectors.
func (r *Reader) Kernel() *distance.Kernel { return r.exact.Kernel }

// Item is what is stored under a key. Its slices are copies.
type Item struct {
	Key    []byte
	Vector []float32 // nil for bit vectors
	Bits   []byte    // nil for all other vectors
	Value  []byte    // nil if the item has none
	Labels []string  // sorted; nil if the item has none
}

// Get returns the item with the key, or an error that wraps kv.ErrNotFound.
func (r *Reader) Get(key []byte) (Item, error) {
	slot, err := r.slotOf(key)
	if err != nil {
		return Item{}, err
	}
	return r.item(slot)
}

func (r *Reader) slotOf(key []byte) (uint32, error) {
	slot, ok, err := r.index.Slot(key)
	if err == nil && !ok {
		err = fmt.Errorf("key %s: %w", codec.QuoteKey(r.index.Meta.IDs, key), kv.ErrNotFound)
	}
	return slot, err
}

// Has reports whether there is an item with the key.
func (r *Reader) Has(key []byte) (bool, error) {
	_, ok, err := r.index.Slot(key)
	return ok, err
}

// Items calls yield with each item that matches, nil for every item, in the order of slots,
// until it returns false or the context is done.
func (r *Reader) Items(ctx context.Context, matches *Matches, yield func(Item, error) bool) {
	slots, err := matches.slots(r)
	if err != nil {
		yield(Item{}, err)
		return
	}
	for it := slots.Iterator(); it.HasNext(); {
		item, err := r.item(it.Next())
		if err == nil {
			err = ctx.Err()
		}
		if !yield(item, err) || err != nil {
			return
		}
	}
}

func (r *Reader) item(slot uint32) (Item, error) {
	key, err := r.index.AppendKey(nil, slot)
	if err != nil {
		return Item{}, err
	}
	item := Item{Key: key}
	if item.Vector, item.Bits, err = r.vector(slot); err != nil {
		return Item{}, err
	}
	if item.Value, err = copyValue(r.index, slot); err != nil {
		return Item{}, err
	}
	if item.Labels, err = r.index.Labels(slot); err != nil {
		return Item{}, err
	}
	return item, nil
}

// vector returns a copy of the slot's vector: numbers or bits.
func (r *Reader) vector(slot uint32) (numbers []float32, bits []byte, err error) {
	row, err := r.index.Vectors.Row(slot)
	if err != nil {
		return nil, nil, err
	}
	row = row[:r.exact.Kernel.RowBytes()]
	if r.exact.Kernel.Type() == distance.Bits {
		return nil, r.exact.Kernel.Bits(nil, row), nil
	}
	return r.exact.Kernel.Vector(nil, row), nil, nil
}
