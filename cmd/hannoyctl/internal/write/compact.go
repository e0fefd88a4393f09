package write

import (
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/hannoydb/hannoy"
	"github.com/hannoydb/hannoy/cmd/hannoyctl/internal/operand"
	"github.com/hannoydb/hannoy/cmd/hannoyctl/internal/terminal"
)

const compactHelp = `Compact writes a DB anew, with all its indexes, gives back the room that is no longer needed and lays items that are linked
close to each other, so that searches are faster. It needs room on disk for a second copy.

Others read and write meanwhile. Links around deleted items are repaired first, as hannoyctl build does. Killed at any
moment, it leaves the old files or the new ones, whole.

With --output the DB stays as it is and a compacted copy is written to another directory: a backup.`

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
				return err
			}
		}
	}
	var result compactResult
	stop := operand.NewBar(cmd).Busy("copying", nil)
	if f.output != "" {
		result.CompactReport, err = ix.CompactTo(cmd.Context(), f.output)
	} else {
		err = f.take(cmd.Context(), func() (err error) {
			result.CompactReport, err = ix.Compact(cmd.Context())
			return err
		})
	}
	stop()
	if err != nil {
		return err
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
