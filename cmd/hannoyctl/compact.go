package main

import (
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/hannoydb/hannoy"
)

const compactHelp = `Compact writes a DB anew, with all its indexes, gives back the room that is no longer needed and lays items that are linked
close to each other, so that searches are faster. It needs room on disk for a second copy.

Others read and write meanwhile. Links around deleted items are repaired first, as hannoyctl build does. Killed at any
moment, it leaves the old files or the new ones, whole.

With --output the DB stays as it is and a compacted copy is written to another directory: a backup.`

const compactExample = `  hannoyctl compact photos
  hannoyctl compact photos --output /backup/photos`

type compactFlags struct {
	location
	output string
}

func newCompact() *cobra.Command {
	f := &compactFlags{}
	cmd := &cobra.Command{
		Use: "compact DB", Short: "write a DB anew, smaller and faster", Long: compactHelp, Example: compactExample, Args: f.oneDB,
		RunE: func(cmd *cobra.Command, _ []string) error { return f.run(cmd) },
	}
	cmd.Flags().StringVar(&f.output, "output", "", "`directory` for a copy, instead of DB itself")
	return cmd
}

// compactResult is what compact --json prints.
type compactResult struct {
	*hannoy.CompactReport
	Seconds float64 `json:"seconds"`
}

func (f *compactFlags) run(cmd *cobra.Command) error {
	names, err := hannoy.Indexes(f.dir)
	if err != nil {
		return err
	}
	if len(names) == 0 {
		return fmt.Errorf("%s has no index: %w", f.dir, hannoy.ErrNotFound)
	}
	started := time.Now()
	var ix *hannoy.Index
	for _, name := range names {
		f.index = name
		if ix, err = f.openIndex(cmd, f.output != ""); err != nil {
			return err
		}
		defer ix.Close()
		if f.output == "" {
			if _, err = buildGraph(cmd.Context(), ix, &hannoy.BuildOptions{}, newBar(cmd.ErrOrStderr())); err != nil {
				return err
			}
		}
	}
	var result compactResult
	if f.output != "" {
		result.CompactReport, err = ix.CompactTo(cmd.Context(), f.output)
	} else {
		result.CompactReport, err = ix.Compact(cmd.Context())
	}
	if err != nil {
		return err
	}
	result.Seconds = seconds(time.Since(started))
	if wantsJSON(cmd) {
		return printJSON(cmd.OutOrStdout(), result)
	}
	s := newSheet(cmd.OutOrStdout())
	s.line("size", "%s before, %s now", byteText(result.BytesBefore), byteText(result.BytesAfter))
	s.line("caught up", "%s by others meanwhile", plural(result.CaughtUp, "change"))
	s.line("time", "%.1f s", result.Seconds)
	return s.flush()
}
