package hannoy

import (
	"context"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"

	"golang.org/x/sync/errgroup"
)

// SearchBatch searches for all queries, on as many goroutines as opts.Threads says:
// hits[i] are those of queries[i], as Search returns them. The filter is worked out
// once. Of the stats, Hops, Distances and Pending are sums and the others those of the
// last query. The first error ends all.
func (s *Snapshot) SearchBatch(ctx context.Context, queries []Query, k int, opts *SearchOptions) (hits [][]Hit, err error) {
	if opts == nil {
		opts = &SearchOptions{}
	}
	if opts.Filter != nil {
		prepared, _, err := s.Prepare(ctx, opts.Filter)
		if err != nil {
			return nil, fmt.Errorf("search: %w", err)
		}
		own := *opts
		own.Filter = prepared
		opts = &own
	}
	hits = make([][]Hit, len(queries))
	stats := make([]SearchStats, len(queries))
	var mu sync.Mutex
	done := 0 // guarded by mu
	err = inParallel(ctx, opts.Threads, len(queries), func(ctx context.Context, i int) (err error) {
		each := *opts
		each.Stats = &stats[i]
		if hits[i], err = s.search(ctx, queries[i], k, &each); err != nil {
			return fmt.Errorf("query %d: %w", i, err)
		}
		if opts.Progress != nil {
			mu.Lock()
			defer mu.Unlock()
			done++
			opts.Progress(done, len(queries))
		}
		return nil
	})
	if opts.Stats != nil {
		*opts.Stats = sumOf(stats)
	}
	if err != nil {
		return nil, err
	}
	return hits, nil
}

// SearchBatch searches for all queries in one snapshot; see [Snapshot.SearchBatch].
func (ix *Index) SearchBatch(ctx context.Context, queries []Query, k int, opts *SearchOptions) (hits [][]Hit, err error) {
	err = ix.View(func(s *Snapshot) error {
		hits, err = s.SearchBatch(ctx, queries, k, opts)
		return err
	})
	return hits, err
}

// sumOf is what several searches together did.
func sumOf(all []SearchStats) (sum SearchStats) {
	for _, st := range all {
		st.Hops, st.Distances, st.Pending = st.Hops+sum.Hops, st.Distances+sum.Distances, st.Pending+sum.Pending
		sum = st
	}
	return sum
}

// inParallel calls work for 0 to n-1 on some threads, 0 for one per CPU, until one fails
// or the context is done.
func inParallel(ctx context.Context, threads, n int, work func(ctx context.Context, i int) error) error {
	threads = min(or(threads, runtime.GOMAXPROCS(0)), n)
	var next atomic.Int64
	group, ctx := errgroup.WithContext(ctx)
	for range threads {
		group.Go(func() error {
			for i := int(next.Add(1)) - 1; i < n; i = int(next.Add(1)) - 1 {
				if err := work(ctx, i); err != nil {
					return err
				}
			}
			return nil
		})
	}
	return group.Wait()
}
