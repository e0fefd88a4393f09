package inspect

import (
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"github.com/hannoydb/hannoy"
	"github.com/hannoydb/hannoy/cmd/hannoyctl/internal/measure"
	"github.com/hannoydb/hannoy/cmd/hannoyctl/internal/operand"
	"github.com/hannoydb/hannoy/cmd/hannoyctl/internal/terminal"
)

const checkHelp = `Check verifies the indexes of DB: every page of the file, the checksum and the form of every record, that the records
agree with each other, and the graph: no link leads nowhere, every item can be reached. It reads the file and not the
memory map until it has found the pages sound, beside whoever reads and writes. It changes nothing. With --fast it reads
the meta pages, the metadata and the counts alone. Exit status 4 means damaged.`

const checkExample = `  hannoyctl check photos
  hannoyctl check photos --index thumbnails --fast
  hannoyctl check photos --json | jq .problems`

func newCheck() *cobra.Command {
	var where operand.Location
	var o hannoy.CheckOptions
	cmd := &cobra.Command{
		Use: "check DB", Short: "verify the indexes", Long: checkHelp, Example: checkExample, Args: where.OneDB,
		RunE: func(cmd *cobra.Command, _ []string) error {
			o.Index = where.Index
			report, err := checked(cmd, where.Dir, &o)
			if err != nil {
				return where.Hint(err)
			}
			return showCheck(cmd, &where, report)
		},
	}
	cmd.Flags().StringVar(&where.Index, "index", "", "only the graph of this index (default: all)")
	cmd.Flags().BoolVar(&o.Fast, "fast", false, "only meta pages, metadata and counts")
	return cmd
}

// checked checks, and shows how far that is: the file is read once before anything else, and once for each index.
func checked(cmd *cobra.Command, dir string, o *hannoy.CheckOptions) (*hannoy.CheckReport, error) {
	var bytes int64
	if info, err := os.Stat(operand.DataFile(dir)); err == nil && !o.Fast {
		bytes = 2 * info.Size()
		if names, err := hannoy.Indexes(dir); err == nil && o.Index == "" {
			bytes = int64(1+len(names)) * info.Size()
		}
	}
	defer operand.NewBar(cmd).Busy("checking", measure.Reading(bytes))()
	return hannoy.Check(cmd.Context(), dir, o)
}

func showCheck(cmd *cobra.Command, l *operand.Location, report *hannoy.CheckReport) error {
	out := cmd.OutOrStdout()
	if operand.WantsJSON(cmd) {
		if err := operand.PrintRecords(cmd, report, report.Problems); err != nil {
			return err
		}
	} else {
		printCheck(out, report)
	}
	return unsound(l, report)
}

// unsound is the error of an index that is damaged.
func unsound(l *operand.Location, report *hannoy.CheckReport) error {
	if report.Sound {
		return nil
	}
	return terminal.WithHint(fmt.Errorf("%s has %s: %w", l.Dir, terminal.Plural(report.Found, "problem"), hannoy.ErrCorrupt),
		fmt.Sprintf("restore a backup, or build the index again; hannoyctl repair %s NEW saves what is sound", l.Dir))
}

func printCheck(out io.Writer, r *hannoy.CheckReport) {
	for _, p := range r.Problems {
		fmt.Fprintf(out, "%s: %s: %s\n", p.Kind, p.Where, p.Text)
	}
	if more := r.Found - len(r.Problems); more > 0 {
		fmt.Fprintf(out, "and %s more\n", terminal.Thousands(more))
	}
	s := terminal.NewSheet(out)
	s.Line("records", "%s in %s pages", terminal.Thousands(r.Records), terminal.Thousands(r.Pages))
	s.Line("graph", "%s linked, %s unreachable", terminal.Thousands(r.Live), terminal.Thousands(r.Unreachable))
	if r.Sound {
		s.Line("result", "sound")
	} else {
		s.Line("result", "DAMAGED")
	}
	s.Flush()
}
