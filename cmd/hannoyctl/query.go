package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/spf13/cobra"

	"github.com/hannoydb/hannoy"
	"github.com/hannoydb/hannoy/internal/vecfile"
)

const queryHelp = `Query finds the nearest keys of each vector of a file, of one vector, or of an item that is stored.

With --input it measures: queries per second, latencies, and what a query costs. With --truth (ivecs or ibin: the row
numbers of the exact neighbours, as hannoyctl truth writes them) it measures recall, by distance as ann-benchmarks does
(a hit counts when it is no farther than the true k-th neighbour, and 0.1 %) and by identity of keys.
qps_cpu is queries per second of processor time: the figure to compare on a busy machine.

--hits prints the neighbours; --out writes them, as ibin or ivecs when keys are row numbers, or as jsonl.`

const queryExample = `  hannoyctl query photos --input query.fbin -k 10 --ef 64 --truth gt.ibin
  hannoyctl query photos --input query.fbin -k 5 --hits --json
  hannoyctl query photos --vector 0.1,0.2,0.3
  hannoyctl query photos --key 17 -k 5`

type queryFlags struct {
	location
	input
	vector  string
	bits    string
	key     string
	k       int
	ef      int
	threads int
	truth   string
	keys    string
	out     string
	hits    bool
	exact   bool
	values  bool
}

func newQuery() *cobra.Command {
	f := &queryFlags{}
	cmd := &cobra.Command{
		Use: "query DB --input FILE", Short: "find nearest neighbours, and measure recall and speed",
		Long: queryHelp, Example: queryExample, Args: oneDB,
		RunE: func(cmd *cobra.Command, args []string) error {
			f.dir = args[0]
			return f.run(cmd)
		},
	}
	f.location.addTo(cmd)
	f.input.addTo(cmd, "input", "file of queries")
	flags := cmd.Flags()
	flags.StringVar(&f.vector, "vector", "", "query with one vector: 0.1,0.2,0.3")
	flags.StringVar(&f.bits, "bits", "", "query with these bits, under hamming: base64, or hexadecimal after 0x")
	flags.StringVar(&f.key, "key", "", "query with the vector of this item, which is left out of its own neighbours")
	flags.IntVarP(&f.k, "k", "k", 10, "neighbours of each query")
	flags.IntVar(&f.ef, "ef", 64, "width of the search, at least k: wider finds more and takes longer")
	flags.IntVar(&f.threads, "threads", 1, "threads that query")
	flags.StringVar(&f.truth, "truth", "", "exact neighbours (ivecs, ibin): measure recall")
	flags.StringVar(&f.keys, "keys", "", "file of keys, one a line, that the truth's row numbers stand for")
	flags.StringVar(&f.out, "out", "", "write the neighbours to this file")
	flags.BoolVar(&f.hits, "hits", false, "print the neighbours")
	flags.BoolVar(&f.values, "values", false, "print the neighbours' values too")
	flags.BoolVar(&f.exact, "exact", false, "compare with every item instead of searching the graph")
	return cmd
}

// queryResult is what query --json prints.
type queryResult struct {
	Queries           int         `json:"queries"`
	K                 int         `json:"k"`
	Ef                int         `json:"ef"`
	Threads           int         `json:"threads"`
	Recall            *float64    `json:"recall,omitempty"` // with a truth
	RecallByID        *float64    `json:"recall_by_id,omitempty"`
	QPS               float64     `json:"qps"`
	QPSCPU            float64     `json:"qps_cpu"`
	P50Micros         float64     `json:"p50_us"`
	P99Micros         float64     `json:"p99_us"`
	OpenMillis        float64     `json:"open_ms"`
	FirstQueryMillis  float64     `json:"first_query_ms"`
	DistancesPerQuery float64     `json:"distances_per_query"`
	HopsPerQuery      float64     `json:"hops_per_query"`
	PendingPerQuery   float64     `json:"pending_per_query"`
	Results           []queryHits `json:"results,omitempty"`
}

