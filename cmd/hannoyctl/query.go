package main

import (
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/hannoydb/hannoy"
	"github.com/hannoydb/hannoy/internal/vecfile"
)

const queryHelp = `Query finds the nearest keys of each vector of a file, of one vector, or of an item that is stored.

With --input it measures: queries per second, latencies, and what a query costs. With --truth (ivecs or ibin: the row
numbers of the exact neighbours, as hannoyctl truth writes them) it measures recall, by distance as ann-benchmarks does
(a hit counts when it is no farther than the true k-th neighbour, and 0.1 %) and by identity of keys, and the queries run once unmeasured, to warm up.
qps_cpu is queries per second of processor time: the figure to compare on a busy machine.

--filter narrows the answers to items with some labels: a label stands for the items that have it, with * behind it for
those that have a label which begins so; & (and), | (or), ! (not) and parentheses join them. Labels with blanks stand in
double quotes. --explain says for each query how it was answered, and why so.

--max-distance finds all within a distance, -k at most; --group-by doc: each of the items with one label doc:... once, or
--per-group times. --all prints neighbours without end, nearest first, each as soon as it is found: pipe it into head or less.

--hits prints the neighbours; --out writes them, as ibin or ivecs when keys are row numbers, or as jsonl.`

const queryExample = `  hannoyctl query photos --input query.fbin -k 10 --ef 64 --truth gt.ibin
  hannoyctl query photos --input query.fbin -k 5 --hits --json
  hannoyctl query photos --vector 0.1,0.2,0.3
  hannoyctl query photos --key 17 -k 5
  hannoyctl query photos --vector 0.1,0.2,0.3 --max-distance 0.4 -k 1000
  hannoyctl query chunks --key 17 --group-by doc: -k 5
  hannoyctl query photos --key 17 --all | head -30
  hannoyctl query photos --key 17 --filter 'lang:en & !(draft | "old stock")' --explain`

type queryFlags struct {
	location
	input
	truthFlags
	search
	vector  string
	bits    string
	key     string
	out     string
	hits    bool
	all     bool
	most    float64 // distance, if it was given
	where   string  // the text of the filter
	explain bool

	interactive bool
}

func newQuery() *cobra.Command {
	f := &queryFlags{search: search{k: 10, ef: 64, threads: 1}}
	cmd := &cobra.Command{
		Use: "query DB --input FILE", Short: "find nearest neighbours, and measure recall and speed",
		Long: queryHelp, Example: queryExample, Args: f.oneDB,
		RunE: func(cmd *cobra.Command, _ []string) error { return f.run(cmd) },
	}
	f.location.addTo(cmd)
	addUntrusted(cmd)
	f.input.addTo(cmd, "file of queries")
	f.truthFlags.addTo(cmd, "exact neighbours (ivecs, ibin): measure recall")
	flags := cmd.Flags()
	flags.StringVar(&f.vector, "vector", "", "query with one vector: 0.1,0.2,0.3")
	flags.StringVar(&f.bits, "bits", "", "query with these bits, under hamming: base64, or hexadecimal after 0x")
	flags.StringVar(&f.key, "key", "", "query with the vector of this item, which is left out of its own neighbours")
	flags.VarP(&f.k, "k", "k", "neighbours of each query")
	flags.Var(&f.ef, "ef", "width of the search, at least k: wider finds more and takes longer (default: as hannoyctl tune has set, else 64)")
	flags.Var(&f.threads, "threads", "threads that query")
	flags.StringVar(&f.out, "out", "", "write the neighbours to this file")
	flags.BoolVar(&f.hits, "hits", false, "print the neighbours")
	flags.BoolVar(&f.values, "values", false, "print the neighbours' values too")
	flags.BoolVar(&f.vectors, "vectors", false, "print the neighbours' vectors too")
	flags.Float64Var(&f.most, "max-distance", 0, "only neighbours within this distance")
	flags.StringVar(&f.groupBy, "group-by", "", "count items as one group whose label that begins so is equal")
	flags.IntVar(&f.perGroup, "per-group", 1, "neighbours of a group, with --group-by")
	flags.BoolVar(&f.all, "all", false, "go on to ever farther neighbours, printing each at once")
	flags.BoolVar(&f.exact, "exact", false, "compare with every item instead of searching the graph")
	flags.StringVar(&f.where, "filter", "", "only items with such labels: 'lang:en & !draft'")
	flags.BoolVar(&f.interactive, "interactive", false, "answer the lines of standard input: key:NAME, a vector; help lists them")
	flags.BoolVar(&f.explain, "explain", false, "say how each query was answered, and why so")
	return cmd
}

func (f *queryFlags) check(cmd *cobra.Command) error {
	sources := 0
	for _, s := range []string{f.file, f.vector, f.bits, f.key} {
		if s != "" {
			sources++
		}
	}
	if f.interactive {
		sources++
	}
	switch {
	case sources != 1:
		return usageOf(cmd, errors.New("query needs one of --input, --vector, --bits, --key and --interactive"))
	case f.truth != "" && f.file == "":
		return usageOf(cmd, errors.New("--truth needs --input"))
	case f.truth != "" && f.where != "":
		return usageOf(cmd, errors.New("--truth is about all items, --filter is not: leave one out"))
	}
	if f.where != "" {
		var err error
		if f.filter, err = parseFilter(f.where); err != nil {
			return err
		}
	}
	f.hits = f.hits || f.values || f.vectors
	return f.checkForm(cmd)
}

