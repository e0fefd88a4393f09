// Package inspect has the commands of hannoyctl that say how an index is: its figures, its soundness, its records, a page with
// all of it.
package inspect

import "github.com/spf13/cobra"

// Commands are those that say how an index, or this program, is.
func Commands() []*cobra.Command {
	return []*cobra.Command{newStats(), newCheck(), newReport(), newDump(), newVersion()}
}
