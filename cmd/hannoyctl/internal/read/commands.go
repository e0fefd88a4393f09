// Package read has the commands of hannoyctl that answer: from an index, or from files of vectors.
package read

import "github.com/spf13/cobra"

// Commands are those that answer from an index, or from vectors alone.
func Commands() []*cobra.Command {
	return []*cobra.Command{newQuery(), newExplain(), newBench(), newTune(), newTruth(), newGet(), newList(), newLabels(), newExport()}
}
