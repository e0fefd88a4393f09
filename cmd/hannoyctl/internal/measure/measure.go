// Package measure finds out what queries find and what they cost: recall against an exact scan, speed, the curve of both, and
// the resources that a process takes. It asks as any program does that uses the library.
package measure

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/hannoydb/hannoy"
	"github.com/hannoydb/hannoy/cmd/hannoyctl/internal/terminal"
)

// A Search is one way to ask for the neighbours of many queries.
type Search struct {
	K, Ef, Threads terminal.Count
	Exact          bool
	Values         bool
	Vectors        bool
	Filter         *hannoy.Filter // nil: every item
	Within         *float32       // the farthest that counts; nil: any
	GroupBy        string
	PerGroup       int
}

// Options are those of the library that ask so.
func (f Search) Options() *hannoy.SearchOptions {
	return &hannoy.SearchOptions{
		Ef: int(f.Ef), Exact: f.Exact, Filter: f.Filter, MaxDistance: f.Within, GroupBy: f.GroupBy, PerGroup: f.PerGroup,
		WithValues: f.Values, WithVectors: f.Vectors,
	}
}

// Figures are what all queries together have cost, and how much of the truth they have found.
type Figures struct {
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

	Stats []hannoy.SearchStats `json:"-"` // of each query
}

// First is how long one query takes that comes alone, as in a program that has just opened the index.
func (f Search) First(ctx context.Context, s *hannoy.Snapshot, query Point) (time.Duration, error) {
	start := time.Now()
	_, err := query.Search(ctx, s, int(f.K), f.Options())
	return time.Since(start), err
}

// Measure runs all queries on the threads: what they find, and what that costs.
func (f Search) Measure(ctx context.Context, s *hannoy.Snapshot, queries []Point) ([][]hannoy.Hit, Figures, error) {
	n := len(queries)
	hits, took, stats := make([][]hannoy.Hit, n), make([]time.Duration, n), make([]hannoy.SearchStats, n)
	var next atomic.Int64
	start, cpu := time.Now(), CPUTime()
	err := onThreads(ctx, int(f.Threads), func(ctx context.Context) (err error) {
		opts := f.Options()
		for q := int(next.Add(1)) - 1; q < n; q = int(next.Add(1)) - 1 {
			opts.Stats = &stats[q]
			began := time.Now()
			if hits[q], err = queries[q].Search(ctx, s, int(f.K), opts); err != nil {
				return fmt.Errorf("query %s: %w", terminal.Thousands(q), err)
			}
			took[q] = time.Since(began)
		}
		return nil
	})
	if err != nil {
		return nil, Figures{}, err
	}
	wall, used := time.Since(start), CPUTime()-cpu
	slices.SortFunc(took, cmp.Compare)
	var sum hannoy.SearchStats
	for _, st := range stats {
		sum.Hops, sum.Distances, sum.Pending = sum.Hops+st.Hops, sum.Distances+st.Distances, sum.Pending+st.Pending
	}
	each := func(total int) float64 { return terminal.Rounded(float64(total)/float64(n), 1) }
	return hits, Figures{
		Ef: int(f.Ef), Threads: int(f.Threads),
		QPS:       terminal.Rounded(float64(n)/wall.Seconds(), 1),
		QPSCPU:    terminal.Rounded(float64(n)/max(used, time.Microsecond).Seconds(), 1),
		P50Micros: terminal.Micros(took[n/2]), P99Micros: terminal.Micros(took[n*99/100]),
		DistancesPerQuery: each(sum.Distances), HopsPerQuery: each(sum.Hops), PendingPerQuery: each(sum.Pending),
		Stats: stats,
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

// InParallel calls work for 0 to n-1 on some threads until one fails or the context ends.
func InParallel(ctx context.Context, threads, n int, work func(i int) error, progress func(done int64)) error {
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

// Scan compares every query with every item: the exact k nearest of each.
func Scan(ctx context.Context, s *hannoy.Snapshot, queries []Point, k, threads int, bar *terminal.Bar) ([][]hannoy.Hit, error) {
	defer bar.Clear()
	exact := make([][]hannoy.Hit, len(queries))
	err := InParallel(ctx, threads, len(queries), func(q int) (err error) {
		exact[q], err = queries[q].Search(ctx, s, k, &hannoy.SearchOptions{Ef: k, Exact: true})
		return err
	}, func(done int64) { bar.Set("comparing", done, int64(len(queries)), -1) })
	return exact, err
}

// A Curve is the same queries by several searches.
type Curve struct {
	Searches []Search
	Rounds   int
	Truth    *Truth
}

// Measure takes the searches in turn, round by round, so that what else the machine does meets all of them alike.
// Each figure is the median of its rounds. One run goes before them unmeasured: it finds the pages that the others need.
func (c Curve) Measure(ctx context.Context, s *hannoy.Snapshot, queries []Point, bar *terminal.Bar) ([]Figures, error) {
	defer bar.Clear()
	if _, _, err := c.Searches[len(c.Searches)-1].Measure(ctx, s, queries); err != nil {
		return nil, err
	}
	runs := make([][]Figures, len(c.Searches))
	for round := range c.Rounds {
		for i, search := range c.Searches {
			bar.Set("measuring", int64(round*len(c.Searches)+i), int64(c.Rounds*len(c.Searches)), -1)
			hits, run, err := search.Measure(ctx, s, queries)
			if err != nil {
				return nil, err
			}
			c.Truth.Score(hits, &run)
			runs[i] = append(runs[i], run)
		}
	}
	points := make([]Figures, len(runs))
	for i, run := range runs {
		points[i] = median(run)
	}
	return points, nil
}

// median is the median of each figure that time decides; the others are equal.
func median(runs []Figures) Figures {
	m := runs[0]
	for _, figure := range []func(*Figures) *float64{
		func(f *Figures) *float64 { return &f.QPS }, func(f *Figures) *float64 { return &f.QPSCPU },
		func(f *Figures) *float64 { return &f.P50Micros }, func(f *Figures) *float64 { return &f.P99Micros },
	} {
		slices.SortFunc(runs, func(a, b Figures) int { return cmp.Compare(*figure(&a), *figure(&b)) })
		*figure(&m) = *figure(&runs[len(runs)/2])
	}
	return m
}
