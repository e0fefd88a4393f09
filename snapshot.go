package hannoy

import (
	"context"
	"fmt"
	"iter"

	"github.com/hannoydb/hannoy/reader"
)

// Snapshot is one commit of an index, as View hands it out. It may be used by
// several goroutines and ends with View.
type Snapshot struct {
	index  *Index
	reader *reader.Reader
}

// Hit is an item that a search found. Its slices are the caller's.
type Hit = reader.Hit

// Item is what is stored under a key. Its slices are the caller's.
type Item = reader.Item

// Stats are the figures of an index; the JSON names are those of `hannoyctl stats`.
type Stats = reader.IndexStats

// Search returns the k items nearest to the query, nearest first and then by key:
// all items when there are fewer than k.
//
// The error wraps ErrInvalid for a query that could not be stored either, for k below
// 1 and for Ef below k.
func (s *Snapshot) Search(ctx context.Context, query []float32, k int, opts *SearchOptions) ([]Hit, error) {
	if err := s.index.checkVector(query); err != nil {
		return nil, fmt.Errorf("search: %w", err)
	}
	return s.search(ctx, s.index.kernel.AppendRow(nil, query), k, opts)
}

// SearchBits is Search for an index with the metric Hamming.
func (s *Snapshot) SearchBits(ctx context.Context, query []byte, k int, opts *SearchOptions) ([]Hit, error) {
	if err := s.index.checkBits(query); err != nil {
		return nil, fmt.Errorf("search: %w", err)
	}
	return s.search(ctx, s.index.kernel.AppendBitsRow(nil, query), k, opts)
}

func (s *Snapshot) search(ctx context.Context, row []byte, k int, opts *SearchOptions) ([]Hit, error) {
	if opts == nil {
		opts = &SearchOptions{}
	}
	ef := opts.Ef
	if ef == 0 {
		ef = max(defaultEf, k)
	}
	switch {
	case k < 1 || k > maxK:
		return nil, fmt.Errorf("search: %w: k is %d, it must be from 1 to %d", ErrInvalid, k, maxK)
	case ef < k || ef > maxEf:
		return nil, fmt.Errorf("search: %w: ef is %d, it must be from k = %d to %d", ErrInvalid, ef, k, maxEf)
	}
	matches, err := s.matches(ctx, opts.Filter)
	if err != nil {
		return nil, fmt.Errorf("search: %w", err)
	}
	hits, stats, err := s.reader.Search(ctx, row, k, reader.Options{Ef: ef, Filter: matches, Exact: opts.Exact, WithValues: opts.WithValues})
	if opts.Stats != nil {
		*opts.Stats = stats
	}
	return hits, err
}

// Get returns the item with the key, or an error that wraps ErrNotFound.
func (s *Snapshot) Get(key []byte) (Item, error) {
	if err := s.index.checkKey(key); err != nil {
		return Item{}, err
	}
	return s.reader.Get(key)
}

// Has reports whether there is an item with the key.
func (s *Snapshot) Has(key []byte) (bool, error) {
	if err := s.index.checkKey(key); err != nil {
		return false, err
	}
	return s.reader.Has(key)
}

// Len is the number of items.
func (s *Snapshot) Len() int { return s.reader.Index().Meta.Len() }

// Sequence is the number of batches committed to the index so far.
func (s *Snapshot) Sequence() uint64 { return s.reader.Index().Meta.Sequence }

// Items ranges over all items, in no order that means anything.
func (s *Snapshot) Items() iter.Seq2[Item, error] { return s.reader.Items }

// Stats returns the figures of the index. It reads every record's size.
func (s *Snapshot) Stats() (*Stats, error) { return s.reader.Stats() }
