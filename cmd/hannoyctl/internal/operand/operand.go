// Package operand is what the commands of hannoyctl are given: an index in a directory, files of rows, keys as people write
// them, the text of a filter.
package operand

import (
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

// WantsJSON reports whether --json was given.
func WantsJSON(cmd *cobra.Command) bool {
	on, _ := cmd.Flags().GetBool("json")
	return on
}
