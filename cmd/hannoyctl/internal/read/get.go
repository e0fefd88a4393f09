package read

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/hannoydb/hannoy"
	"github.com/hannoydb/hannoy/cmd/hannoyctl/internal/operand"
	"github.com/hannoydb/hannoy/cmd/hannoyctl/internal/terminal"
	"github.com/hannoydb/hannoy/internal/vecfile"
)

const getHelp = `Get prints one item, or those whose keys a JSONL stream gives ({"key": "a"} a line). A key that is not there gives exit status 3.

With --json an item is a line of JSONL, which put reads. Under cosine the vector is the stored one, scaled to length 1.`

const getExample = `  hannoyctl get photos --key cat.jpg
  hannoyctl get photos --key cat.jpg --json`

func newGet() *cobra.Command {
	f := &operand.ItemFlags{}
	cmd := &cobra.Command{
		Use: "get DB", Short: "print items", Long: getHelp, Example: getExample, Args: f.OneDB,
		RunE: func(cmd *cobra.Command, _ []string) error { return get(cmd, f) },
	}
	f.Location.AddTo(cmd)
	operand.AddUntrusted(cmd)
	f.Input.AddTo(cmd, "JSONL of keys")
	cmd.Flags().StringVar(&f.Key, "key", "", "key of the item")
	return cmd
}

func get(cmd *cobra.Command, f *operand.ItemFlags) error {
	if _, err := f.One(cmd); err != nil {
		return err
	}
	ix, err := f.OpenIndex(cmd, true)
	if err != nil {
		return err
	}
	defer ix.Close()
	out := bufio.NewWriter(cmd.OutOrStdout())
	asJSON := operand.WantsJSON(cmd)
	var missing error
	err = f.EachKey(cmd, ix, func(style operand.KeyStyle, keys [][]byte) error {
		return ix.View(func(s *hannoy.Snapshot) error {
			for _, key := range keys {
				item, err := s.Get(key)
				switch {
				case errors.Is(err, hannoy.ErrNotFound):
					missing = terminal.WithHint(fmt.Errorf("key %s of %s: %w", style.Text(key), &f.Location, hannoy.ErrNotFound),
						fmt.Sprintf("hannoyctl list %s --limit 10 shows some that are there", f.Dir))
				case err != nil:
					return err
				case asJSON:
					printLine(out, style.Row(item))
				default:
					printItem(out, style, item)
				}
			}
			return nil
		})
	})
	return errors.Join(err, out.Flush(), missing)
}

func printLine(out io.Writer, row *vecfile.Row) { fmt.Fprintf(out, "%s\n", row.AppendJSON(nil)) }

func printItem(out io.Writer, style operand.KeyStyle, item hannoy.Item) {
	s := terminal.NewSheet(out)
	s.Line("key", "%s", style.Text(item.Key))
	if item.Value != nil {
		s.Line("value", "%s", item.Value)
	}
	if len(item.Labels) > 0 {
		s.Line("labels", "%s", strings.Join(item.Labels, ", "))
	}
	if item.Bits != nil {
		s.Line("bits", "0x%x", item.Bits)
	} else {
		s.Line("vector", "%v", item.Vector)
	}
	s.Flush()
}
