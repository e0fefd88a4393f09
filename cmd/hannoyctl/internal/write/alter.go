package write

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"github.com/hannoydb/hannoy"
	"github.com/hannoydb/hannoy/cmd/hannoyctl/internal/operand"
	"github.com/hannoydb/hannoy/cmd/hannoyctl/internal/terminal"
)

const alterHelp = `Alter gives an index other parameters, with as little work as that takes:

  --ef-construction        is written down, for links from now on
  --codes                  the codes are computed anew, beside the graph
  --type                   all files are written anew, with the graph; every vector must be one that the type holds
  --metric, --m            all items are linked anew: what hannoyctl build --rebuild does
  --no-graph               gives the graph up: exact answers, slower, from a smaller file; build --rebuild gives one again

There is no way back from what that forgets: under cosine vectors are stored at length 1, but for those of type int8, and f16
rounds. hannoyctl compact --output keeps a copy.

Others read and write meanwhile, and go on with the new parameters when all is done. Whatever writes the files anew needs
room on disk for a second copy; killed at any moment, it leaves the old files or the new ones, whole.`

const alterExample = `  hannoyctl alter photos --codes none
  hannoyctl alter photos --type f16
  hannoyctl alter photos --metric cosine --m 24
  hannoyctl alter photos --no-graph`

type alterFlags struct {
	operand.Location
	turn
	metric         hannoy.Metric
	typ            hannoy.VectorType
	codes          hannoy.Codes
	m              terminal.Count
	efConstruction terminal.Count
	noGraph        bool
	threads        terminal.Count
	memory         terminal.ByteSize
}

func newAlter() *cobra.Command {
	f := &alterFlags{memory: 1 << 30}
	cmd := &cobra.Command{
		Use: "alter DB", Short: "give an index another metric, vector type, codes or M", Long: alterHelp, Example: alterExample, Args: f.OneDB,
		RunE: func(cmd *cobra.Command, _ []string) error { return f.run(cmd) },
	}
	f.Location.AddTo(cmd)
	f.turn.addTo(cmd)
	flags := cmd.Flags()
	flags.TextVar(&f.metric, "metric", hannoy.Metric(0), "`name`: euclidean, cosine, inner-product or manhattan")
	flags.TextVar(&f.typ, "type", hannoy.VectorType(0), "`name` of how numbers are stored: f32, f16 or int8")
	flags.TextVar(&f.codes, "codes", hannoy.CodesAuto, "`name` of what searches navigate on: auto, int8, binary or none")
	flags.Lookup("codes").DefValue = "" // those there are
	flags.Var(&f.m, "m", "links of a vector")
	flags.Var(&f.efConstruction, "ef-construction", "width of the search for links")
	flags.BoolVar(&f.noGraph, "no-graph", false, "give the graph up")
	flags.Var(&f.threads, "threads", "threads that build (default: all processors)")
	flags.Var(&f.memory, "memory", "memory that the build may use beyond the page cache")
	return cmd
}

// alterResult is what alter --json prints.
type alterResult struct {
	Index string `json:"index"`
	*hannoy.AlterReport
	Seconds float64 `json:"seconds"`
}

func (f *alterFlags) run(cmd *cobra.Command) error {
	if cmd.Flags().NFlag() == 0 {
		return terminal.UsageOf(cmd, errors.New("nothing is to be altered"))
	}
	if err := checkMemory(f.memory); err != nil {
		return terminal.UsageOf(cmd, err)
	}
	limitMemory(f.memory)
	ix, err := f.OpenIndex(cmd, false)
	if err != nil {
		return err
	}
	defer ix.Close()
	started := time.Now()
	bar := operand.NewBar(cmd)
	defer bar.Clear()
	share := copying(f.Dir)
	if f.typ != 0 {
		share = nil // the copy has another size
	}
	stop := sync.OnceFunc(bar.Busy("copying", share))
	build := terminal.Shown(&hannoy.BuildOptions{Threads: int(f.threads), MemoryBudget: int64(f.memory)}, bar)
	show := build.Progress
	build.Progress = func(p hannoy.BuildProgress) {
		stop()
		show(p)
	}
	opts := &hannoy.AlterOptions{
		Metric: f.metric, VectorType: f.typ, M: int(f.m), EfConstruction: int(f.efConstruction), NoGraph: f.noGraph, Build: build,
	}
	if cmd.Flags().Changed("codes") {
		opts.Codes = &f.codes
	}
	var report *hannoy.AlterReport
	err = f.take(cmd.Context(), func() (err error) {
		report, err = ix.Alter(cmd.Context(), opts)
		return err
	})
	stop()
	switch {
	case errors.Is(err, context.Canceled) && opts.Codes != nil:
		return terminal.WithHint(err, "all items are there; codes that are missing are written by the next build, or by the same command")
	case err != nil:
		return asItWas(err)
	}
	bar.Clear()
	result := alterResult{Index: f.Index, AlterReport: report, Seconds: terminal.Seconds(time.Since(started))}
	if operand.WantsJSON(cmd) {
		return operand.PrintJSON(cmd, result)
	}
	s := terminal.NewSheet(cmd.OutOrStdout())
	s.Line("index", "%s of %s", ix.Name(), ix.Path())
	switch {
	case report.NewGraph:
		s.Line("graph", "%s linked anew", terminal.Plural(report.Build.Linked, "item"))
	case f.noGraph:
		s.Line("graph", "%s", terminal.NoGraphText)
	default:
		s.Line("graph", "as it was")
	}
	if report.Rewritten {
		s.Line("size", "%s before, %s now", terminal.Bytes(report.BytesBefore), terminal.Bytes(report.BytesAfter))
		s.Line("caught up", "%s by others meanwhile", terminal.Plural(report.CaughtUp, "change"))
	}
	s.Line("time", "%.1f s", result.Seconds)
	return s.Flush()
}
