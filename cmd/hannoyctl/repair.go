package main

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/hannoydb/hannoy"
)

const repairHelp = `Repair saves what is sound in the damaged SRC into a new directory DST and builds the indexes there anew. SRC is only
read; nobody may write to it meanwhile. What is saved is byte for byte as it was stored: key, vector, value, labels. What
is lost is printed, --json lists the keys.`

const repairExample = `  hannoyctl repair photos photos.new
  hannoyctl repair photos photos.new --json | jq '.indexes[].lost_keys'`

func newRepair() *cobra.Command {
	return &cobra.Command{
		Use: "repair SRC DST", Short: "save what is sound of a damaged DB into a new one", Long: repairHelp, Example: repairExample,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) != 2 {
				return usageOf(cmd, fmt.Errorf("repair needs SRC, the damaged directory, and DST, the new one"))
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			report, err := hannoy.Repair(cmd.Context(), args[0], args[1], nil)
			if err != nil {
				return err
			}
			if wantsJSON(cmd) {
				return printJSON(cmd.OutOrStdout(), report)
			}
			printRepair(cmd.OutOrStdout(), report)
			return nil
		},
	}
}

func printRepair(out io.Writer, r *hannoy.RepairReport) {
	s := newSheet(out)
	s.line("pages", "%s, %s of the trees damaged", thousands(r.Pages), thousands(r.DamagedPages))
	s.line("records", "%s damaged, beside vectors and values", thousands(r.BadRecords))
	for _, x := range r.Indexes {
		s.line("index", "%s", x.Index)
		switch {
		case x.Problem != "":
			s.line("saved", "nothing: %s", x.Problem)
			continue
		case x.Expected < 0:
			s.line("saved", "%s; what tells how many there were is lost", plural(x.Items, "item"))
		default:
			s.line("saved", "%s of %s", thousands(x.Items), plural(x.Expected, "item"))
		}
		s.line("lost", "%s, %s, %s that may have been deleted, %s",
			plural(x.Vectors, "vector"), plural(x.Values, "value"), plural(x.Doubtful, "item"), plural(x.Conflicts, "contradiction"))
	}
	s.flush()
}
