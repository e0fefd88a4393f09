package hannoy

import (
	"context"
	"fmt"
	"math"
	"slices"

	"github.com/hannoydb/hannoy/writer"
)

// Recall says how much of what an exact scan finds searches find, and what that costs.
type Recall struct {
	Recall    float64 `json:"recall"`              // share of the k nearest that are found, from 0 to 1
	Margin    float64 `json:"margin"`              // of other such queries, the recall is within so much of it, 19 times in 20
	Ef        int     `json:"ef"`                  // width of the searches
	Queries   int     `json:"queries"`             // that were searched for
	Distances float64 `json:"distances_per_query"` // computed, those to pending items among them
	Hops      float64 `json:"hops_per_query"`      // slots whose links were followed; 0: all queries were compared with every item
}

// recallSample is how many items stand for queries where there are none.
const recallSample = 200

// RecallEstimate searches for the k nearest of each query, compares the answers with
// those of exact scans, and returns the share that the searches found. It takes as long as
// the scans: a second for 200 queries over a million short vectors.
//
// Queries should be such as will be asked. With none, 200 items of the index stand for
// them, each as if it were not in the graph; that is a little harder, so the estimate is
// rather too low than too high. With a filter, give queries that go with it: items from all over
// stand for queries to which matches may be near or far.
func (s *Snapshot) RecallEstimate(ctx context.Context, queries []Query, k int, opts *SearchOptions) (Recall, error) {
	t, err := s.newTrial(ctx, queries, k, opts)
	if err != nil {
		return Recall{}, err
	}
	return t.run(ctx, t.opts.Ef)
}

// TuneEf returns the smallest ef whose searches find that share of the k nearest, from 0 to
// 1, and what RecallEstimate says of it. It does not store it: [Index.SetEf] does. The error
// wraps ErrInvalid if no ef finds as much, and if ef makes no difference since searches do not
// walk: before a build, with a filter that few items match, or where there are no more items than k.
func (s *Snapshot) TuneEf(ctx context.Context, queries []Query, k int, recall float64, opts *SearchOptions) (Recall, error) {
	if !(recall > 0 && recall <= 1) {
		return Recall{}, fmt.Errorf("tune: %w: recall is %v, it must be above 0 and at most 1", ErrInvalid, recall)
	}
	t, err := s.newTrial(ctx, queries, k, opts)
	if err != nil {
		return Recall{}, err
	}
	// Of the widths below too little is found, and at enough.Ef enough.
	below, enough := k-1, Recall{}
	for ef := k; ; ef = min(2*ef, maxEf) {
		if enough, err = t.run(ctx, ef); err != nil {
			return Recall{}, err
		}
		if ef == k && enough.Hops == 0 {
			return enough, fmt.Errorf("tune: %w: no width is better than another: all searches compared with every item that may be returned, and walked nowhere (build first, leave the filter out, or want fewer than there are)", ErrInvalid)
		}
		if enough.Recall >= recall {
			break
		}
		if ef >= min(2*s.Len(), maxEf) {
			return enough, fmt.Errorf("tune: %w: recall %.4f cannot be had, ef %d finds %.4f (build with a larger EfConstruction, or other codes)", ErrInvalid, recall, ef, enough.Recall)
		}
		below = ef
	}
	for below+1 < enough.Ef {
		middle := (below + enough.Ef) / 2
		r, err := t.run(ctx, middle)
		if err != nil {
			return Recall{}, err
		}
		if r.Recall >= recall {
			enough = r
		} else {
			below = middle
		}
	}
	return enough, nil
}

// SetEf stores the width of searches that do not say theirs with the index, for all
// processes; 0 is the default of 100 again.
func (ix *Index) SetEf(ctx context.Context, ef int) error {
	if ef < 0 || ef > maxEf {
		return fmt.Errorf("%w: ef is %d, it must be from 1 to %d", ErrInvalid, ef, maxEf)
	}
	if err := ix.usable(); err != nil {
		return err
	}
	return writer.SetEf(ctx, ix.env, ix.id, ef)
}

// trial holds queries and how far what they should find may be.
type trial struct {
	*Snapshot
	queries []Query
	k       int
	opts    SearchOptions
	limits  []float32 // the distance of the last of the k nearest
	wanted  []int     // how many these are
}

func (s *Snapshot) newTrial(ctx context.Context, queries []Query, k int, opts *SearchOptions) (*trial, error) {
	t := &trial{Snapshot: s, queries: queries, k: k}
	if opts != nil {
		t.opts = *opts
	}
	if len(queries) == 0 {
		if err := s.lease.Enter(); err != nil {
			return nil, fmt.Errorf("recall: %w", err)
		}
		keys, err := s.reader.Sample(recallSample)
		s.lease.Leave()
		if err != nil {
			return nil, err
		}
		t.opts.heldOut = true // an item's own links lead to its neighbours: it would be too easy to find these
		for _, key := range keys {
			t.queries = append(t.queries, Query{Key: key})
		}
	}
	if s.Len() == 0 {
		return nil, fmt.Errorf("recall: %w: index %q is empty", ErrInvalid, s.index.name)
	}
	exact := t.opts
	exact.Exact, exact.Stats = true, nil
	truth, err := s.SearchBatch(ctx, t.queries, k, &exact)
	if err != nil {
		return nil, fmt.Errorf("recall: %w", err)
	}
	if !slices.ContainsFunc(truth, func(hits []Hit) bool { return len(hits) > 0 }) {
		return nil, fmt.Errorf("recall: %w: no query has anything to find: index %q has %d items, and filter or maximal distance leave out all (give others)", ErrInvalid, s.index.name, s.Len())
	}
	for _, hits := range truth {
		limit := float32(math.Inf(-1))
		if len(hits) > 0 {
			limit = hits[len(hits)-1].Distance
		}
		t.limits, t.wanted = append(t.limits, limit), append(t.wanted, len(hits))
	}
	return t, nil
}

// run searches with a width, 0 for the usual.
func (t *trial) run(ctx context.Context, ef int) (Recall, error) {
	var stats SearchStats
	opts := t.opts
	opts.Ef, opts.Stats, opts.Progress = ef, &stats, nil
	found, err := t.SearchBatch(ctx, t.queries, t.k, &opts)
	if err != nil {
		return Recall{}, fmt.Errorf("recall: %w", err)
	}
	var sum, squares float64
	n := float64(len(found))
	for i, hits := range found {
		share := 1.0
		if t.wanted[i] > 0 {
			near := 0
			for _, h := range hits {
				if h.Distance <= t.limits[i] {
					near++
				}
			}
			share = float64(near) / float64(t.wanted[i])
		}
		sum += share
		squares += share * share
	}
	mean := sum / n
	deviation := math.Sqrt(max(squares/n-mean*mean, 0) / n)
	return Recall{
		Recall: rounded(mean, 6), Margin: rounded(1.96*deviation, 6), Ef: or(ef, t.width(t.k)), Queries: len(found),
		Distances: rounded(float64(stats.Distances)/n, 2), Hops: rounded(float64(stats.Hops)/n, 2),
	}, nil
}

// rounded leaves so many decimal places, which is more than such a measurement means.
func rounded(v float64, places int) float64 {
	unit := math.Pow10(places)
	return math.Round(v*unit) / unit
}
