// Package operand is what the commands of hannoyctl are given: an index in a directory, files of rows, keys as people write
// them, the text of a filter.
package operand

import (
	"bufio"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/hannoydb/hannoy/cmd/hannoyctl/internal/terminal"
)

// NoArgs wants no argument at all.
func NoArgs(cmd *cobra.Command, args []string) error {
	if len(args) > 0 {
		return terminal.UsageOf(cmd, fmt.Errorf("%s takes no argument, not %q", cmd.Name(), args[0]))
	}
	return nil
}

// WantsJSON reports whether the output is for a program: --json or --jsonl was given.
func WantsJSON(cmd *cobra.Command) bool {
	on, _ := cmd.Flags().GetBool("json")
	return on || WantsLines(cmd)
}

// WantsLines reports whether --jsonl was given.
func WantsLines(cmd *cobra.Command) bool {
	on, _ := cmd.Flags().GetBool("jsonl")
	return on
}

// PrintJSON prints a result: with --json for eyes too, with --jsonl on one line.
func PrintJSON(cmd *cobra.Command, result any) error {
	return terminal.PrintJSON(cmd.OutOrStdout(), result, !WantsLines(cmd))
}

// PrintRecords prints a result that is a list: with --json all of it, with --jsonl each record on a line.
func PrintRecords[T any](cmd *cobra.Command, result any, records []T) error {
	if !WantsLines(cmd) {
		return PrintJSON(cmd, result)
	}
	out := bufio.NewWriter(cmd.OutOrStdout())
	for _, record := range records {
		if err := terminal.PrintJSON(out, record, false); err != nil {
			return err
		}
	}
	return out.Flush()
}

// NewBar is the bar that --progress asks for, on standard error.
func NewBar(cmd *cobra.Command) *terminal.Bar {
	var how terminal.Progress
	if flag := cmd.Flags().Lookup("progress"); flag != nil {
		how = terminal.Progress(flag.Value.String())
	}
	return terminal.NewBar(cmd.ErrOrStderr(), how)
}
