package read

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"slices"

	"github.com/spf13/cobra"

	"github.com/hannoydb/hannoy"
	"github.com/hannoydb/hannoy/cmd/hannoyctl/internal/measure"
	"github.com/hannoydb/hannoy/cmd/hannoyctl/internal/operand"
	"github.com/hannoydb/hannoy/cmd/hannoyctl/internal/terminal"
)

const benchHelp = `Bench draws the curve of recall against speed of an index: the same queries at several widths of the search (--ef), each
on as many threads as --threads says. The points are measured in turn, --rounds times; each figure is the median.

The truth (ivecs or ibin, as hannoyctl truth writes it) is what recall is measured against. Without one, every query is
first compared with every item, which takes long for a large index.

--plot writes the curve as a picture: recall to the right, queries per second upwards.`

const benchExample = `  hannoyctl bench photos --input query.fbin --truth gt.ibin --ef 16,32,64,128
  hannoyctl bench photos --input query.fbin --truth gt.ibin --threads 1,2 --plot curve.svg --json`

type benchFlags struct {
	operand.Location
	operand.Input
	measure.TruthFlags
	k       terminal.Count
	efs     []int
	threads []int
	rounds  terminal.Count
	plot    string
}

func newBench() *cobra.Command {
	f := &benchFlags{k: 10, rounds: 3}
	cmd := &cobra.Command{
		Use: "bench DB --input FILE --truth FILE", Short: "measure the curve of recall against speed",
		Long: benchHelp, Example: benchExample, Args: f.OneDB,
		RunE: func(cmd *cobra.Command, _ []string) error { return f.run(cmd) },
	}
	f.Location.AddTo(cmd)
	operand.AddUntrusted(cmd)
	f.Input.AddTo(cmd, "file of queries")
	f.TruthFlags.AddTo(cmd, "exact neighbours (ivecs, ibin; default: found by an exact scan)")
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
	measure.Figures
	Codes string `json:"codes"`
}

func (f *benchFlags) check(cmd *cobra.Command) error {
	switch {
	case f.File == "":
		return terminal.UsageOf(cmd, errors.New("bench needs --input"))
	case len(f.efs) == 0 || len(f.threads) == 0:
		return terminal.UsageOf(cmd, errors.New("--ef and --threads need a number each, or several: --ef 16,32,64"))
	}
	for _, list := range []*[]int{&f.efs, &f.threads} {
		slices.Sort(*list)
		*list = slices.Compact(*list)
	}
	if f.threads[0] < 1 {
		return terminal.UsageOf(cmd, fmt.Errorf("--threads %d: there must be at least 1", f.threads[0]))
	}
	return checkWidth(cmd, f.k, terminal.Count(f.efs[0]))
}

func (f *benchFlags) run(cmd *cobra.Command) error {
	if err := f.check(cmd); err != nil {
		return err
	}
	if err := operand.CheckOutput(f.plot); err != nil {
		return err
	}
	ix, err := f.OpenIndex(cmd, true)
	if err != nil {
		return err
	}
	defer ix.Close()
	codes, err := ix.Codes()
	if err != nil {
		return err
	}
	queries, err := measure.QueriesOf(cmd, &f.Input, ix.Metric(), ix.Dimensions(), f.Location.String())
	if err != nil {
		return err
	}
	result := benchResult{Index: ix.Name(), Dimensions: ix.Dimensions(), Metric: ix.Metric().String(), Queries: len(queries), K: int(f.k), Rounds: int(f.rounds)}
	var points []measure.Figures
	err = ix.View(func(s *hannoy.Snapshot) (err error) {
		if err := warn(cmd, &f.Location, s, int(f.k)); err != nil {
			return err
		}
		result.Items = s.Len()
		points, err = f.measure(cmd.Context(), ix, s, queries, operand.NewBar(cmd))
		return err
	})
	if err != nil {
		return err
	}
	for _, p := range points {
		result.Curve = append(result.Curve, benchPoint{p, codes.String()})
	}
	if operand.WantsJSON(cmd) {
		err = operand.PrintRecords(cmd, result, result.Curve)
	} else {
		err = measure.PrintCurve(cmd.OutOrStdout(), points)
	}
	if err != nil || f.plot == "" {
		return err
	}
	title := fmt.Sprintf("%s: %s, %s dimensions, %s, codes %s", ix.Name(), terminal.Plural(result.Items, "item"), terminal.Thousands(ix.Dimensions()), ix.Metric(), codes)
	return os.WriteFile(f.plot, measure.NewChart(title, int(f.k), points).SVG(), 0o644)
}

func (f *benchFlags) measure(ctx context.Context, ix *hannoy.Index, s *hannoy.Snapshot, queries []measure.Point, bar *terminal.Bar) (_ []measure.Figures, err error) {
	c := measure.Curve{Rounds: int(f.rounds)}
	if f.Truth != "" {
		c.Truth, err = f.TruthFlags.Read(s, ix, queries, int(f.k))
	} else {
		var exact [][]hannoy.Hit
		if exact, err = measure.Scan(ctx, s, queries, int(f.k), runtime.GOMAXPROCS(0), bar); err == nil {
			c.Truth = measure.TruthOf(ix.Metric(), exact)
		}
	}
	if err != nil {
		return nil, err
	}
	for _, threads := range f.threads {
		for _, ef := range f.efs {
			c.Searches = append(c.Searches, measure.Search{K: f.k, Ef: terminal.Count(ef), Threads: terminal.Count(threads)})
		}
	}
	return c.Measure(ctx, s, queries, bar)
}
