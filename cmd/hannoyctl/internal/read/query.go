package read

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/hannoydb/hannoy"
	"github.com/hannoydb/hannoy/cmd/hannoyctl/internal/measure"
	"github.com/hannoydb/hannoy/cmd/hannoyctl/internal/operand"
	"github.com/hannoydb/hannoy/cmd/hannoyctl/internal/terminal"
	"github.com/hannoydb/hannoy/internal/vecfile"
)

const queryHelp = `Query finds the nearest keys of each vector of a file, of one vector, or of an item that is stored.

With --input it measures: queries per second, latencies, and what a query costs. With --truth (ivecs or ibin: the row
numbers of the exact neighbours, as hannoyctl truth writes them) it measures recall, by distance as ann-benchmarks does
(a hit counts when it is no farther than the true k-th neighbour, and 0.1 %) and by identity of keys, and the queries run once unmeasured, to warm up.
qps_cpu is queries per second of processor time: the figure to compare on a busy machine.

--filter narrows the answers to items with some labels: a label stands for the items that have it, with * behind it for
those that have a label which begins so; & (and), | (or), ! (not) and parentheses join them. Labels with blanks stand in
double quotes. --among narrows them to the keys of a file. --explain says for each query how it was answered, and why so.

--max-distance finds all within a distance, -k at most; --group-by doc: each of the items with one label doc:... once, or
--per-group times. --all prints neighbours without end, nearest first, each as soon as it is found: pipe it into head or less.

--fuse, once for each of several indexes of the DB, finds the items that are nearest in all of them together: by the sum of
distances times --weights, or with --ranks by reciprocal ranks. The queries of a file each go with the same row of the other files.

--hits prints the neighbours; --out writes them, as ibin or ivecs when keys are row numbers, or as jsonl.`

const queryExample = `  hannoyctl query photos --input query.fbin -k 10 --ef 64 --truth gt.ibin
  hannoyctl query photos --input query.fbin -k 5 --hits --json
  hannoyctl query photos --vector 0.1,0.2,0.3
  hannoyctl query photos --key 17 -k 5
  hannoyctl query photos --vector 0.1,0.2,0.3 --max-distance 0.4 -k 1000
  hannoyctl query chunks --key 17 --group-by doc: -k 5
  hannoyctl query photos --key 17 --all | head -30
  hannoyctl query photos --key 17 --filter 'lang:en & !(draft | "old stock")' --explain
  hannoyctl query photos --fuse default=key:17 --fuse thumbnails=0.1,0.2,0.3 --weights 2,1`

type queryFlags struct {
	operand.Location
	operand.Input
	measure.TruthFlags
	measure.Search
	vector  string
	bits    string
	key     string
	out     string
	hits    bool
	all     bool
	most    float64 // distance, if it was given
	among   string  // file of keys
	explain bool

	fuseFlags

	interactive bool
}

func newQuery() *cobra.Command {
	f := &queryFlags{Search: measure.Search{K: 10, Ef: hannoy.DefaultEf, Threads: 1}}
	cmd := &cobra.Command{
		Use: "query DB --input FILE", Short: "find nearest neighbours, and measure recall and speed",
		Long: queryHelp, Example: queryExample, Args: f.OneDB,
		RunE: func(cmd *cobra.Command, _ []string) error { return f.run(cmd) },
	}
	f.Location.AddTo(cmd)
	operand.AddUntrusted(cmd)
	f.Input.AddTo(cmd, "file of queries")
	f.TruthFlags.AddTo(cmd, "exact neighbours (ivecs, ibin): measure recall")
	flags := cmd.Flags()
	flags.StringVar(&f.vector, "vector", "", "query with one vector: 0.1,0.2,0.3")
	flags.StringVar(&f.bits, "bits", "", "query with these bits, under hamming: base64, or hexadecimal after 0x")
	flags.StringVar(&f.key, "key", "", "query with the vector of this item, which is left out of its own neighbours")
	flags.VarP(&f.K, "k", "k", "neighbours of each query")
	flags.Var(&f.Ef, "ef", "width of the search, at least k: wider finds more and takes longer (default: as hannoyctl tune has set, else 100)")
	flags.Lookup("ef").DefValue = "" // which the help says
	flags.Var(&f.Threads, "threads", "threads that query")
	flags.StringVar(&f.out, "out", "", "write the neighbours to this file")
	flags.BoolVar(&f.hits, "hits", false, "print the neighbours")
	flags.BoolVar(&f.Values, "values", false, "print the neighbours' values too")
	flags.BoolVar(&f.Vectors, "vectors", false, "print the neighbours' vectors too")
	flags.Float64Var(&f.most, "max-distance", 0, "only neighbours within this distance")
	flags.StringVar(&f.GroupBy, "group-by", "", "count items as one group whose label that begins so is equal")
	flags.IntVar(&f.PerGroup, "per-group", 1, "neighbours of a group, with --group-by")
	flags.BoolVar(&f.all, "all", false, "go on to ever farther neighbours, printing each at once")
	flags.BoolVar(&f.Exact, "exact", false, "compare with every item instead of searching the graph")
	operand.AddFilter(cmd, "only items with such labels")
	f.fuseFlags.addTo(cmd)
	flags.BoolVar(&f.interactive, "interactive", false, "answer the lines of standard input: key:NAME, a vector; help lists them")
	flags.StringVar(&f.among, "among", "", "only items whose keys this file lists, one a line; with --filter, those of them that match")
	flags.BoolVar(&f.explain, "explain", false, "say how each query was answered, and why so")
	return cmd
}

