package read

import (
	"bufio"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/hannoydb/hannoy"
	"github.com/hannoydb/hannoy/cmd/hannoyctl/internal/operand"
	"github.com/hannoydb/hannoy/cmd/hannoyctl/internal/terminal"
)

const listHelp = `List prints the keys of an index, one a line, in the order in which they are stored.

With --json each is a line of JSONL; with --vectors the vectors, values and labels come too, as put and build read them.
--filter lists the items that have some labels, such as the chunks of one document.`

const listExample = `  hannoyctl list photos --limit 10
  hannoyctl list photos --vectors --json > backup.jsonl
  hannoyctl list chunks --filter doc:17 --json`

func newList() *cobra.Command {
	var where operand.Location
	var vectors bool
	var limit int
	cmd := &cobra.Command{
		Use: "list DB", Short: "print the keys", Long: listHelp, Example: listExample, Args: where.OneDB,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if limit < 0 {
				return terminal.UsageOf(cmd, fmt.Errorf("--limit %d: it must be at least 0, which is no limit", limit))
			}
			filter, err := operand.FilterOf(cmd)
			if err != nil {
				return err
			}
			return list(cmd, &where, filter, vectors, limit)
		},
	}
	where.AddTo(cmd)
	operand.AddUntrusted(cmd)
	operand.AddFilter(cmd, "only items with such labels")
	cmd.Flags().BoolVar(&vectors, "vectors", false, "print vectors, values and labels too")
	cmd.Flags().IntVar(&limit, "limit", 0, "print at most this many (0: all)")
	return cmd
}

func list(cmd *cobra.Command, l *operand.Location, filter *hannoy.Filter, vectors bool, limit int) error {
	ix, err := l.OpenIndex(cmd, true)
	if err != nil {
		return err
	}
	defer ix.Close()
	style := operand.StyleOf(ix)
	out := bufio.NewWriter(cmd.OutOrStdout())
	asJSON := operand.WantsJSON(cmd)
	err = ix.View(func(s *hannoy.Snapshot) error {
		n := 0
		for item, err := range s.Matching(cmd.Context(), filter) {
			if err != nil {
				return err
			}
			if !vectors {
				item = hannoy.Item{Key: item.Key}
			}
			switch {
			case asJSON:
				printLine(out, style.Row(item))
			case vectors:
				printItem(out, style, item)
			default:
				fmt.Fprintln(out, style.Text(item.Key))
			}
			if n++; n == limit {
				break
			}
		}
		return nil
	})
	return errors.Join(err, out.Flush())
}