// checkForm refuses forms of search that contradict each other.
func (f *queryFlags) checkForm(cmd *cobra.Command) error {
	given := cmd.Flags().Changed
	if given("max-distance") {
		f.within = new(float32(f.most))
	}
	switch {
	case given("per-group") && f.groupBy == "":
		return usageOf(cmd, errors.New("--per-group needs --group-by"))
	case f.perGroup < 1:
		return usageOf(cmd, fmt.Errorf("--per-group %d: there must be at least 1", f.perGroup))
	case f.all && (f.file != "" || f.out != "" || f.explain || given("k")):
		return usageOf(cmd, errors.New("--all is for one query, and without -k, --out and --explain"))
	case f.truth != "" && (f.within != nil || f.groupBy != ""):
		return usageOf(cmd, errors.New("--truth is about the nearest of all items, --max-distance and --group-by are not: leave one out"))
	}
	if f.groupBy == "" {
		f.perGroup = 0
	}
	if f.all {
		f.k = 1 // there is always a first
	}
	if !given("ef") || f.within != nil || f.groupBy != "" {
		return nil // as wide as it takes
	}
	return checkWidth(cmd, f.k, f.ef)
}

// widen chooses the width, if none was given.
func (f *queryFlags) widen(cmd *cobra.Command, s *hannoy.Snapshot) {
	if cmd.Flags().Changed("ef") {
		return
	}
	if tuned := s.Ef(); tuned > 0 {
		f.ef = count(tuned)
	}
	if f.within == nil && f.groupBy == "" && !f.all {
		f.ef = max(f.ef, f.k)
	}
}

// checkWidth refuses searches that cannot return what they should.
func checkWidth(cmd *cobra.Command, k, ef count) error {
	if ef >= k {
		return nil
	}
	return usageOf(cmd, fmt.Errorf("--ef %d is less than -k %d: the search must be at least as wide as what it returns", ef, k))
}

func (f *queryFlags) run(cmd *cobra.Command) error {
	if err := f.check(cmd); err != nil {
		return err
	}
	start := time.Now()
	ix, err := f.openIndex(cmd, true)
	if err != nil {
		return err
	}
	defer ix.Close()
	// The first snapshot belongs to opening.
	if err := ix.View(func(*hannoy.Snapshot) error { return nil }); err != nil {
		return err
	}
	if f.interactive {
		return f.interact(cmd, ix)
	}
	result := queryResult{K: int(f.k), OpenMillis: millis(time.Since(start))}
	queries, err := f.load(cmd, ix)
	if err != nil {
		return err
	}
	return ix.View(func(s *hannoy.Snapshot) error {
		if err := f.warn(cmd, s, int(f.k)); err != nil {
			return err
		}
		if err := f.narrow(cmd, s); err != nil {
			return err
		}
		f.widen(cmd, s)
		if f.all {
			return f.stream(cmd, styleOf(ix), s, queries[0])
		}
		return f.answer(cmd, ix, s, queries, &result)
	})
}

func (f *queryFlags) answer(cmd *cobra.Command, ix *hannoy.Index, s *hannoy.Snapshot, queries []point, result *queryResult) error {
	var truth *truth
	if f.truth != "" {
		var err error
		if truth, err = f.truthFlags.read(s, ix, queries, int(f.k)); err != nil {
			return err
		}
	}
	first, err := f.first(cmd.Context(), s, queries[0])
	if err != nil {
		return err
	}
	if truth != nil {
		// Who asks for recall wants the figures of a process at work: this run, not
		// measured, fills the tables that a new process starts without.
		if _, _, err := f.measure(cmd.Context(), s, queries); err != nil {
			return err
		}
	}
	hits, figures, err := f.measure(cmd.Context(), s, queries)
	if err != nil {
		return err
	}
	truth.score(hits, &figures)
	result.Queries, result.figures, result.FirstQueryMillis = len(queries), figures, millis(first)
	if f.explain {
		for i := range figures.stats {
			result.Explained = append(result.Explained, figures.stats[i].Explain())
		}
	}
	return f.show(cmd, styleOf(ix), hits, result)
}

// load reads the queries before any clock runs.
func (f *queryFlags) load(cmd *cobra.Command, ix *hannoy.Index) ([]point, error) {
	hamming := ix.Metric() == hannoy.Hamming
	switch {
	case f.vector != "" && hamming:
		return nil, usageOf(cmd, errors.New("the metric of this index is hamming: query with --bits"))
	case f.bits != "" && !hamming:
		return nil, usageOf(cmd, fmt.Errorf("the metric of this index is %s: query with --vector", ix.Metric()))
	case f.vector != "":
		vector, err := parseVector(f.vector)
		return []point{{vector: vector}}, err
	case f.bits != "":
		bits, err := vecfile.ParseBits(f.bits)
		if err != nil {
			return nil, usageOf(cmd, fmt.Errorf("--bits: %w", err))
		}
		return []point{{bits: bits}}, nil
	case f.key != "":
		key, err := styleOf(ix).parse([]byte(f.key))
		return []point{{key: key}}, err
	}
	return f.queries(cmd, ix.Metric(), ix.Dimensions(), f.location.String())
}

// warn refuses an empty index, where there is nothing to find, and tells when there is less than was asked for.
func (l *location) warn(cmd *cobra.Command, s *hannoy.Snapshot, k int) error {
	n := s.Len()
	if n == 0 {
		return withHint(fmt.Errorf("%s is empty", l), fmt.Sprintf("hannoyctl build %s --input FILE fills it", l.dir))
	}
	if k > n {
		fmt.Fprintf(cmd.ErrOrStderr(), "hannoyctl: warning: -k is %s, the index has only %s\n", thousands(k), plural(n, "item"))
	}
	return nil
}
