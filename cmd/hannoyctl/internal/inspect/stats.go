package inspect

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/hannoydb/hannoy"
	"github.com/hannoydb/hannoy/cmd/hannoyctl/internal/operand"
	"github.com/hannoydb/hannoy/cmd/hannoyctl/internal/terminal"
)

const statsHelp = `Stats prints what an index holds: items, parameters, levels of the graph, and bytes by kind. It reads every record once.`

const statsExample = `  hannoyctl stats photos
  hannoyctl stats photos --json | jq .bytes`

func newStats() *cobra.Command {
	var where operand.Location
	cmd := &cobra.Command{
		Use: "stats DB", Short: "print the figures of an index", Long: statsHelp, Example: statsExample, Args: where.OneDB,
		RunE: func(cmd *cobra.Command, _ []string) error {
			ix, err := where.OpenIndex(cmd, true)
			if err != nil {
				return err
			}
			defer ix.Close()
			stats, err := ix.Stats()
			if err != nil {
				return err
			}
			if operand.WantsJSON(cmd) {
				return operand.PrintJSON(cmd, stats)
			}
			return printStats(cmd.OutOrStdout(), ix, stats)
		},
	}
	where.AddTo(cmd)
	operand.AddUntrusted(cmd)
	return cmd
}

func printStats(out io.Writer, ix *hannoy.Index, st *hannoy.Stats) error {
	s := terminal.NewSheet(out)
	s.Line("index", "%s of %s", ix.Name(), ix.Path())
	if st.Graph {
		s.Line("items", "%s: %s linked, %s pending", terminal.Thousands(st.Items), terminal.Thousands(st.Items-st.Pending), terminal.Thousands(st.Pending))
	} else {
		s.Line("items", "%s", terminal.Thousands(st.Items))
	}
	s.Line("slots", "%s dead, %s free", terminal.Thousands(st.Dead), terminal.Thousands(st.Free))
	s.Line("vectors", "%s dimensions, %s, %s, codes %s", terminal.Thousands(st.Dimensions), st.Metric, st.VectorType, st.Codes)
	s.Line("keys", "%s", st.Keys)
	if st.Graph {
		s.Line("graph", "m %d, m0 %d, ef construction %d, alpha %g, seed %d", st.M, st.M0, st.EfConstruction, st.Alpha, st.Seed)
		if st.Ef > 0 {
			s.Line("ef", "%d, unless a search says another", st.Ef)
		}
		s.Line("sequence", "%s, the graph covers %s", terminal.Thousands(st.Sequence), terminal.Thousands(st.GraphSequence))
	} else {
		s.Line("graph", "%s", terminal.NoGraphText)
		s.Line("sequence", "%s", terminal.Thousands(st.Sequence))
	}
	s.Line("readers", "%s of %s slots", terminal.Thousands(st.Readers), terminal.Thousands(st.MaxReaders))
	for _, h := range st.Held {
		s.Line("held", "a snapshot by process %d, for %.0f s, %s ago: it keeps %s of the file from being used again",
			h.PID, h.Seconds, terminal.Plural(int(h.Commits), "commit"), terminal.Bytes(h.Bytes))
	}
	if err := s.Flush(); err != nil {
		return err
	}
	if st.Graph {
		if err := printLevels(out, st); err != nil {
			return err
		}
	}
	return printBytes(out, st)
}

func printLevels(out io.Writer, st *hannoy.Stats) error {
	fmt.Fprintln(out)
	s := terminal.NewSheet(out)
	s.Row("level", "slots", "links", "mean degree", "max degree")
	for level := len(st.Levels) - 1; level >= 0; level-- {
		l := st.Levels[level]
		s.Row(fmt.Sprint(level), terminal.Thousands(l.Slots), terminal.Thousands(l.Links), fmt.Sprintf("%.1f", l.MeanDegree), fmt.Sprint(l.MaxDegree))
	}
	return s.Flush()
}

func printBytes(out io.Writer, st *hannoy.Stats) error {
	fmt.Fprintln(out)
	s := terminal.NewSheet(out)
	s.Row("bytes", "size", "per item")
	b := st.Bytes
	for _, kind := range []struct {
		name string
		n    int64
	}{
		{"vectors", b.Vectors}, {"codes", b.Codes}, {"links", b.Links}, {"keys", b.Keys}, {"values", b.Values},
		{"sets", b.Sets}, {"labels", b.Labels}, {"meta", b.Meta}, {"file", b.File}, {"file, free", b.Free}, {"file, held", b.Held},
	} {
		per := "-"
		if st.Items > 0 {
			per = fmt.Sprintf("%.1f", float64(kind.n)/float64(st.Items))
		}
		s.Row(kind.name, terminal.Bytes(kind.n), per)
	}
	return s.Flush()
}
