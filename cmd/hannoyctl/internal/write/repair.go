package write

import (
	"fmt"
	"io"
	"sync"

	"github.com/spf13/cobra"

	"github.com/hannoydb/hannoy"
	"github.com/hannoydb/hannoy/cmd/hannoyctl/internal/operand"
	"github.com/hannoydb/hannoy/cmd/hannoyctl/internal/terminal"
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
				return terminal.UsageOf(cmd, fmt.Errorf("repair needs SRC, the damaged directory, and DST, the new one"))
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			bar := operand.NewBar(cmd)
			stop := sync.OnceFunc(bar.Busy("saving", nil))
			build := terminal.Shown(&hannoy.BuildOptions{}, bar)
			show := build.Progress
			build.Progress = func(p hannoy.BuildProgress) { stop(); show(p) }
			report, err := hannoy.Repair(cmd.Context(), args[0], args[1], build)
			stop()
			bar.Clear()
			if err != nil {
				return err
			}
			if operand.WantsJSON(cmd) {
				return operand.PrintRecords(cmd, report, report.Indexes)
			}
			printRepair(cmd.OutOrStdout(), report)
			return nil
		},
	}
}

func printRepair(out io.Writer, r *hannoy.RepairReport) {
	s := terminal.NewSheet(out)
	s.Line("pages", "%s, %s of the trees damaged", terminal.Thousands(r.Pages), terminal.Thousands(r.DamagedPages))
	s.Line("records", "%s damaged, beside vectors and values", terminal.Thousands(r.BadRecords))
	for _, x := range r.Indexes {
		s.Line("index", "%s", x.Index)
		switch {
		case x.Problem != "":
			s.Line("saved", "nothing: %s", x.Problem)
			continue
		case x.Expected < 0:
			s.Line("saved", "%s; what tells how many there were is lost", terminal.Plural(x.Items, "item"))
		default:
			s.Line("saved", "%s of %s", terminal.Thousands(x.Items), terminal.Plural(x.Expected, "item"))
		}
		s.Line("lost", "%s, %s, %s that may have been deleted, %s",
			terminal.Plural(x.Vectors, "vector"), terminal.Plural(x.Values, "value"), terminal.Plural(x.Doubtful, "item"), terminal.Plural(x.Conflicts, "contradiction"))
	}
	s.Flush()
}
