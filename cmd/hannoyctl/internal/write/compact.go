package write

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/hannoydb/hannoy"
	"github.com/hannoydb/hannoy/cmd/hannoyctl/internal/measure"
	"github.com/hannoydb/hannoy/cmd/hannoyctl/internal/operand"
	"github.com/hannoydb/hannoy/cmd/hannoyctl/internal/terminal"
	"github.com/hannoydb/hannoy/kv"
)

const compactHelp = `Compact writes a DB anew, with all its indexes, gives back the room that is no longer needed and lays items that are linked
close to each other, so that searches are faster. It needs room on disk for a second copy.

Others read and write meanwhile. Links around deleted items are repaired first, as hannoyctl build does. Killed at any
moment, it leaves the old files or the new ones, whole.

With --output the DB stays as it is and a compacted copy is written to another directory, a new or an empty one: a backup.`

const compactExample = `  hannoyctl compact photos
  hannoyctl compact photos --output backup/photos`

type compactFlags struct {
	operand.Location
	turn
	output string
}

func newCompact() *cobra.Command {
	f := &compactFlags{}
	cmd := &cobra.Command{
		Use: "compact DB", Short: "write a DB anew, smaller and faster", Long: compactHelp, Example: compactExample, Args: f.OneDB,
		RunE: func(cmd *cobra.Command, _ []string) error { return f.run(cmd) },
	}
	f.turn.addTo(cmd)
	cmd.Flags().StringVar(&f.output, "output", "", "`directory` for a copy, instead of DB itself")
	return cmd
}

// compactResult is what compact --json prints.
type compactResult struct {
	*hannoy.CompactReport
	Seconds float64 `json:"seconds"`
}

func (f *compactFlags) run(cmd *cobra.Command) error {
	names, err := hannoy.Indexes(f.Dir)
	if err != nil {
		return err
	}
	if len(names) == 0 {
		return fmt.Errorf("%s has no index: %w", f.Dir, hannoy.ErrNotFound)
	}
	started := time.Now()
	var ix *hannoy.Index
	for _, name := range names {
		f.Index = name
		if ix, err = f.OpenIndex(cmd, f.output != ""); err != nil {
			return err
		}
		defer ix.Close()
		if f.output == "" {
			err = f.take(cmd.Context(), func() error {
				_, err := terminal.BuildGraph(cmd.Context(), ix, &hannoy.BuildOptions{}, operand.NewBar(cmd))
				return err
			})
			if err != nil {
				return asItWas(err)
			}
		}
	}
	var result compactResult
	stop := operand.NewBar(cmd).Busy("copying", copying(f.Dir))
	if f.output != "" {
		result.CompactReport, err = ix.CompactTo(cmd.Context(), f.output)
	} else {
		err = f.take(cmd.Context(), func() (err error) {
			result.CompactReport, err = ix.Compact(cmd.Context())
			return err
		})
	}
	stop()
	if errors.Is(err, context.Canceled) && f.output != "" {
		return terminal.WithHint(err, "no copy was made; the same command begins again")
	}
	if err != nil {
		return asItWas(err)
	}
	result.Seconds = terminal.Seconds(time.Since(started))
	if operand.WantsJSON(cmd) {
		return operand.PrintJSON(cmd, result)
	}
	s := terminal.NewSheet(cmd.OutOrStdout())
	s.Line("size", "%s before, %s now", terminal.Bytes(result.BytesBefore), terminal.Bytes(result.BytesAfter))
	s.Line("caught up", "%s by others meanwhile", terminal.Plural(result.CaughtUp, "change"))
	s.Line("time", "%.1f s", result.Seconds)
	return s.Flush()
}

// copying tells how much of a copy of the directory has been written, 0 to 1.
func copying(dir string) func() float64 {
	var bytes int64 // stays 0, and the share is not known, where it cannot be told
	_ = kv.Peek(dir, func(s *kv.Snapshot) error {
		usage, err := s.Usage()
		bytes = usage.TreePages * usage.PageBytes
		return err
	})
	return measure.Writing(bytes)
}

// asItWas says what is there after an interrupt.
func asItWas(err error) error {
	if errors.Is(err, context.Canceled) {
		return terminal.WithHint(err, "all items are there, in the files and with the parameters that there were; the same command begins again")
	}
	return err
}
