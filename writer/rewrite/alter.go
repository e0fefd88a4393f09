package rewrite

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/hannoydb/hannoy/codec"
	"github.com/hannoydb/hannoy/distance"
	"github.com/hannoydb/hannoy/kv"
	"github.com/hannoydb/hannoy/writer"
)

// AlterReport says what altering an index took.
type AlterReport struct {
	NewGraph    bool           `json:"new_graph"`    // all items were linked anew
	Rewritten   bool           `json:"rewritten"`    // the files were written anew, as a compaction does
	BytesBefore int64          `json:"bytes_before"` // of the data file
	BytesAfter  int64          `json:"bytes_after"`  //
	CaughtUp    int            `json:"caught_up"`    // changes that others committed meanwhile
	Elapsed     time.Duration  `json:"-"`
	Build       *writer.Report `json:"-"` // of the new graph; nil without one
}

// Alter gives an index other parameters: those that want makes of its metadata. It does
// no more than it must:
//   - ef construction and alpha are written down, and hold for links from now on;
//   - codes are written beside the graph;
//   - a graph for an index that has none is built in place;
//   - another vector type writes the files anew, with the graph;
//   - another metric or M, relink, and no graph any more (M is 0), write them anew
//     without it, and then all items are linked in the new files.
//
// Others read and write meanwhile, as while Compact runs. After an error, or a crash, the
// index is as it was, but for what is done in place: the next Build writes codes that are
// missing, and goes on with a graph that is not finished.
func Alter(ctx context.Context, env *kv.Env, id codec.IndexID, want func(codec.Meta) (*codec.Meta, error), relink bool, o writer.BuildOptions) (r *AlterReport, err error) {
	unlock, err := env.LockBuild(ctx, o.Wait)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, unlock()) }()
	started := time.Now()
	has, err := env.Meta(id)
	if err != nil {
		return nil, err
	}
	m, err := want(*has)
	if err != nil {
		return nil, err
	}
	r = &AlterReport{}
	sameRows := m.Metric == has.Metric && m.VectorType == has.VectorType
	r.NewGraph = m.HasGraph() && (relink || m.M != has.M || m.Metric != has.Metric)
	r.Rewritten = !sameRows || has.HasGraph() && (r.NewGraph || !m.HasGraph())
	switch {
	case r.Rewritten:
		a := &alteration{id: id, want: m, keepGraph: has.HasGraph() && m.HasGraph() && !r.NewGraph, build: o}
		var done *CompactReport
		if done, err = rewrite(ctx, env, env, a); err == nil {
			r.BytesBefore, r.BytesAfter, r.CaughtUp, r.Build = done.BytesBefore, done.BytesAfter, done.CaughtUp, a.built
		}
	case r.NewGraph: // the first
		if err = writer.EditMeta(ctx, env, id, func(now *codec.Meta) { m.CopyParameters(now) }); err != nil {
			break
		}
		r.Build, err = writer.BuildLocked(ctx, env, id, o)
	default:
		if m.Codes != has.Codes || m.AutoCodes != has.AutoCodes {
			err = writer.SetCodes(ctx, env, id, distance.VectorType(m.Codes), m.AutoCodes)
		}
		if err == nil && (m.EfConstruction != has.EfConstruction || m.Alpha != has.Alpha) {
			err = writer.EditMeta(ctx, env, id, func(now *codec.Meta) { now.EfConstruction, now.Alpha = m.EfConstruction, m.Alpha })
		}
	}
	if err != nil {
		return nil, err
	}
	r.Elapsed = time.Since(started)
	return r, nil
}

// alteration is what becomes of one index while the environment is written anew.
type alteration struct {
	id        codec.IndexID
	want      *codec.Meta // its parameters
	keepGraph bool
	build     writer.BuildOptions
	built     *writer.Report // of the new graph, when it was made first
}

// metaOf returns the parameters of the copy of an index.
func (a *alteration) metaOf(x *kv.Index) codec.Meta {
	m := x.Meta
	if a == nil || a.id != x.ID() {
		return m
	}
	if m.M != a.want.M || m.Metric != a.want.Metric {
		m.Ef = 0 // it was chosen for the graph that there was
	}
	a.want.CopyParameters(&m)
	if a.keepGraph {
		m.Codes, m.CodeSlab = 0, codec.Slab{} // finish writes them
	}
	return m
}

// keepsGraph reports whether the copy of an index has the graph of the original.
func (a *alteration) keepsGraph(x *kv.Index) bool { return a == nil || a.id != x.ID() || a.keepGraph }

// finish makes in the copy what was not copied: the codes, or the graph.
func (a *alteration) finish(ctx context.Context, to *kv.Env) error {
	if a != nil && a.keepGraph && a.want.Codes != 0 {
		return writer.SetCodes(ctx, to, a.id, distance.VectorType(a.want.Codes), a.want.AutoCodes)
	}
	return a.link(ctx, to)
}

// link links what is pending in the copy, if its graph is a new one.
func (a *alteration) link(ctx context.Context, to *kv.Env) error {
	if a == nil || a.keepGraph || !a.want.HasGraph() {
		return nil
	}
	built, err := writer.Build(ctx, to, a.id, a.build)
	if a.built == nil {
		a.built = built
	}
	return err
}

// rowsOf brings stored rows of one kernel to the form of another.
type rowsOf struct {
	from, to *distance.Kernel
	ids      bool // keys are ids
	vector   []float32
}

// newRowsOf returns nil when the forms are the same.
func newRowsOf(from, to *codec.Meta) (*rowsOf, error) {
	if from.Metric == to.Metric && from.VectorType == to.VectorType {
		return nil, nil
	}
	old, err := writer.KernelFor(from)
	if err != nil {
		return nil, err
	}
	next, err := writer.KernelFor(to)
	return &rowsOf{from: old, to: next, ids: from.IDs}, err
}

// appendRow appends the row in its new form, or fails if the vector of the key has none.
func (r *rowsOf) appendRow(dst, row, key []byte) ([]byte, error) {
	r.vector = r.from.Vector(r.vector[:0], row[:r.from.RowBytes()])
	if err := r.to.Check(r.vector); err != nil {
		return dst, fmt.Errorf("the vector of key %s: %w: %w", codec.QuoteKey(r.ids, key), kv.ErrInvalid, err)
	}
	return r.to.AppendRow(dst, r.vector), nil
}