type queryHits struct {
	Query int       `json:"query"`
	Hits  []jsonHit `json:"hits"`
}

type jsonHit struct {
	jsonKey
	Distance float32 `json:"distance"`
	jsonValue
}

func (f *queryFlags) check(cmd *cobra.Command) error {
	sources := 0
	for _, s := range []string{f.file, f.vector, f.bits, f.key} {
		if s != "" {
			sources++
		}
	}
	switch {
	case sources != 1:
		return usageOf(cmd, errors.New("query needs one of --input, --vector, --bits and --key"))
	case f.k < 1:
		return usageOf(cmd, fmt.Errorf("-k %d: there must be at least 1 neighbour to find", f.k))
	case f.threads < 1:
		return usageOf(cmd, fmt.Errorf("--threads %d: there must be at least 1", f.threads))
	case cmd.Flags().Changed("ef") && f.ef < f.k:
		return usageOf(cmd, fmt.Errorf("--ef %d is less than -k %d: the search must be at least as wide as what it returns", f.ef, f.k))
	case f.truth != "" && f.file == "":
		return usageOf(cmd, errors.New("--truth needs --input"))
	}
	f.ef, f.hits = max(f.ef, f.k), f.hits || f.values
	return nil
}

func (f *queryFlags) run(cmd *cobra.Command) error {
	if err := f.check(cmd); err != nil {
		return err
	}
	start := time.Now()
	ix, err := f.openIndex(true)
	if err != nil {
		return err
	}
	defer ix.Close()
	style, err := styleOf(ix)
	if err != nil {
		return err
	}
	// The first snapshot is taken by now: what it cost belongs to opening.
	result := queryResult{K: f.k, Ef: f.ef, Threads: f.threads, OpenMillis: millis(time.Since(start))}
	if f.key != "" {
		return f.byKey(cmd, ix, style, &result)
	}
	queries, err := f.load(cmd, ix)
	if err != nil {
		return err
	}
	result.Queries = len(queries)
	if len(queries) == 0 {
		return fmt.Errorf("%s holds no queries", f.file)
	}
	return ix.View(func(s *hannoy.Snapshot) error {
		if err := f.warn(cmd, s); err != nil {
			return err
		}
		run, err := f.measure(cmd.Context(), s, queries, &result)
		if err != nil {
			return err
		}
		if err := f.score(s, ix.Metric(), style, queries, run.hits, &result); err != nil {
			return err
		}
		return f.show(cmd, style, run.hits, &result)
	})
}

// load reads the queries before any clock runs.
func (f *queryFlags) load(cmd *cobra.Command, ix *hannoy.Index) ([]point, error) {
	hamming, wanted := ix.Metric() == hannoy.Hamming, "--vector"
	if hamming {
		wanted = "--bits"
	}
	switch {
	case f.vector != "" && hamming || f.bits != "" && !hamming:
		return nil, usageOf(cmd, fmt.Errorf("the metric of this index is %s: query with %s", ix.Metric(), wanted))
	case f.vector != "":
		vector, err := parseVector(f.vector)
		return []point{{vector: vector}}, err
	case f.bits != "":
		bits, err := vecfile.ParseBits(f.bits)
		if err != nil {
			return nil, usageOf(cmd, fmt.Errorf("--bits: %w", err))
		}
		return []point{{bits: bits}}, nil
	}
	r, err := f.openRows(cmd, vecfile.Options{Bits: hamming}, "")
	if err != nil {
		return nil, err
	}
	defer r.Close()
	if got, want := r.Dimensions(), ix.Dimensions(); got != 0 && got != want {
		return nil, withHint(fmt.Errorf("queries of %s have %s dimensions, index %q of %s has %s", f.file, thousands(got), f.index, f.dir, thousands(want)),
			"queries must come from where the vectors of the index came from")
	}
	return readPoints(cmd.Context(), r)
}

