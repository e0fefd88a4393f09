package hannoy

import (
	"context"
	"iter"

	"github.com/hannoydb/hannoy/kv/lease"
	"github.com/hannoydb/hannoy/reader"
)

// Snapshot is one commit of an index, as View hands it out. It may be used by
// several goroutines until View returns; its methods then fail with ErrClosed.
type Snapshot struct {
	index  *Index
	reader *reader.Reader
	lease  *lease.Lease // nil only in Index.last, which is not handed out
}

// under is the snapshot as long as the lease goes on.
func (s *Snapshot) under(l *lease.Lease) *Snapshot { return &Snapshot{s.index, s.reader, l} }

// Item is what is stored under a Key: its Vector, or Bits under Hamming, and the Value and
// the sorted Labels, nil if it has none. Its slices are the caller's.
type Item = reader.Item

// Stats are the figures of an index, as `hannoyctl stats` prints them.
//
//   - Items, and of these Pending ones, which no build has linked; slots that are Dead or Free.
//   - What was chosen: Dimensions, Metric, VectorType, Codes, Keys ("bytes" or "ids"), Graph
//     (whether there is one), M, M0, EfConstruction, Ef (0: not set), Alpha, Seed.
//   - Sequence, the batches committed, and GraphSequence, those that the graph covers.
//   - Levels: of each, from 0 up, Slots, Links, MeanDegree, MaxDegree, and Degrees: how many slots have so many links.
//     EntryPoints are the slots where searches begin.
//   - Bytes: of the File, its Data, what is Free and what readers keep Held; of this index those of Vectors, Codes, Links,
//     Keys, Values, Sets, Labels and Meta.
//   - Readers, the slots in use of MaxReaders; and Held, the snapshots of old commits, the oldest first: PID, Commits and
//     Seconds since, and the Bytes that cannot be used again because of it.
type Stats = reader.IndexStats

// Get returns the item with the key, or an error that wraps ErrNotFound.
func (s *Snapshot) Get(key []byte) (Item, error) {
	if err := s.index.checkKey(key); err != nil {
		return Item{}, err
	}
	if err := s.lease.Enter(); err != nil {
		return Item{}, err
	}
	defer s.lease.Leave()
	return s.reader.Get(key)
}

// Has reports whether there is an item with the key.
func (s *Snapshot) Has(key []byte) (bool, error) {
	if err := s.index.checkKey(key); err != nil {
		return false, err
	}
	if err := s.lease.Enter(); err != nil {
		return false, err
	}
	defer s.lease.Leave()
	return s.reader.Has(key)
}

// Len is the number of items.
func (s *Snapshot) Len() int { return s.reader.Index().Meta.Len() }

// Sequence is the number of batches committed to the index so far.
func (s *Snapshot) Sequence() uint64 { return s.reader.Index().Meta.Sequence }

// Items ranges over all items, in no order that means anything.
func (s *Snapshot) Items() iter.Seq2[Item, error] { return s.Matching(context.Background(), nil) }

// Matching ranges over the items that the filter admits, nil for every item, in no order that
// means anything. With FilterLabel they are, say, the chunks of one document, whose keys
// [Batch.Delete] then takes. An error, such as that of ctx, ends the range.
func (s *Snapshot) Matching(ctx context.Context, f *Filter) iter.Seq2[Item, error] {
	return lease.Lend(s.lease, func(yield func(Item, error) bool) {
		matches, err := s.matches(ctx, f)
		if err != nil {
			yield(Item{}, err)
			return
		}
		s.reader.Items(ctx, matches, yield)
	})
}

// Stats returns the figures of the index. It reads every record's size.
func (s *Snapshot) Stats() (*Stats, error) {
	if err := s.lease.Enter(); err != nil {
		return nil, err
	}
	defer s.lease.Leave()
	return s.reader.Stats()
}
