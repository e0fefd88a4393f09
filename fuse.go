package hannoy

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"math"
	"slices"

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

const (
	// fusedRank is what is added to ranks before their reciprocals are taken (Cormack,
	// Clarke and Büttcher, 2009).
	fusedRank = 60
	// fusedDepth is how many times ef items of a part are looked at, at most, where distances
	// are added.
	fusedDepth = 10
)

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
	if err := s.lease.enter(); err != nil {
		return nil, fmt.Errorf("search: %w", err)
	}
	defer s.lease.leave()
	f := fusion{k: k, opts: opts, found: map[string]int{}}
	err := f.open(ctx, s, parts)
	if err == nil && parts[0].Ranks {
		err = f.byRank(ctx)
	} else if err == nil {
		err = f.byDistance(ctx)
	}
	if err == nil {
		err = f.finish()
	}
	if err != nil {
		return nil, fmt.Errorf("search: %w", err)
	}
	return f.hits, nil
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
	if err := s.lease.enter(); err != nil {
		return nil, err
	}
	defer s.lease.leave()
	view, err := other.viewOf(s.reader.Index().Snapshot())
	if err != nil {
		return nil, err
	}
	return view.under(s.lease), nil
}

// fusion is one call of SearchFused.
type fusion struct {
	k     int
	opts  *SearchOptions
	parts []fusedPart
	found map[string]int // key -> place in hits
	hits  []Hit
	stats []SearchStats // by part
	sums  int           // distances that were computed to add them
}

type fusedPart struct {
	Part
	*Snapshot
	options reader.Options
}

// open checks all that is given and takes the snapshots.
func (f *fusion) open(ctx context.Context, s *Snapshot, parts []Part) error {
	switch {
	case len(parts) == 0:
		return fmt.Errorf("%w: a fused search has no parts", ErrInvalid)
	case f.opts.GroupBy != "":
		return fmt.Errorf("%w: a fused search does not group", ErrInvalid)
	case parts[0].Ranks && f.opts.MaxDistance != nil:
		return fmt.Errorf("%w: ranks have no maximal distance", ErrInvalid)
	}
	of := *f.opts
	of.MaxDistance = nil
	f.stats = make([]SearchStats, len(parts))
	for i, p := range parts {
		if p.Weight = or(p.Weight, 1); !(p.Weight > 0) || math.IsInf(float64(p.Weight), 0) || p.Ranks != parts[0].Ranks {
			return fmt.Errorf("%w: part %d has weight %v, ranks %t: weights are above 0, and ranks are for all parts or none", ErrInvalid, i, p.Weight, p.Ranks)
		}
		on, err := s.On(p.Index)
		if err != nil {
			return fmt.Errorf("part %d: %w", i, err)
		}
		o, err := on.prepare(ctx, p.Query, &of)
		if err == nil {
			err = of.checkWidth(f.k, &o)
		}
		if err != nil {
			return fmt.Errorf("part %d: %w", i, err)
		}
		o.WithValues, o.WithVectors = false, false
		f.parts = append(f.parts, fusedPart{p, on, o})
	}
	return nil
}

// byRank adds up reciprocal ranks.
func (f *fusion) byRank(ctx context.Context) error {
	for i, p := range f.parts {
		hits, stats, err := p.reader.Search(ctx, p.Query, p.options.Ef, p.options)
		if err != nil {
			return fmt.Errorf("part %d: %w", i, err)
		}
		f.stats[i] = stats
		for rank, h := range hits {
			at, ok := f.found[string(h.Key)]
			if !ok {
				at = len(f.hits)
				f.found[string(h.Key)] = at
				f.hits = append(f.hits, Hit{Key: h.Key})
			}
			f.hits[at].Distance -= p.Weight / float32(fusedRank+rank+1)
		}
	}
	f.dropOwn()
	return nil
}

// dropOwn drops items that a part has for its query, and that others may have found.
func (f *fusion) dropOwn() {
	f.hits = slices.DeleteFunc(f.hits, func(h Hit) bool {
		return slices.ContainsFunc(f.parts, func(p fusedPart) bool { return bytes.Equal(p.Query.Key, h.Key) })
	})
}