// warn refuses an empty index, where there is nothing to find, and tells when there is less than was asked for.
func (f *queryFlags) warn(cmd *cobra.Command, s *hannoy.Snapshot) error {
	n := s.Len()
	if n == 0 {
		return withHint(fmt.Errorf("index %q of %s is empty", f.index, f.dir), fmt.Sprintf("hannoyctl build %s --input FILE fills it", f.dir))
	}
	if f.k > n {
		fmt.Fprintf(cmd.ErrOrStderr(), "hannoyctl: warning: -k is %s, the index has only %s\n", thousands(f.k), plural(n, "item"))
	}
	return nil
}

// byKey queries with the vector of a stored item.
func (f *queryFlags) byKey(cmd *cobra.Command, ix *hannoy.Index, style keyStyle, result *queryResult) error {
	key, err := style.parse([]byte(f.key))
	if err != nil {
		return err
	}
	return ix.View(func(s *hannoy.Snapshot) error {
		item, err := s.Get(key)
		if err != nil {
			return err
		}
		result.Queries = 1
		f.k, f.ef = f.k+1, f.ef+1 // it finds itself
		run, err := f.measure(cmd.Context(), s, []point{{item.Vector, item.Bits}}, result)
		if err != nil {
			return err
		}
		hits := slices.DeleteFunc(run.hits[0], func(h hannoy.Hit) bool { return string(h.Key) == string(key) })
		return f.show(cmd, style, [][]hannoy.Hit{hits[:min(len(hits), result.K)]}, result)
	})
}

// A queryRun is what the threads have found and how long each query took.
type queryRun struct {
	hits    [][]hannoy.Hit
	took    []time.Duration
	next    atomic.Int64
	stats   []hannoy.SearchStats // one a thread, summed
	failure error
	once    sync.Once
}

// measure runs the first query alone, as a program does that has just opened the index, and then all of them.
func (f *queryFlags) measure(ctx context.Context, s *hannoy.Snapshot, queries []point, result *queryResult) (*queryRun, error) {
	first := time.Now()
	if _, err := queries[0].search(ctx, s, f.k, &hannoy.SearchOptions{Ef: f.ef, Exact: f.exact}); err != nil {
		return nil, err
	}
	result.FirstQueryMillis = millis(time.Since(first))
	n := len(queries)
	run := &queryRun{hits: make([][]hannoy.Hit, n), took: make([]time.Duration, n), stats: make([]hannoy.SearchStats, f.threads)}
	var threads sync.WaitGroup
	start, cpu := time.Now(), cpuTime()
	for t := range f.threads {
		threads.Go(func() { run.thread(ctx, s, queries, f, &run.stats[t]) })
	}
	threads.Wait()
	wall, used := time.Since(start), cpuTime()-cpu
	if run.failure != nil {
		return nil, run.failure
	}
	slices.SortFunc(run.took, cmp.Compare)
	result.QPS = rounded(float64(n)/wall.Seconds(), 1)
	result.QPSCPU = rounded(float64(n)/max(used, time.Microsecond).Seconds(), 1)
	result.P50Micros, result.P99Micros = micros(run.took[n/2]), micros(run.took[n*99/100])
	for _, st := range run.stats {
		result.DistancesPerQuery += float64(st.Distances) / float64(n)
		result.HopsPerQuery += float64(st.Hops) / float64(n)
		result.PendingPerQuery += float64(st.Pending) / float64(n)
	}
	result.DistancesPerQuery, result.HopsPerQuery = rounded(result.DistancesPerQuery, 1), rounded(result.HopsPerQuery, 1)
	result.PendingPerQuery = rounded(result.PendingPerQuery, 1)
	return run, nil
}

