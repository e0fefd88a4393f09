package main

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/hannoydb/hannoy"
)

const checkHelp = `Check verifies an index: the checksum and the form of every record, that the records agree with each other, and the
graph: no link leads nowhere, every item can be reached. It changes nothing. Exit status 4 means damaged.`

const checkExample = `  hannoyctl check photos
  hannoyctl check photos --json | jq .problems`

func newCheck() *cobra.Command {
	var where location
	cmd := &cobra.Command{
		Use: "check DB", Short: "verify an index", Long: checkHelp, Example: checkExample, Args: where.oneDB,
		RunE: func(cmd *cobra.Command, _ []string) error {
			report, err := where.check(cmd.Context())
			if err != nil {
				return err
			}
			return where.show(cmd, report)
		},
	}
	where.addTo(cmd)
	return cmd
}

// check verifies the index. One that is too damaged to open has that for its problem.
func (l *location) check(ctx context.Context) (*hannoy.CheckReport, error) {
	ix, err := l.openIndex(true)
	if errors.Is(err, hannoy.ErrCorrupt) {
		return &hannoy.CheckReport{Found: 1, Problems: []hannoy.Problem{{Kind: "file", Where: l.dir, Text: err.Error()}}}, nil
	}
	if err != nil {
		return nil, err
	}
	defer ix.Close()
	return ix.Check(ctx)
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
	return withHint(fmt.Errorf("%s has %s: %w", l, plural(report.Found, "problem"), hannoy.ErrCorrupt),
		"restore a backup, or build the index again from its source")
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
