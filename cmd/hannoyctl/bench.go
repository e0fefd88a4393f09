package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"slices"

	"github.com/spf13/cobra"

	"github.com/hannoydb/hannoy"
)

const benchHelp = `Bench draws the curve of recall against speed of an index: the same queries at several widths of the search (--ef), each
on as many threads as --threads says. The points are measured in turn, --rounds times; each figure is the median.

The truth (ivecs or ibin, as hannoyctl truth writes it) is what recall is measured against. Without one, every query is
first compared with every item, which takes long for a large index.

--plot writes the curve as a picture: recall to the right, queries per second upwards.`

const benchExample = `  hannoyctl bench photos --input query.fbin --truth gt.ibin --ef 16,32,64,128
  hannoyctl bench photos --input query.fbin --truth gt.ibin --threads 1,2 --plot curve.svg --json`

type benchFlags struct {
	location
	input
	truthFlags
	k       count
	efs     []int
	threads []int
	rounds  count
	plot    string
}

func newBench() *cobra.Command {
	f := &benchFlags{k: 10, rounds: 3}
	cmd := &cobra.Command{
		Use: "bench DB --input FILE --truth FILE", Short: "measure the curve of recall against speed",
		Long: benchHelp, Example: benchExample, Args: f.oneDB,
		RunE: func(cmd *cobra.Command, _ []string) error { return f.run(cmd) },
	}
	f.location.addTo(cmd)
	addUntrusted(cmd)
	f.input.addTo(cmd, "file of queries")
	f.truthFlags.addTo(cmd, "exact neighbours (ivecs, ibin; default: found by an exact scan)")
	flags := cmd.Flags()
	flags.VarP(&f.k, "k", "k", "neighbours of each query")
	flags.IntSliceVar(&f.efs, "ef", []int{16, 32, 64, 128}, "widths of the search, each at least k")
	flags.IntSliceVar(&f.threads, "threads", []int{1}, "numbers of threads that query")
	flags.Var(&f.rounds, "rounds", "times that every point is measured")
	flags.StringVar(&f.plot, "plot", "", "write the curve to this file, as SVG")
	return cmd
}

// benchResult is what bench --json prints.
type benchResult struct {
	Index      string       `json:"index"`
	Items      int          `json:"items"`
	Dimensions int          `json:"dimensions"`
	Metric     string       `json:"metric"`
	Queries    int          `json:"queries"`
	K          int          `json:"k"`
	Rounds     int          `json:"rounds"`
	Curve      []benchPoint `json:"curve"`
}

type benchPoint struct {
	figures
	Codes string `json:"codes"`
}

func (f *benchFlags) check(cmd *cobra.Command) error {
	switch {
	case f.file == "":
		return usageOf(cmd, errors.New("bench needs --input"))
	case len(f.efs) == 0 || len(f.threads) == 0:
		return usageOf(cmd, errors.New("--ef and --threads need a number each, or several: --ef 16,32,64"))
	}
	for _, list := range []*[]int{&f.efs, &f.threads} {
		slices.Sort(*list)
		*list = slices.Compact(*list)
	}
	if f.threads[0] < 1 {
		return usageOf(cmd, fmt.Errorf("--threads %d: there must be at least 1", f.threads[0]))
	}
	return checkWidth(cmd, f.k, count(f.efs[0]))
}

func (f *benchFlags) run(cmd *cobra.Command) error {
	if err := f.check(cmd); err != nil {
		return err
	}
	ix, err := f.openIndex(cmd, true)
	if err != nil {
		return err
	}
	defer ix.Close()
	codes, err := ix.Codes()
	if err != nil {
		return err
	}
	queries, err := f.queries(cmd, ix.Metric(), ix.Dimensions(), f.location.String())
	if err != nil {
		return err
	}
	result := benchResult{Index: ix.Name(), Dimensions: ix.Dimensions(), Metric: ix.Metric().String(), Queries: len(queries), K: int(f.k), Rounds: int(f.rounds)}
	var points []figures
	err = ix.View(func(s *hannoy.Snapshot) (err error) {
		if err := f.warn(cmd, s, int(f.k)); err != nil {
			return err
		}
		result.Items = s.Len()
		points, err = f.measure(cmd.Context(), ix, s, queries, newBar(cmd.ErrOrStderr()))
		return err
	})
	if err != nil {
		return err
	}
	for _, p := range points {
		result.Curve = append(result.Curve, benchPoint{p, codes.String()})
	}
	if wantsJSON(cmd) {
		err = printJSON(cmd.OutOrStdout(), result)
	} else {
		err = printCurve(cmd.OutOrStdout(), points)
	}
	if err != nil || f.plot == "" {
		return err
	}
	title := fmt.Sprintf("%s: %s, %s dimensions, %s, codes %s", ix.Name(), plural(result.Items, "item"), thousands(ix.Dimensions()), ix.Metric(), codes)
	return os.WriteFile(f.plot, newChart(title, int(f.k), points).svg(), 0o644)
}

func (f *benchFlags) measure(ctx context.Context, ix *hannoy.Index, s *hannoy.Snapshot, queries []point, bar *bar) (_ []figures, err error) {
	c := curve{rounds: int(f.rounds)}
	if f.truth != "" {
		c.truth, err = f.truthFlags.read(s, ix, queries, int(f.k))
	} else {
		var exact [][]hannoy.Hit
		if exact, err = scan(ctx, s, queries, int(f.k), runtime.GOMAXPROCS(0), bar); err == nil {
			c.truth = truthOf(ix.Metric(), exact)
		}
	}
	if err != nil {
		return nil, err
	}
	for _, threads := range f.threads {
		for _, ef := range f.efs {
			c.searches = append(c.searches, search{k: f.k, ef: count(ef), threads: count(threads)})
		}
	}
	return c.measure(ctx, s, queries, bar)
}

// printCurve prints the points as a table.
func printCurve(out io.Writer, points []figures) error {
	s := newSheet(out)
	s.row("ef", "threads", "recall", "by key", "queries/s", "per CPU s", "p50 us", "p99 us", "distances")
	for _, p := range points {
		ef := fmt.Sprint(p.Ef)
		if p.Ef == 0 {
			ef = "exact scan"
		}
		s.row(ef, fmt.Sprint(p.Threads), fmt.Sprintf("%.4f", *p.Recall), fmt.Sprintf("%.4f", *p.RecallByID), thousands(int64(p.QPS)), thousands(int64(p.QPSCPU)),
			thousands(int64(p.P50Micros)), thousands(int64(p.P99Micros)), thousands(int64(p.DistancesPerQuery)))
	}
	return s.flush()
}
