package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/hannoydb/hannoy"
)

const labelsHelp = `Labels lists the labels of an index with the number of items that have each, sorted by label.

Items get labels from put --label, build --labels and "labels" in JSONL; query --filter narrows answers by them.`

const labelsExample = `  hannoyctl labels photos
  hannoyctl labels photos --prefix lang: --json`

func newLabels() *cobra.Command {
	var where location
	var prefix string
	cmd := &cobra.Command{
		Use: "labels DB", Short: "list the labels with their counts", Long: labelsHelp, Example: labelsExample, Args: where.oneDB,
		RunE: func(cmd *cobra.Command, _ []string) error { return where.labels(cmd, prefix) },
	}
	where.addTo(cmd)
	addUntrusted(cmd)
	cmd.Flags().StringVar(&prefix, "prefix", "", "only labels that begin so")
	return cmd
}

func (l *location) labels(cmd *cobra.Command, prefix string) error {
	ix, err := l.openIndex(cmd, true)
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
	if wantsJSON(cmd) {
		return printJSON(cmd.OutOrStdout(), map[string]any{"labels": counts})
	}
	s := newSheet(cmd.OutOrStdout())
	for _, c := range counts {
		s.row(fmt.Sprint(c.Items), c.Label)
	}
	return s.flush()
}
