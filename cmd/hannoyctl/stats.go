package main

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/hannoydb/hannoy"
)

const statsHelp = `Stats prints what an index holds: items, parameters, levels of the graph, and bytes by kind. It reads every record once.`

const statsExample = `  hannoyctl stats photos
  hannoyctl stats photos --json | jq .bytes`

func newStats() *cobra.Command {
	var where location
	cmd := &cobra.Command{
		Use: "stats DB", Short: "print the figures of an index", Long: statsHelp, Example: statsExample, Args: where.oneDB,
		RunE: func(cmd *cobra.Command, _ []string) error {
			ix, err := where.openIndex(cmd, true)
			if err != nil {
				return err
			}
			defer ix.Close()
			stats, err := ix.Stats()
			if err != nil {
				return err
			}
			if wantsJSON(cmd) {
				return printJSON(cmd.OutOrStdout(), stats)
			}
			return printStats(cmd.OutOrStdout(), ix, stats)
		},
	}
	where.addTo(cmd)
	addUntrusted(cmd)
	return cmd
}

const noGraphText = "none: queries compare with every item"

func printStats(out io.Writer, ix *hannoy.Index, st *hannoy.Stats) error {
	s := newSheet(out)
	s.line("index", "%s of %s", ix.Name(), ix.Path())
	if st.Graph {
		s.line("items", "%s: %s linked, %s pending", thousands(st.Items), thousands(st.Items-st.Pending), thousands(st.Pending))
	} else {
		s.line("items", "%s", thousands(st.Items))
	}
	s.line("slots", "%s dead, %s free", thousands(st.Dead), thousands(st.Free))
	s.line("vectors", "%s dimensions, %s, %s, codes %s", thousands(st.Dimensions), st.Metric, st.VectorType, st.Codes)
	s.line("keys", "%s", st.Keys)
	if st.Graph {
		s.line("graph", "m %d, m0 %d, ef construction %d, alpha %g, seed %d", st.M, st.M0, st.EfConstruction, st.Alpha, st.Seed)
		if st.Ef > 0 {
			s.line("ef", "%d, unless a search says another", st.Ef)
		}
		s.line("sequence", "%s, the graph covers %s", thousands(st.Sequence), thousands(st.GraphSequence))
	} else {
		s.line("graph", "%s", noGraphText)
		s.line("sequence", "%s", thousands(st.Sequence))
	}
	s.line("readers", "%s of %s slots", thousands(st.Readers), thousands(st.MaxReaders))
	for _, h := range st.Held {
		s.line("held", "a snapshot by process %d, for %.0f s, %s ago: it keeps %s of the file from being used again",
			h.PID, h.Seconds, plural(int(h.Commits), "commit"), byteText(h.Bytes))
	}
	if err := s.flush(); err != nil {
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
	s := newSheet(out)
	s.row("level", "slots", "links", "mean degree", "max degree")
	for level := len(st.Levels) - 1; level >= 0; level-- {
		l := st.Levels[level]
		s.row(fmt.Sprint(level), thousands(l.Slots), thousands(l.Links), fmt.Sprintf("%.1f", l.MeanDegree), fmt.Sprint(l.MaxDegree))
	}
	return s.flush()
}

func printBytes(out io.Writer, st *hannoy.Stats) error {
	fmt.Fprintln(out)
	s := newSheet(out)
	s.row("bytes", "size", "per item")
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
		s.row(kind.name, byteText(kind.n), per)
	}
	return s.flush()
}
