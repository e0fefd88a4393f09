package hannoy

import (
	"context"
	"fmt"
	"math"

	"github.com/hannoydb/hannoy/reader"
)

// Part is one of the searches that SearchFused makes into one: items have several vectors,
// each in an index of its own under the same key.
type Part struct {
	Index  *Index  // of the directory that the others are of
	Query  Query   // what the items' vectors in this index are to be near to
	Weight float32 // of the part among the others; 0: 1
	Ranks  bool    // count the item's rank in this part and not its distance: so in all parts, or in none

	Stats *SearchStats // if not nil, filled with what the search did in this part
}

// SearchFused returns the k items that are nearest in several indexes of one directory
// together, nearest first and then by key.
//
// The distance of a hit is the sum of its distances in the parts, by their weights. An item
// must be in all of them. Of each part the nearest 10 Ef are looked at, but no more than
// it takes to know that no others are nearer; Exact looks at all.
//
// Where distances of the parts cannot be compared, ranks can: with Part.Ranks the distance
// of a hit is minus the sum of weight/(60 + rank) over those parts in which it is one of the
// Ef nearest, or of the k nearest if that is more.
//
// A filter is asked in each index: give items their labels in all. Values and vectors
// are those of the first part that has the item. MaxDistance means the sum. Groups are
// not for it.
func (s *Snapshot) SearchFused(ctx context.Context, parts []Part, k int, opts *SearchOptions) ([]Hit, error) {
	if opts == nil {
		opts = &SearchOptions{}
	}
	if err := s.lease.Enter(); err != nil {
		return nil, fmt.Errorf("search: %w", err)
	}
	defer s.lease.Leave()
	fused, err := s.fused(ctx, parts, k, opts)
	if err != nil {
		return nil, fmt.Errorf("search: %w", err)
	}
	f, err := reader.Fuse(ctx, fused, k, parts[0].Ranks, reader.Options{
		Exact: opts.Exact, MaxDistance: opts.MaxDistance, WithValues: opts.WithValues, WithVectors: opts.WithVectors,
	})
	if err != nil {
		return nil, fmt.Errorf("search: %w", err)
	}
	for i, p := range parts {
		if p.Stats != nil {
			*p.Stats = f.Stats[i]
		}
	}
	if opts.Stats != nil {
		*opts.Stats = sumOf(f.Stats)
		opts.Stats.Distances += f.Added
	}
	return f.Hits, nil
}

// fused checks all that is given to SearchFused, and puts the parts as the reader wants them.
func (s *Snapshot) fused(ctx context.Context, parts []Part, k int, opts *SearchOptions) ([]reader.Part, error) {
	switch {
	case len(parts) == 0:
		return nil, fmt.Errorf("%w: a fused search has no parts", ErrInvalid)
	case opts.GroupBy != "":
		return nil, fmt.Errorf("%w: a fused search does not group", ErrInvalid)
	case parts[0].Ranks && opts.MaxDistance != nil:
		return nil, fmt.Errorf("%w: ranks have no maximal distance", ErrInvalid)
	}
	of := *opts
	of.MaxDistance, of.WithValues, of.WithVectors = nil, false, false
	fused := make([]reader.Part, len(parts))
	for i, p := range parts {
		weight := or(p.Weight, 1)
		if !(weight > 0) || math.IsInf(float64(weight), 0) || p.Ranks != parts[0].Ranks {
			return nil, fmt.Errorf("%w: part %d has weight %v, ranks %t: weights are above 0, and ranks are for all parts or none", ErrInvalid, i, weight, p.Ranks)
		}
		on, err := s.On(p.Index)
		if err != nil {
			return nil, fmt.Errorf("part %d: %w", i, err)
		}
		if first := parts[0].Index; on.index.ids != first.ids {
			return nil, fmt.Errorf("%w: of indexes %q and %q only one has ids for keys, so they have no items in common", ErrInvalid, first.name, on.index.name)
		}
		o, err := on.prepareFor(ctx, p.Query, k, &of)
		if err != nil {
			return nil, fmt.Errorf("part %d: %w", i, err)
		}
		fused[i] = reader.Part{Reader: on.reader, Query: p.Query, Weight: weight, Options: o}
	}
	return fused, nil
}

// SearchFused returns the k items nearest in several indexes; see [Snapshot.SearchFused].
func (ix *Index) SearchFused(ctx context.Context, parts []Part, k int, opts *SearchOptions) (hits []Hit, err error) {
	err = ix.View(func(s *Snapshot) error {
		hits, err = s.SearchFused(ctx, parts, k, opts)
		return err
	})
	return hits, err
}

// On returns the snapshot of another index of the same directory as of the same commit.
func (s *Snapshot) On(other *Index) (*Snapshot, error) {
	if other == nil {
		return nil, fmt.Errorf("%w: no index", ErrInvalid)
	}
	if other.env != s.index.env {
		return nil, fmt.Errorf("%w: index %q is of %s, and this snapshot of %s", ErrInvalid, other.name, other.Path(), s.index.Path())
	}
	if err := other.usable(); err != nil {
		return nil, err
	}
	if err := s.lease.Enter(); err != nil {
		return nil, err
	}
	defer s.lease.Leave()
	view, err := other.viewOf(s.reader.Index().Snapshot())
	if err != nil {
		return nil, err
	}
	return view.under(s.lease), nil
}