// byDistance takes items from all parts in turn, nearest first, and adds up their
// distances, until k have a sum that no other can be below: none of those not seen is nearer
// in a part than the last that was taken from it (Fagin, Lotem and Naor, 2001).
func (f *fusion) byDistance(ctx context.Context) error {
	next := make([]func() (Hit, error, bool), len(f.parts))
	for i, p := range f.parts {
		pull, stop := iter.Pull2(func(yield func(Hit, error) bool) { p.reader.Nearest(ctx, p.Query, p.options, &f.stats[i], yield) })
		defer stop()
		next[i] = pull
	}
	depth := fusedDepth * f.parts[0].options.Ef
	if f.opts.Exact {
		depth = math.MaxInt
	}
	for taken, step := 0, max(f.k, 16); taken < depth; taken += step {
		var keys [][]byte
		var bound float32
		for i, p := range f.parts {
			last, ended := float32(0), false
			for range min(step, depth-taken) {
				hit, err, ok := next[i]()
				if err != nil {
					return fmt.Errorf("part %d: %w", i, err)
				}
				if ended = !ok; ended {
					break
				}
				last = hit.Distance
				if _, seen := f.found[string(hit.Key)]; !seen {
					f.found[string(hit.Key)] = 0
					keys = append(keys, hit.Key)
				}
			}
			if bound += p.Weight * last; ended {
				bound = float32(math.Inf(1)) // all items of this part have been seen
			}
		}
		if err := f.add(ctx, keys); err != nil {
			return err
		}
		if len(f.hits) >= f.k && f.hits[f.k-1].Distance <= bound || math.IsInf(float64(bound), 1) {
			return nil
		}
	}
	return nil
}

// add computes the sums of items and keeps the k nearest, sorted.
func (f *fusion) add(ctx context.Context, keys [][]byte) error {
	sums := make([]float32, len(keys))
	for i, p := range f.parts {
		distances, err := p.reader.Distances(ctx, p.Query, keys, p.options.Filter)
		if err != nil {
			return fmt.Errorf("part %d: %w", i, err)
		}
		f.sums += len(distances)
		for j, d := range distances {
			sums[j] += p.Weight * d
		}
	}
	for i, key := range keys {
		if !math.IsInf(float64(sums[i]), 1) {
			f.hits = append(f.hits, Hit{Key: key, Distance: sums[i]})
		}
	}
	f.cut()
	return nil
}

// cut sorts the hits and keeps the k nearest.
func (f *fusion) cut() {
	slices.SortFunc(f.hits, func(a, b Hit) int {
		return cmp.Or(cmp.Compare(a.Distance, b.Distance), bytes.Compare(a.Key, b.Key))
	})
	f.hits = f.hits[:min(f.k, len(f.hits))]
}

// finish gives the hits what was asked for.
func (f *fusion) finish() error {
	f.cut()
	if most := f.opts.MaxDistance; most != nil {
		f.hits = slices.DeleteFunc(f.hits, func(h Hit) bool { return h.Distance > *most })
	}
	for i, p := range f.parts {
		if p.Part.Stats != nil {
			*p.Part.Stats = f.stats[i]
		}
	}
	if f.opts.Stats != nil {
		*f.opts.Stats = sumOf(f.stats)
		f.opts.Stats.Distances += f.sums
	}
	if !f.opts.WithValues && !f.opts.WithVectors {
		return nil
	}
	for i := range f.hits {
		h := &f.hits[i]
		for _, p := range f.parts {
			item, err := p.reader.Get(h.Key)
			if errors.Is(err, ErrNotFound) {
				continue
			}
			if err != nil {
				return err
			}
			if f.opts.WithValues {
				h.Value = item.Value
			}
			if f.opts.WithVectors {
				h.Vector, h.Bits = item.Vector, item.Bits
			}
			break
		}
	}
	return nil
}