func (f *queryFlags) check(cmd *cobra.Command) error {
	sources := 0
	for _, s := range []string{f.File, f.vector, f.bits, f.key} {
		if s != "" {
			sources++
		}
	}
	for _, given := range []bool{f.interactive, len(f.parts) > 0} {
		if given {
			sources++
		}
	}
	switch {
	case sources != 1:
		return terminal.UsageOf(cmd, fmt.Errorf("%s needs one of --input, --vector, --bits, --key, --fuse and --interactive", cmd.Name()))
	case f.Truth != "" && f.File == "":
		return terminal.UsageOf(cmd, errors.New("--truth needs --input"))
	case f.Truth != "" && (cmd.Flags().Changed("filter") || f.among != ""):
		return terminal.UsageOf(cmd, errors.New("--truth is about all items, --filter and --among are not: leave one out"))
	case f.interactive && f.among != "":
		return terminal.UsageOf(cmd, errors.New("--among is not for --interactive"))
	}
	var err error
	if f.Filter, err = operand.FilterOf(cmd); err != nil {
		return err
	}
	f.hits = f.hits || f.Values || f.Vectors
	return f.checkForm(cmd)
}

// checkForm refuses forms of search that contradict each other.
func (f *queryFlags) checkForm(cmd *cobra.Command) error {
	given := cmd.Flags().Changed
	if given("max-distance") {
		f.Within = new(float32(f.most))
	}
	switch {
	case given("per-group") && f.GroupBy == "":
		return terminal.UsageOf(cmd, errors.New("--per-group needs --group-by"))
	case f.PerGroup < 1:
		return terminal.UsageOf(cmd, fmt.Errorf("--per-group %d: there must be at least 1", f.PerGroup))
	case f.all && (f.File != "" || f.out != "" || f.explain || given("k")):
		return terminal.UsageOf(cmd, errors.New("--all is for one query, and without -k, --out and --explain"))
	case f.Truth != "" && (f.Within != nil || f.GroupBy != ""):
		return terminal.UsageOf(cmd, errors.New("--truth is about the nearest of all items, --max-distance and --group-by are not: leave one out"))
	}
	if err := f.checkFusion(cmd); err != nil {
		return err
	}
	if f.GroupBy == "" {
		f.PerGroup = 0
	}
	if f.all {
		f.K = 1 // there is always a first
	}
	if !given("ef") || f.Within != nil || f.GroupBy != "" {
		return nil // as wide as it takes
	}
	return checkWidth(cmd, f.K, f.Ef)
}

// widen chooses the width, if none was given.
func (f *queryFlags) widen(cmd *cobra.Command, s *hannoy.Snapshot) {
	if cmd.Flags().Changed("ef") {
		return
	}
	if tuned := s.Ef(); tuned > 0 {
		f.Ef = terminal.Count(tuned)
	}
	if f.Within == nil && f.GroupBy == "" && !f.all {
		f.Ef = max(f.Ef, f.K)
	}
}

// checkWidth refuses searches that cannot return what they should.
func checkWidth(cmd *cobra.Command, k, ef terminal.Count) error {
	if ef >= k {
		return nil
	}
	return terminal.UsageOf(cmd, fmt.Errorf("--ef %d is less than -k %d: the search must be at least as wide as what it returns", ef, k))
}

