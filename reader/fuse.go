package reader

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"math"
	"slices"

	"github.com/hannoydb/hannoy/kv"
)

// Part is one of the searches that Fuse makes into one, of an index of the same snapshot as
// the others.
type Part struct {
	*Reader
	Query   Query
	Weight  float32
	Options Options // without values and vectors
}

// Fused is what Fuse has found, and what that took.
type Fused struct {
	Hits  []Hit         // nearest first and then by key
	Stats []SearchStats // by part
	Added int           // distances that were computed to be added up, apart from these
}

const (
	// fusedRank is what is added to ranks before their reciprocals are taken (Cormack,
	// Clarke and Büttcher, 2009).
	fusedRank = 60
	// fusedDepth is how many times ef items of a part are looked at, at most, where distances
	// are added.
	fusedDepth = 10
)

// fusion is one call of Fuse.
type fusion struct {
	Fused
	k     int
	o     *Options
	parts []Part
	found map[string]int // key -> place in Hits
}

// Fuse finds the k items that are nearest in all parts together: by the sum of their
// distances or, with ranks, by that of their reciprocal ranks. Of the options Exact,
// MaxDistance, WithValues and WithVectors count.
func Fuse(ctx context.Context, parts []Part, k int, ranks bool, o Options) (*Fused, error) {
	f := &fusion{k: k, o: &o, parts: parts, found: map[string]int{}}
	f.Stats = make([]SearchStats, len(parts))
	add := f.byDistance
	if ranks {
		add = f.byRank
	}
	if err := add(ctx); err != nil {
		return nil, err
	}
	return &f.Fused, f.finish()
}

// byRank adds up reciprocal ranks.
func (f *fusion) byRank(ctx context.Context) error {
	for i, p := range f.parts {
		hits, stats, err := p.Search(ctx, p.Query, p.Options.Ef, p.Options)
		if err != nil {
			return fmt.Errorf("part %d: %w", i, err)
		}
		f.Stats[i] = stats
		for rank, h := range hits {
			at, ok := f.found[string(h.Key)]
			if !ok {
				at = len(f.Hits)
				f.found[string(h.Key)] = at
				f.Hits = append(f.Hits, Hit{Key: h.Key})
			}
			f.Hits[at].Distance -= p.Weight / float32(fusedRank+rank+1)
		}
	}
	f.dropOwn()
	return nil
}

// dropOwn drops items that a part has for its query, and that others may have found.
func (f *fusion) dropOwn() {
	f.Hits = slices.DeleteFunc(f.Hits, func(h Hit) bool {
		return slices.ContainsFunc(f.parts, func(p Part) bool { return bytes.Equal(p.Query.Key, h.Key) })
	})
}

// byDistance takes items from all parts in turn, nearest first, and adds up their
// distances, until k have a sum that no other can be below: none of those not seen is nearer
// in a part than the last that was taken from it (Fagin, Lotem and Naor, 2001).
func (f *fusion) byDistance(ctx context.Context) error {
	next := make([]func() (Hit, error, bool), len(f.parts))
	for i, p := range f.parts {
		pull, stop := iter.Pull2(func(yield func(Hit, error) bool) { p.Nearest(ctx, p.Query, p.Options, &f.Stats[i], yield) })
		defer stop()
		next[i] = pull
	}
	depth := fusedDepth * f.parts[0].Options.Ef
	if f.o.Exact {
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
		if len(f.Hits) >= f.k && f.Hits[f.k-1].Distance <= bound || math.IsInf(float64(bound), 1) {
			return nil
		}
	}
	return nil
}

// add computes the sums of items and keeps the k nearest, sorted.
func (f *fusion) add(ctx context.Context, keys [][]byte) error {
	sums := make([]float32, len(keys))
	for i, p := range f.parts {
		distances, err := p.Distances(ctx, p.Query, keys, p.Options.Filter)
		if err != nil {
			return fmt.Errorf("part %d: %w", i, err)
		}
		f.Added += len(distances)
		for j, d := range distances {
			sums[j] += p.Weight * d
		}
	}
	for i, key := range keys {
		if !math.IsInf(float64(sums[i]), 1) {
			f.Hits = append(f.Hits, Hit{Key: key, Distance: sums[i]})
		}
	}
	f.cut()
	return nil
}

// cut sorts the hits and keeps the k nearest.
func (f *fusion) cut() {
	slices.SortFunc(f.Hits, func(a, b Hit) int {
		return cmp.Or(cmp.Compare(a.Distance, b.Distance), bytes.Compare(a.Key, b.Key))
	})
	f.Hits = f.Hits[:min(f.k, len(f.Hits))]
}

// finish gives the hits what was asked for.
func (f *fusion) finish() error {
	f.cut()
	if most := f.o.MaxDistance; most != nil {
		f.Hits = slices.DeleteFunc(f.Hits, func(h Hit) bool { return h.Distance > *most })
	}
	if !f.o.WithValues && !f.o.WithVectors {
		return nil
	}
	for i := range f.Hits {
		h := &f.Hits[i]
		for _, p := range f.parts {
			item, err := p.Get(h.Key)
			if errors.Is(err, kv.ErrNotFound) {
				continue
			}
			if err != nil {
				return err
			}
			if f.o.WithValues {
				h.Value = item.Value
			}
			if f.o.WithVectors {
				h.Vector, h.Bits = item.Vector, item.Bits
			}
			break
		}
	}
	return nil
}
