package writer

import (
	"context"
	"fmt"
	"math"
	"sync"
	"unsafe"

	"github.com/hannoydb/hannoy/codec"
	"github.com/hannoydb/hannoy/distance"
	"github.com/hannoydb/hannoy/graph"
	"github.com/hannoydb/hannoy/graph/linking"
	"github.com/hannoydb/hannoy/kv"
	"github.com/hannoydb/hannoy/kv/tables"
	"github.com/hannoydb/hannoy/writer/sample"
)

// base is the committed graph under a build, as one snapshot has it: the graph.View
// that the builder reads, by many goroutines at once.
type base struct {
	env   *kv.Env
	snap  *kv.Snapshot
	index *kv.Index
	exact distance.Space  // the stored vectors
	codes *distance.Space // what the builder searches on; nil: the stored vectors

	mu    sync.Mutex
	first error // mu: of all reads; lists and rows that cannot be read are empty and far
}

// KernelFor returns the kernel of the stored vectors of an index.
func KernelFor(m *codec.Meta) (*distance.Kernel, error) {
	kernel, err := distance.New(distance.Metric(m.Metric), distance.VectorType(m.VectorType), int(m.Dimensions))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", codec.ErrCorrupt, err)
	}
	return kernel, nil
}

func newBase(env *kv.Env, id codec.IndexID) (*base, error) {
	snap, err := env.Acquire()
	if err != nil {
		return nil, err
	}
	b := &base{env: env, snap: snap}
	var kernel *distance.Kernel
	if b.index, err = snap.Index(id); err == nil {
		kernel, err = KernelFor(&b.index.Meta)
	}
	if err == nil {
		b.exact, err = space(kernel, b.index.Vectors)
	}
	if err == nil {
		err = b.openCodes(kernel)
	}
	if err != nil {
		snap.Release()
		return nil, err
	}
	return b, nil
}

func (b *base) openCodes(kernel *distance.Kernel) error {
	if b.index.Codes == nil {
		return nil
	}
	codes, err := codesKernel(kernel, distance.VectorType(b.index.Meta.Codes), b.index.Mean)
	if err != nil {
		return err
	}
	s, err := space(codes, b.index.Codes)
	b.codes = &s
	return err
}

func space(kernel *distance.Kernel, slabs *tables.Slabs) (distance.Space, error) {
	s, err := distance.NewSpace(kernel, slabs.Table(), slabs.Rows, slabs.Stride, slabs.Touch)
	if err != nil {
		return s, fmt.Errorf("%w: %w", codec.ErrCorrupt, err)
	}
	return s, nil
}

// fit finds out how codes of the type serve the vectors best.
func (b *base) fit(ctx context.Context, codes distance.VectorType) (sample.Fit, error) {
	v := sample.Vectors{Kernel: b.exact.Kernel, Next: b.index.Meta.NextSlot, Row: b.index.Vectors.Row}
	var inUse *distance.Kernel
	if b.codes != nil && len(b.index.Meta.Roots) > 0 {
		inUse = b.codes.Kernel
	}
	return v.Fit(ctx, codes, inUse)
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

// Prefetch implements graph.Prefetcher.
func (b *base) Prefetch(slot graph.Slot, level int) {
	if level > 0 || slot >= b.index.Meta.NextSlot {
		return
	}
	if block, list := b.index.LinksAddress(slot); block != nil {
		graph.Prefetch(block)
		graph.Prefetch(list)
	}
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

// points returns distances for one goroutine. Codes of int8 are so near to the stored
// vectors that a graph built on them alone is as good: measured on SIFT and on word
// vectors, recall and distances of searches are the same. It takes a fifth less time,
// and a build reads no stored vector at random, which counts when not all fit in memory.
// By codes of bits it only finds candidates.
func (b *base) points() linking.Points {
	switch {
	case b.codes == nil:
		return b.pointsOf(&b.exact)
	case b.codes.Kernel.Type() == distance.I8:
		return b.pointsOf(b.codes)
	}
	return guided{b.pointsOf(&b.exact), b.pointsOf(b.codes)}
}

func (b *base) pointsOf(space *distance.Space) linking.Points {
	p := points{base: b, space: space}
	if space.Kernel.Metric() == distance.InnerProduct && space.Kernel.Type() != distance.Bits {
		return &scaled{points: p}
	}
	return &p
}

// guided are exact points with codes to search by.
type guided struct {
	linking.Points
	guide linking.Points
}

// Guide implements linking.Guided.
func (g guided) Guide() linking.Points { return g.guide }

// points measures from one row to others.
type points struct {
	base   *base
	space  *distance.Space
	origin unsafe.Pointer
}

// MoveTo implements linking.Points.
func (p *points) MoveTo(slot graph.Slot) {
	origin, err := p.space.At(slot)
	if err != nil {
		p.base.fail(err) // and origin is nil
	}
	p.origin = origin
}

// Distances implements graph.Space.
func (p *points) Distances(dst []float32, slots []graph.Slot) {
	if p.origin != nil {
		err := p.space.Distances(dst, p.origin, slots)
		if err == nil {
			return
		}
		p.base.fail(err)
	}
	for i := range dst {
		dst[i] = float32(math.Inf(1))
	}
}