func (f *queryFlags) run(cmd *cobra.Command) error {
	if err := f.check(cmd); err != nil {
		return err
	}
	if f.out != "" {
		if err := operand.CheckOutput(f.out); err != nil {
			return err
		}
	}
	start := time.Now()
	ix, err := f.OpenIndex(cmd, true)
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
	if err := f.readAmong(ix); err != nil {
		return err
	}
	result := queryResult{K: int(f.K), OpenMillis: terminal.Millis(time.Since(start))}
	defer f.fuseFlags.close()
	queries, err := f.load(cmd, ix)
	if err != nil {
		return err
	}
	return ix.View(func(s *hannoy.Snapshot) error {
		if err := warn(cmd, &f.Location, s, int(f.K)); err != nil {
			return err
		}
		if err := f.narrow(cmd, s); err != nil {
			return err
		}
		f.widen(cmd, s)
		if f.all {
			return f.stream(cmd, operand.StyleOf(ix), s, queries[0])
		}
		return f.answer(cmd, ix, s, queries, &result)
	})
}

func (f *queryFlags) answer(cmd *cobra.Command, ix *hannoy.Index, s *hannoy.Snapshot, queries []measure.Point, result *queryResult) error {
	var truth *measure.Truth
	if f.Truth != "" {
		var err error
		if truth, err = f.TruthFlags.Read(s, ix, queries, int(f.K)); err != nil {
			return err
		}
	}
	first, err := f.First(cmd.Context(), s, queries[0])
	if err != nil {
		return err
	}
	if truth != nil {
		// Who asks for recall wants the figures of a process at work: this run, not
		// measured, fills the tables that a new process starts without.
		if _, _, err := f.Measure(cmd.Context(), s, queries); err != nil {
			return err
		}
	}
	hits, figures, err := f.Measure(cmd.Context(), s, queries)
	if err != nil {
		return err
	}
	truth.Score(hits, &figures)
	result.Queries, result.Figures, result.FirstQueryMillis = len(queries), figures, terminal.Millis(first)
	if f.explain {
		for i := range figures.Stats {
			if queries[i].Parts != nil {
				result.Explained = append(result.Explained, strings.Join(f.explainParts(queries[i]), "\n"))
				continue
			}
			result.Explained = append(result.Explained, figures.Stats[i].Explain())
		}
	}
	return f.show(cmd, operand.StyleOf(ix), hits, result)
}

// load reads the queries before any clock runs.
func (f *queryFlags) load(cmd *cobra.Command, ix *hannoy.Index) ([]measure.Point, error) {
	hamming := ix.Metric() == hannoy.Hamming
	switch {
	case len(f.parts) > 0:
		return f.loadFused(cmd)
	case f.vector != "" && hamming:
		return nil, terminal.UsageOf(cmd, errors.New("the metric of this index is hamming: query with --bits"))
	case f.bits != "" && !hamming:
		return nil, terminal.UsageOf(cmd, fmt.Errorf("the metric of this index is %s: query with --vector", ix.Metric()))
	case f.vector != "":
		vector, err := operand.ParseVector(f.vector)
		return []measure.Point{{Vector: vector}}, err
	case f.bits != "":
		bits, err := vecfile.ParseBits(f.bits)
		if err != nil {
			return nil, terminal.UsageOf(cmd, fmt.Errorf("--bits: %w", err))
		}
		return []measure.Point{{Bits: bits}}, nil
	case f.key != "":
		key, err := operand.StyleOf(ix).Parse([]byte(f.key))
		return []measure.Point{{Key: key}}, err
	}
	return measure.QueriesOf(cmd, &f.Input, ix.Metric(), ix.Dimensions(), f.Location.String())
}

// warn refuses an empty index, where there is nothing to find, and tells when there is less than was asked for.
func warn(cmd *cobra.Command, l *operand.Location, s *hannoy.Snapshot, k int) error {
	n := s.Len()
	if n == 0 {
		return terminal.WithHint(fmt.Errorf("%s is empty", l), fmt.Sprintf("hannoyctl build %s --input FILE fills it", l.Dir))
	}
	if k > n {
		fmt.Fprintf(cmd.ErrOrStderr(), "hannoyctl: warning: -k is %s, the index has only %s\n", terminal.Thousands(k), terminal.Plural(n, "item"))
	}
	return nil
}
