package writer

import (
	"math"
	"sync"
	"unsafe"

	"github.com/hannoydb/hannoy/codec"
	"github.com/hannoydb/hannoy/distance"
	"github.com/hannoydb/hannoy/graph"
	"github.com/hannoydb/hannoy/kv"
)

// base is the committed graph under a build, as one snapshot has it: the graph.View
// that the builder reads, by many goroutines at once.
type base struct {
	snap   *kv.Snapshot
	index  *kv.Index
	kernel *distance.Kernel
	rows   distance.Rows

	mu    sync.Mutex
	first error // mu: of all reads; the graph sees empty lists from then on
}

func newBase(env *kv.Env, id codec.IndexID, kernel *distance.Kernel) (*base, error) {
	snap, err := env.Acquire()
	if err != nil {
		return nil, err
	}
	index, err := snap.Index(id)
	if err != nil {
		snap.Release()
		return nil, err
	}
	slab := index.Meta.Slab
	return &base{snap: snap, index: index, kernel: kernel, rows: distance.NewRows(index.Rows(), slab.Rows, slab.Stride)}, nil
}

func (b *base) release() { b.snap.Release() }

// err returns the first error of a read.
func (b *base) err() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.first
}

func (b *base) fail(err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.first == nil {
		b.first = err
	}
}

// AppendLinks implements graph.Links.
func (b *base) AppendLinks(dst []graph.Slot, slot graph.Slot, level int) []graph.Slot {
	dst, err := b.index.AppendLinks(dst, slot, level)
	if err != nil {
		b.fail(err)
	}
	return dst
}

// Rank implements graph.View.
func (b *base) Rank(slot graph.Slot) uint32 {
	rank, err := b.index.Rank(slot)
	if err != nil {
		b.fail(err)
	}
	return rank
}

// Has implements graph.View.
func (b *base) Has(slot graph.Slot, level int) bool {
	has, err := b.index.HasLevel(slot, level)
	if err != nil {
		b.fail(err)
	}
	return has
}

// points returns distances for one goroutine.
func (b *base) points() graph.Points { return &points{base: b} }

// points measures from one stored vector to others.
type points struct {
	base   *base
	origin unsafe.Pointer
}

// MoveTo implements graph.Points.
func (p *points) MoveTo(slot graph.Slot) {
	if err := p.base.index.Touch(slot); err != nil {
		p.base.fail(err)
		return
	}
	p.origin = p.base.rows.At(slot)
}

// Distances implements graph.Space.
func (p *points) Distances(dst []float32, slots []graph.Slot) {
	b := p.base
	for done := 0; ; {
		done += b.kernel.Batch(dst[done:], p.origin, &b.rows, slots[done:])
		if done == len(slots) {
			return
		}
		if err := b.index.Touch(slots[done]); err != nil {
			b.fail(err)
			for i := range dst {
				dst[i] = float32(math.Inf(1))
			}
			return
		}
	}
}
