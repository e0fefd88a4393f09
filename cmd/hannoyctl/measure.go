package main

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"sync/atomic"
	"time"

	"github.com/hannoydb/hannoy"
	"golang.org/x/sync/errgroup"
)

// A search is one way to ask for the neighbours of many queries.
type search struct {
	k, ef, threads count
	exact          bool
	values         bool
	vectors        bool
	filter         *hannoy.Filter // nil: every item
	within         *float32       // the farthest that counts; nil: any
	groupBy        string
	perGroup       int
}

func (f search) options() *hannoy.SearchOptions {
	return &hannoy.SearchOptions{
		Ef: int(f.ef), Exact: f.exact, Filter: f.filter, MaxDistance: f.within, GroupBy: f.groupBy, PerGroup: f.perGroup,
		WithValues: f.values, WithVectors: f.vectors,
	}
}

// figures are what all queries together have cost, and how much of the truth they have found.
type figures struct {
	Ef                int      `json:"ef"`
	Threads           int      `json:"threads"`
	Recall            *float64 `json:"recall,omitempty"` // with a truth
	RecallByID        *float64 `json:"recall_by_id,omitempty"`
	QPS               float64  `json:"qps"`
	QPSCPU            float64  `json:"qps_cpu"` // queries per second of processor time
	P50Micros         float64  `json:"p50_us"`
	P99Micros         float64  `json:"p99_us"`
	DistancesPerQuery float64  `json:"distances_per_query"`
	HopsPerQuery      float64  `json:"hops_per_query"`
	PendingPerQuery   float64  `json:"pending_per_query"`

	stats []hannoy.SearchStats // of each query
}

// first is how long one query takes that comes alone, as in a program that has just opened the index.
func (f search) first(ctx context.Context, s *hannoy.Snapshot, query point) (time.Duration, error) {
	start := time.Now()
	_, err := query.search(ctx, s, int(f.k), f.options())
	return time.Since(start), err
}

// measure runs all queries on the threads: what they find, and what that costs.
func (f search) measure(ctx context.Context, s *hannoy.Snapshot, queries []point) ([][]hannoy.Hit, figures, error) {
	n := len(queries)
	hits, took, stats := make([][]hannoy.Hit, n), make([]time.Duration, n), make([]hannoy.SearchStats, n)
	var next atomic.Int64
	start, cpu := time.Now(), cpuTime()
	err := onThreads(ctx, int(f.threads), func(ctx context.Context) (err error) {
		opts := f.options()
		for q := int(next.Add(1)) - 1; q < n; q = int(next.Add(1)) - 1 {
			opts.Stats = &stats[q]
			began := time.Now()
			if hits[q], err = queries[q].search(ctx, s, int(f.k), opts); err != nil {
				return fmt.Errorf("query %s: %w", thousands(q), err)
			}
			took[q] = time.Since(began)
		}
		return nil
	})
	if err != nil {
		return nil, figures{}, err
	}
	wall, used := time.Since(start), cpuTime()-cpu
	slices.SortFunc(took, cmp.Compare)
	var sum hannoy.SearchStats
	for _, st := range stats {
		sum.Hops, sum.Distances, sum.Pending = sum.Hops+st.Hops, sum.Distances+st.Distances, sum.Pending+st.Pending
	}
	each := func(total int) float64 { return rounded(float64(total)/float64(n), 1) }
	return hits, figures{
		Ef: int(f.ef), Threads: int(f.threads),
		QPS:       rounded(float64(n)/wall.Seconds(), 1),
		QPSCPU:    rounded(float64(n)/max(used, time.Microsecond).Seconds(), 1),
		P50Micros: micros(took[n/2]), P99Micros: micros(took[n*99/100]),
		DistancesPerQuery: each(sum.Distances), HopsPerQuery: each(sum.Hops), PendingPerQuery: each(sum.Pending),
		stats: stats,
	}, nil
}

// onThreads calls work on each of some threads until one fails.
func onThreads(ctx context.Context, threads int, work func(ctx context.Context) error) error {
	group, ctx := errgroup.WithContext(ctx)
	for range threads {
		group.Go(func() error { return work(ctx) })
	}
	return group.Wait()
}

// inParallel calls work for 0 to n-1 on some threads until one fails or the context ends.
func inParallel(ctx context.Context, threads, n int, work func(i int) error, progress func(done int64)) error {
	var next, done atomic.Int64
	err := onThreads(ctx, threads, func(ctx context.Context) error {
		for i := int(next.Add(1)) - 1; i < n && ctx.Err() == nil; i = int(next.Add(1)) - 1 {
			if err := work(i); err != nil {
				return err
			}
			progress(done.Add(1))
		}
		return nil
	})
	return cmp.Or(err, ctx.Err())
}

// scan compares every query with every item: the exact k nearest of each.
func scan(ctx context.Context, s *hannoy.Snapshot, queries []point, k, threads int, bar *bar) ([][]hannoy.Hit, error) {
	defer bar.clear()
	exact := make([][]hannoy.Hit, len(queries))
	err := inParallel(ctx, threads, len(queries), func(q int) (err error) {
		exact[q], err = queries[q].search(ctx, s, k, &hannoy.SearchOptions{Ef: k, Exact: true})
		return err
	}, func(done int64) { bar.set("comparing", done, int64(len(queries)), -1) })
	return exact, err
}

// A curve is the same queries by several searches.
type curve struct {
	searches []search
	rounds   int
	truth    *truth
}

// measure takes the searches in turn, round by round, so that what else the machine does meets all of them alike.
// Each figure is the median of its rounds. One run goes before them unmeasured: it finds the pages that the others need.
func (c curve) measure(ctx context.Context, s *hannoy.Snapshot, queries []point, bar *bar) ([]figures, error) {
	defer bar.clear()
	if _, _, err := c.searches[len(c.searches)-1].measure(ctx, s, queries); err != nil {
		return nil, err
	}
	runs := make([][]figures, len(c.searches))
	for round := range c.rounds {
		for i, search := range c.searches {
			bar.set("measuring", int64(round*len(c.searches)+i), int64(c.rounds*len(c.searches)), -1)
			hits, run, err := search.measure(ctx, s, queries)
			if err != nil {
				return nil, err
			}
			c.truth.score(hits, &run)
			runs[i] = append(runs[i], run)
		}
	}
	points := make([]figures, len(runs))
	for i, run := range runs {
		points[i] = median(run)
	}
	return points, nil
}

// median is the median of each figure that time decides; the others are equal.
func median(runs []figures) figures {
	m := runs[0]
	for _, figure := range []func(*figures) *float64{
		func(f *figures) *float64 { return &f.QPS }, func(f *figures) *float64 { return &f.QPSCPU },
		func(f *figures) *float64 { return &f.P50Micros }, func(f *figures) *float64 { return &f.P99Micros },
	} {
		slices.SortFunc(runs, func(a, b figures) int { return cmp.Compare(*figure(&a), *figure(&b)) })
		*figure(&m) = *figure(&runs[len(runs)/2])
	}
	return m
}