func (r *queryRun) thread(ctx context.Context, s *hannoy.Snapshot, queries []point, f *queryFlags, sum *hannoy.SearchStats) {
	var stats hannoy.SearchStats
	opts := &hannoy.SearchOptions{Ef: f.ef, Exact: f.exact, WithValues: f.values, Stats: &stats}
	for {
		q := int(r.next.Add(1)) - 1
		if q >= len(queries) {
			return
		}
		start := time.Now()
		hits, err := queries[q].search(ctx, s, f.k, opts)
		r.took[q] = time.Since(start)
		if err != nil {
			r.once.Do(func() { r.failure = fmt.Errorf("query %s: %w", thousands(q), err) })
			r.next.Store(int64(len(queries)))
			return
		}
		r.hits[q] = hits
		sum.Hops += stats.Hops
		sum.Distances += stats.Distances
		sum.Pending += stats.Pending
	}
}

// score fills in the recall, if there is a truth.
func (f *queryFlags) score(s *hannoy.Snapshot, metric hannoy.Metric, style keyStyle, queries []point, found [][]hannoy.Hit, result *queryResult) error {
	if f.truth == "" {
		return nil
	}
	t, err := readTruth(f.truth, len(queries), f.k)
	if err != nil {
		return err
	}
	keys, err := readRowKeys(style, f.keys)
	if err != nil {
		return err
	}
	byDistance, byID, err := t.recall(s, metric, keys, queries, found, f.k)
	byDistance, byID = rounded(byDistance, 6), rounded(byID, 6)
	result.Recall, result.RecallByID = &byDistance, &byID
	return err
}

// show prints the figures, the neighbours, or both, and writes the neighbours to a file.
func (f *queryFlags) show(cmd *cobra.Command, style keyStyle, found [][]hannoy.Hit, result *queryResult) error {
	if f.out != "" {
		if err := f.write(style, found); err != nil {
			return err
		}
	}
	single := f.file == ""
	out := cmd.OutOrStdout()
	if wantsJSON(cmd) {
		if (f.hits || single) && f.out == "" {
			for q, hits := range found {
				result.Results = append(result.Results, queryHits{q, jsonHits(style, hits)})
			}
		}
		return printJSON(out, result)
	}
	if f.hits || single {
		printHits(out, style, found, single)
	}
	if single || f.out == vecfile.Stdin {
		return nil
	}
	return result.print(out)
}

func jsonHits(style keyStyle, hits []hannoy.Hit) []jsonHit {
	out := make([]jsonHit, 0, len(hits))
	for _, h := range hits {
		out = append(out, jsonHit{style.json(h.Key), h.Distance, valueOf(h.Value)})
	}
	return out
}

func printHits(out io.Writer, style keyStyle, found [][]hannoy.Hit, single bool) {
	s := newSheet(out)
	for q, hits := range found {
		for _, h := range hits {
			cells := []string{fmt.Sprintf("%.6g", h.Distance), style.text(h.Key)}
			if h.Value != nil {
				cells = append(cells, string(h.Value))
			}
			if !single {
				cells = append([]string{fmt.Sprint(q)}, cells...)
			}
			s.row(cells...)
		}
	}
	s.flush()
}

func (r *queryResult) print(out io.Writer) error {
	s := newSheet(out)
	s.line("queries", "%s, k %d, ef %d, %s", thousands(r.Queries), r.K, r.Ef, plural(r.Threads, "thread"))
	if r.Recall != nil {
		s.line("recall", "%.4f by distance, %.4f by key", *r.Recall, *r.RecallByID)
	}
	s.line("speed", "%s queries/s, %s per CPU second", thousands(int64(r.QPS)), thousands(int64(r.QPSCPU)))
	s.line("latency", "%.0f us median, %.0f us at 99 %%", r.P50Micros, r.P99Micros)
	s.line("start", "%.1f ms to open, %.1f ms the first query", r.OpenMillis, r.FirstQueryMillis)
	s.line("work", "%.0f distances and %.0f hops a query", r.DistancesPerQuery, r.HopsPerQuery)
	if r.PendingPerQuery > 0 {
		s.line("pending", "%.0f items were compared one by one: hannoyctl build links them", r.PendingPerQuery)
	}
	return s.flush()
}
