package hannoy

import (
	"context"
	"fmt"

	"github.com/hannoydb/hannoy/codec"
	"github.com/hannoydb/hannoy/writer/rewrite"
)

// AlterOptions says what is to become of an index. Fields that are zero stay as they
// are.
type AlterOptions struct {
	Metric         Metric     // but for Hamming, which goes with bits
	VectorType     VectorType // every vector must be one that the type holds
	Codes          *Codes     // nil: those there are, where the new metric and type have them, else CodesAuto
	M              int        // links per slot on upper levels, and 2M on level 0: another M links all items anew
	EfConstruction int        // of links from now on; with Rebuild of all
	Alpha          float32    // of links from now on; with Rebuild of all

	NoGraph bool // give the graph up: answers become exact, searches slower, files smaller
	Rebuild bool // link all items anew; an index without a graph gets one

	Build *BuildOptions // of a new graph
}

// AlterReport says what altering an index took: whether there is a NewGraph (of which Build
// is the report) and whether the files were Rewritten, BytesBefore and BytesAfter of the data
// file, how many changes of others it CaughtUp with, and the time Elapsed.
type AlterReport = rewrite.AlterReport

// Alter gives an index other parameters, with as little work as that takes:
//
//   - EfConstruction and Alpha are only written down.
//   - Codes are computed anew, beside the graph. Meanwhile searches walk on the stored vectors.
//   - VectorType has all files written anew, as Compact does, and keeps the graph: links
//     are between the same items, and as good.
//   - Metric, M and Rebuild link all items anew, in new files or, for an index without a
//     graph, in place. NoGraph writes new files without links and codes.
//
// Searches and updates go on meanwhile, in all processes, on the old parameters; at the
// end writers wait for a moment, and everybody goes on with the new ones: an index that
// is open follows, whatever it was opened with. Builds do not run meanwhile, so writers
// with Options.AutoBuild wait once sixteen times as many items are pending as it allows. A row that was
// recorded in a [Batch] for the old metric or type and comes too late is refused with
// ErrMismatch. When ctx is done, the process dies, or a vector cannot be stored in the
// new type (ErrInvalid, with its key), the index is what it was, but for codes, which the next
// Build writes, as it goes on with a graph in place that is not finished.
//
// What is stored is all there is: under Cosine that are vectors scaled to length 1, those
// of I8 apart, so that their lengths are gone for another metric afterwards; and F16 rounds.
func (ix *Index) Alter(ctx context.Context, opts *AlterOptions) (*AlterReport, error) {
	if err := ix.usable(); err != nil {
		return nil, err
	}
	if opts == nil {
		opts = &AlterOptions{}
	}
	if opts.NoGraph && opts.Rebuild {
		return nil, fmt.Errorf("%w: an index without a graph has none to rebuild", ErrInvalid)
	}
	report, err := rewrite.Alter(ctx, ix.env, ix.id, func(m codec.Meta) (*codec.Meta, error) { return opts.meta(ix.name, &m) }, opts.Rebuild, opts.Build.options(ix.auto != nil))
	if err != nil {
		return nil, fmt.Errorf("alter index %q: %w", ix.name, err)
	}
	return report, ix.followLatest()
}

// HasGraph reports whether builds link the items of the index; see Options.NoGraph.
func (ix *Index) HasGraph() (bool, error) {
	if err := ix.usable(); err != nil {
		return false, err
	}
	m, err := ix.env.Meta(ix.id)
	return err == nil && m.HasGraph(), err
}

// meta returns the metadata of an index with what is wanted in place of what m says.
func (o *AlterOptions) meta(name string, m *codec.Meta) (*codec.Meta, error) {
	want := Options{
		Index: name, Dimensions: int(m.Dimensions), IDs: m.IDs, Seed: m.Seed,
		Metric: or(o.Metric, Metric(m.Metric)), VectorType: or(o.VectorType, VectorType(m.VectorType)),
		M: or(o.M, int(m.M)), EfConstruction: or(o.EfConstruction, int(m.EfConstruction)), Alpha: or(o.Alpha, m.Alpha),
		NoGraph: o.NoGraph,
	}
	if o.Codes != nil {
		want.Codes = *o.Codes
	}
	switch {
	case o.NoGraph:
		want.M = o.M
		return want.meta()
	case m.HasGraph():
	case o.M == 0 && !o.Rebuild:
		if want.Codes != CodesAuto && want.Codes != CodesNone {
			return nil, fmt.Errorf("%w: index %q has no graph to walk on codes (Rebuild gives it one)", ErrInvalid, name)
		}
		want.NoGraph = true
		return want.meta()
	}
	if (o.Codes == nil || want.Codes == CodesAuto && m.AutoCodes) && m.HasGraph() {
		if !m.AutoCodes {
			want.Codes = codesOf(m.WantedCodes())
		}
		has, err := want.meta()
		if err == nil {
			if has.AutoCodes && has.Metric == m.Metric && has.VectorType == m.VectorType && !o.Rebuild {
				has.Codes, has.CodeSlab, has.NextCodes = m.Codes, m.CodeSlab, m.NextCodes // as builds have chosen
			}
			return has, nil
		}
		want.Codes = CodesAuto // the new metric or type has no such codes
	}
	return want.meta()
}
