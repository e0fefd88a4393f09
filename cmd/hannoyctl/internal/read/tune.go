package read

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/hannoydb/hannoy"
	"github.com/hannoydb/hannoy/cmd/hannoyctl/internal/measure"
	"github.com/hannoydb/hannoy/cmd/hannoyctl/internal/operand"
	"github.com/hannoydb/hannoy/cmd/hannoyctl/internal/terminal"
)

const tuneHelp = `Tune finds the smallest width of the search (ef) that finds the wanted share of the k nearest, and stores it with the index,
for all searches that do not say theirs.

The share is measured on the queries of --input against exact scans: give such as will be asked, a few hundred, and none that
are in the index. Without --input, 200 items from all over the index stand for them, each searched for as if it were not
there: that is rather harder than what people ask. Tune again when the index has grown much. --ef stores a width without
measuring, 0 the default again.

--filter measures searches that are narrowed so, with queries of --input that go with it: how hard they are depends on where
the items that match lie. The width is stored for all searches, with a filter or without.

Searches that compare with all items have no width: those before the first build, and those with a filter that few items match.
Tune then fails, and stores nothing.`

const tuneExample = `  hannoyctl tune photos --recall 0.95
  hannoyctl tune photos --input query.fbin --recall 0.99 -k 10 --dry-run
  hannoyctl tune photos --ef 80`

type tuneFlags struct {
	operand.Location
	operand.Input
	k      terminal.Count
	recall float64
	ef     int
	dry    bool
}

func newTune() *cobra.Command {
	f := &tuneFlags{k: 10}
	cmd := &cobra.Command{
		Use: "tune DB", Short: "find the width of searches for a wanted recall, and store it",
		Long: tuneHelp, Example: tuneExample, Args: f.OneDB,
		RunE: func(cmd *cobra.Command, _ []string) error { return f.run(cmd) },
	}
	f.Location.AddTo(cmd)
	f.Input.AddTo(cmd, "file of queries")
	flags := cmd.Flags()
	flags.Float64Var(&f.recall, "recall", 0.95, "share of the k nearest that searches should find")
	flags.VarP(&f.k, "k", "k", "neighbours of each query")
	operand.AddFilter(cmd, "measure searches that have this filter")
	flags.IntVar(&f.ef, "ef", 0, "store this width, and measure nothing")
	flags.BoolVar(&f.dry, "dry-run", false, "store nothing")
	return cmd
}

func (f *tuneFlags) run(cmd *cobra.Command) error {
	if !(f.recall > 0 && f.recall <= 1) {
		return terminal.UsageOf(cmd, fmt.Errorf("--recall %g: it must be above 0 and at most 1", f.recall))
	}
	given := cmd.Flags().Changed("ef")
	if given && (f.dry || f.File != "" || cmd.Flags().Changed("filter") || cmd.Flags().Changed("recall")) {
		return terminal.UsageOf(cmd, fmt.Errorf("--ef stores a width without measuring: leave the other flags out"))
	}
	opts := &hannoy.SearchOptions{}
	var err error
	if opts.Filter, err = operand.FilterOf(cmd); err != nil {
		return err
	}
	ix, err := f.OpenIndex(cmd, f.dry)
	if err != nil {
		return err
	}
	defer ix.Close()
	if given {
		return f.store(cmd, ix)
	}
	var tuned hannoy.Recall
	bar := operand.NewBar(cmd)
	opts.Progress = func(done, total int) { bar.Set("scanning", int64(done), int64(total), -1) }
	err = ix.View(func(s *hannoy.Snapshot) error {
		queries, err := f.load(cmd, ix, s)
		if err == nil {
			tuned, err = s.TuneEf(cmd.Context(), queries, int(f.k), f.recall, opts)
		}
		return err
	})
	bar.Clear()
	if err != nil {
		return err
	}
	if !f.dry {
		if err := ix.SetEf(cmd.Context(), tuned.Ef); err != nil {
			return err
		}
	}
	if operand.WantsJSON(cmd) {
		return operand.PrintJSON(cmd, tuned)
	}
	_, err = fmt.Fprintf(cmd.OutOrStdout(), "ef %d: recall %.4f, give or take %.4f, and %s distances a query, on %s\n",
		tuned.Ef, tuned.Recall, tuned.Margin, terminal.Thousands(int64(tuned.Distances)), terminal.Plural(tuned.Queries, "query vector"))
	return err
}

// store stores the width that was given.
func (f *tuneFlags) store(cmd *cobra.Command, ix *hannoy.Index) error {
	err := ix.SetEf(cmd.Context(), f.ef)
	switch {
	case err != nil:
		return err
	case operand.WantsJSON(cmd):
		return operand.PrintJSON(cmd, map[string]int{"ef": f.ef})
	case f.ef == 0:
		_, err = fmt.Fprintf(cmd.OutOrStdout(), "ef %d, the default\n", hannoy.DefaultEf)
	default:
		_, err = fmt.Fprintf(cmd.OutOrStdout(), "ef %d\n", f.ef)
	}
	return err
}

func (f *tuneFlags) load(cmd *cobra.Command, ix *hannoy.Index, s *hannoy.Snapshot) (queries []hannoy.Query, err error) {
	if err := warn(cmd, &f.Location, s, int(f.k)); err != nil || f.File == "" {
		return nil, err
	}
	points, err := measure.QueriesOf(cmd, &f.Input, ix.Metric(), ix.Dimensions(), f.Location.String())
	for _, p := range points {
		queries = append(queries, p.Query())
	}
	return queries, err
}
