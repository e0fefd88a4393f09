package main

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/hannoydb/hannoy"
)

const checkHelp = `Check verifies the indexes of DB: every page of the file, the checksum and the form of every record, that the records
agree with each other, and the graph: no link leads nowhere, every item can be reached. It reads the file and not the
memory map until it has found the pages sound, beside whoever reads and writes. It changes nothing. With --fast it reads
the meta pages, the metadata and the counts alone. Exit status 4 means damaged.`

const checkExample = `  hannoyctl check photos
  hannoyctl check photos --index thumbnails --fast
  hannoyctl check photos --json | jq .problems`

func newCheck() *cobra.Command {
	var where location
	var o hannoy.CheckOptions
	cmd := &cobra.Command{
		Use: "check DB", Short: "verify the indexes", Long: checkHelp, Example: checkExample, Args: where.oneDB,
		RunE: func(cmd *cobra.Command, _ []string) error {
			o.Index = where.index
			report, err := hannoy.Check(cmd.Context(), where.dir, &o)
			if err != nil {
				return where.hint(err)
			}
			return where.show(cmd, report)
		},
	}
	cmd.Flags().StringVar(&where.index, "index", "", "only the graph of this index (default: all)")
	cmd.Flags().BoolVar(&o.Fast, "fast", false, "only meta pages, metadata and counts")
	return cmd
}

func (l *location) show(cmd *cobra.Command, report *hannoy.CheckReport) error {
	out := cmd.OutOrStdout()
	if wantsJSON(cmd) {
		if err := printJSON(out, report); err != nil {
			return err
		}
	} else {
		printCheck(out, l, report)
	}
	if report.Sound {
		return nil
	}
	return withHint(fmt.Errorf("%s has %s: %w", l.dir, plural(report.Found, "problem"), hannoy.ErrCorrupt),
		fmt.Sprintf("restore a backup, or build the index again; hannoyctl repair %s NEW saves what is sound", l.dir))
}

func printCheck(out io.Writer, l *location, r *hannoy.CheckReport) {
	for _, p := range r.Problems {
		fmt.Fprintf(out, "%s: %s: %s\n", p.Kind, p.Where, p.Text)
	}
	if more := r.Found - len(r.Problems); more > 0 {
		fmt.Fprintf(out, "and %s more\n", thousands(more))
	}
	s := newSheet(out)
	s.line("records", "%s in %s pages", thousands(r.Records), thousands(r.Pages))
	s.line("items", "%s live, %s unreachable", thousands(r.Live), thousands(r.Unreachable))
	if r.Sound {
		s.line("result", "sound")
	} else {
		s.line("result", "DAMAGED")
	}
	s.flush()
}
