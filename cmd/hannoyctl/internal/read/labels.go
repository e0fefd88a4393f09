package read

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/hannoydb/hannoy"
	"github.com/hannoydb/hannoy/cmd/hannoyctl/internal/operand"
	"github.com/hannoydb/hannoy/cmd/hannoyctl/internal/terminal"
)

const labelsHelp = `Labels lists the labels of an index with the number of items that have each, sorted by label.

Items get labels from put --label, build --labels and "labels" in JSONL; query --filter narrows answers by them.`

const labelsExample = `  hannoyctl labels photos
  hannoyctl labels photos --prefix lang: --json`

func newLabels() *cobra.Command {
	var where operand.Location
	var prefix string
	cmd := &cobra.Command{
		Use: "labels DB", Short: "list the labels with their counts", Long: labelsHelp, Example: labelsExample, Args: where.OneDB,
		RunE: func(cmd *cobra.Command, _ []string) error { return listLabels(cmd, &where, prefix) },
	}
	where.AddTo(cmd)
	operand.AddUntrusted(cmd)
	cmd.Flags().StringVar(&prefix, "prefix", "", "only labels that begin so")
	return cmd
}

func listLabels(cmd *cobra.Command, l *operand.Location, prefix string) error {
	ix, err := l.OpenIndex(cmd, true)
	if err != nil {
		return err
	}
	defer ix.Close()
	var counts []hannoy.LabelCount
	err = ix.View(func(s *hannoy.Snapshot) error {
		counts, err = s.Labels(prefix)
		return err
	})
	if err != nil {
		return err
	}
	if operand.WantsJSON(cmd) {
		return operand.PrintRecords(cmd, map[string]any{"labels": counts}, counts)
	}
	s := terminal.NewSheet(cmd.OutOrStdout())
	for _, c := range counts {
		s.Row(fmt.Sprint(c.Items), c.Label)
	}
	return s.Flush()
}
