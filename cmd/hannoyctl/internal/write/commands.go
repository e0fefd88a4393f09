// Package write has the commands of hannoyctl that change an index or its files.
package write

import "github.com/spf13/cobra"

// Commands are those that change an index or the files of one.
func Commands() []*cobra.Command {
	return []*cobra.Command{newBuild(), newPut(), newDelete(), newAlter(), newCompact(), newRepair()}
}
