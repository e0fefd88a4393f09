package hannoy

import (
	"context"
	"fmt"
	"iter"
	"runtime/trace"
	"time"

	"github.com/hannoydb/hannoy/kv/lease"
	"github.com/hannoydb/hannoy/reader"
)

// Hit is an item that a search found: its Key and its Distance, smaller being nearer. With
// GroupBy its Group is the label that it was grouped by; with WithValues there is its Value,
// with WithVectors its Vector, or Bits under Hamming. Its slices are the caller's.
type Hit = reader.Hit

// Query is what items are to be near to, one of three: a Vector, Bits, or the item with a
// Key, which is itself left out.
type Query = reader.Query

// Search returns the k items nearest to the query, nearest first and then by key:
// all items when there are fewer than k.
//
// The error wraps ErrInvalid for a query that could not be stored either, for k below
// 1 or above 1,048,576, and for Ef below k.
func (s *Snapshot) Search(ctx context.Context, query []float32, k int, opts *SearchOptions) ([]Hit, error) {
	return s.search(ctx, Query{Vector: query}, k, opts)
}

// SearchBits is Search for an index with the metric Hamming.
func (s *Snapshot) SearchBits(ctx context.Context, query []byte, k int, opts *SearchOptions) ([]Hit, error) {
	if err := s.index.checkBits(s.reader.Kernel(), query); err != nil {
		return nil, fmt.Errorf("search: %w", err)
	}
	return s.search(ctx, Query{Bits: query}, k, opts)
}

// SearchKey returns the k items nearest to the item with the key, which is not among
// them. The error wraps ErrNotFound if there is no such item.
func (s *Snapshot) SearchKey(ctx context.Context, key []byte, k int, opts *SearchOptions) ([]Hit, error) {
	if err := s.index.checkKey(key); err != nil {
		return nil, fmt.Errorf("search: %w", err)
	}
	return s.search(ctx, Query{Key: key}, k, opts)
}

// Nearest ranges over items from the nearest to the query outwards, for as long as one
// likes: page after page without searching again.
//
// The first n items are about those that Search returns for k = n, and cost about as
// much; a larger Ef finds more of the nearest. They come nearest first, but one that is
// found only after others which are farther comes after these: hardly any of the first Ef, and
// a few in a hundred beyond. With Exact none do. An error ends the range. Stats are filled
// in at its end.
func (s *Snapshot) Nearest(ctx context.Context, query Query, opts *SearchOptions) iter.Seq2[Hit, error] {
	return lease.Lend(s.lease, func(yield func(Hit, error) bool) {
		if opts == nil {
			opts = &SearchOptions{}
		}
		o, err := s.prepare(ctx, query, opts)
		if err != nil {
			yield(Hit{}, fmt.Errorf("search: %w", err))
			return
		}
		s.reader.Nearest(ctx, query, o, opts.Stats, yield)
	})
}

func (s *Snapshot) search(ctx context.Context, query Query, k int, opts *SearchOptions) ([]Hit, error) {
	defer trace.StartRegion(ctx, "hannoy search").End()
	if opts == nil {
		opts = &SearchOptions{}
	}
	var start time.Time
	if s.index.slow > 0 {
		start = time.Now()
	}
	if err := s.lease.Enter(); err != nil {
		return nil, fmt.Errorf("search: %w", err)
	}
	defer s.lease.Leave()
	o, err := s.prepareFor(ctx, query, k, opts)
	if err != nil {
		return nil, fmt.Errorf("search: %w", err)
	}
	hits, stats, err := s.reader.Search(ctx, query, k, o)
	if s.index.slow > 0 {
		s.index.logSearch(ctx, start, k, &stats, err)
	}
	if opts.Stats != nil {
		*opts.Stats = stats
	}
	if err != nil {
		return nil, fmt.Errorf("search: %w", err)
	}
	return hits, nil
}

// prepare checks the query and the options, and puts them as the reader wants them.
func (s *Snapshot) prepare(ctx context.Context, query Query, opts *SearchOptions) (o reader.Options, err error) {
	if err := s.checkQuery(query); err != nil {
		return o, err
	}
	if err := opts.check(); err != nil {
		return o, err
	}
	matches, err := s.matches(ctx, opts.Filter)
	return reader.Options{
		Ef: or(opts.Ef, s.width(1)), Filter: matches, Exact: opts.Exact, MaxDistance: opts.MaxDistance,
		HeldOut: opts.heldOut, GroupBy: opts.GroupBy, PerGroup: or(opts.PerGroup, 1),
		WithValues: opts.WithValues, WithVectors: opts.WithVectors,
	}, err
}

// prepareFor is prepare for a search for k items. Where no width is given, it makes it wide enough.
func (s *Snapshot) prepareFor(ctx context.Context, query Query, k int, opts *SearchOptions) (o reader.Options, err error) {
	wide := opts.MaxDistance != nil || opts.GroupBy != "" // finds as many as there are
	switch {
	case k < 1 || k > maxK:
		return o, fmt.Errorf("%w: k is %d, it must be from 1 to %d", ErrInvalid, k, maxK)
	case opts.Ef > 0 && opts.Ef < k && !wide:
		return o, fmt.Errorf("%w: ef is %d, it must be from k = %d to %d", ErrInvalid, opts.Ef, k, maxEf)
	}
	if o, err = s.prepare(ctx, query, opts); opts.Ef == 0 && !wide {
		o.Ef = max(o.Ef, k)
	}
	return o, err
}

// Ef is the width that SetEf has stored, 0 if it has not.
func (s *Snapshot) Ef() int { return int(s.reader.Index().Meta.Ef) }

// width is the beam width of searches for k items that do not say theirs.
func (s *Snapshot) width(k int) int {
	return max(or(s.Ef(), DefaultEf), k)
}

func (s *Snapshot) checkQuery(q Query) error {
	ix, kernel := s.index, s.reader.Kernel()
	switch {
	case q.Key != nil && q.Bits == nil && q.Vector == nil:
		return ix.checkKey(q.Key)
	case q.Bits != nil && q.Key == nil && q.Vector == nil:
		return ix.checkBits(kernel, q.Bits)
	case q.Bits != nil || q.Key != nil:
		return fmt.Errorf("%w: the query has more than one of vector, bits and key", ErrInvalid)
	}
	return ix.checkVector(kernel, q.Vector)
}

// Search returns the k items nearest to the query, nearest first: all items when
// there are fewer. It covers all committed items, built or not. The error wraps ErrInvalid
// for a query that could not be stored either, for k below 1 and for Ef below k.
func (ix *Index) Search(ctx context.Context, query []float32, k int, opts *SearchOptions) (hits []Hit, err error) {
	err = ix.View(func(s *Snapshot) error {
		hits, err = s.Search(ctx, query, k, opts)
		return err
	})
	return hits, err
}

// SearchBits is Search for an index with the metric Hamming.
func (ix *Index) SearchBits(ctx context.Context, query []byte, k int, opts *SearchOptions) (hits []Hit, err error) {
	err = ix.View(func(s *Snapshot) error {
		hits, err = s.SearchBits(ctx, query, k, opts)
		return err
	})
	return hits, err
}

// SearchKey returns the k items nearest to the item with the key, without that item.
func (ix *Index) SearchKey(ctx context.Context, key []byte, k int, opts *SearchOptions) (hits []Hit, err error) {
	err = ix.View(func(s *Snapshot) error {
		hits, err = s.SearchKey(ctx, key, k, opts)
		return err
	})
	return hits, err
}

// Nearest ranges over items from the nearest to the query outwards; see
// [Snapshot.Nearest]. It holds a snapshot while the range goes on, as View does.
func (ix *Index) Nearest(ctx context.Context, query Query, opts *SearchOptions) iter.Seq2[Hit, error] {
	return func(yield func(Hit, error) bool) {
		err := ix.View(func(s *Snapshot) error {
			s.Nearest(ctx, query, opts)(yield)
			return nil
		})
		if err != nil {
			yield(Hit{}, err)
		}
	}
}
