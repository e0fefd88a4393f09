package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/hannoydb/hannoy"
	"github.com/hannoydb/hannoy/internal/vecfile"
)

const getHelp = `Get prints one item, or those whose keys a JSONL stream gives ({"key": "a"} a line). A key that is not there gives exit status 3.

With --json an item is a line of JSONL, which put reads. Under cosine the vector is the stored one, scaled to length 1.`

const getExample = `  hannoyctl get photos --key cat.jpg
  hannoyctl get photos --key cat.jpg --json`

func newGet() *cobra.Command {
	f := &itemFlags{}
	cmd := &cobra.Command{
		Use: "get DB", Short: "print items", Long: getHelp, Example: getExample, Args: f.oneDB,
		RunE: func(cmd *cobra.Command, _ []string) error { return f.get(cmd) },
	}
	f.location.addTo(cmd)
	addUntrusted(cmd)
	f.input.addTo(cmd, "JSONL of keys")
	cmd.Flags().StringVar(&f.key, "key", "", "key of the item")
	return cmd
}

func (f *itemFlags) get(cmd *cobra.Command) error {
	if _, err := f.one(cmd); err != nil {
		return err
	}
	ix, err := f.openIndex(cmd, true)
	if err != nil {
		return err
	}
	defer ix.Close()
	out := bufio.NewWriter(cmd.OutOrStdout())
	asJSON := wantsJSON(cmd)
	var missing error
	err = f.eachKey(cmd, ix, func(style keyStyle, keys [][]byte) error {
		return ix.View(func(s *hannoy.Snapshot) error {
			for _, key := range keys {
				item, err := s.Get(key)
				switch {
				case errors.Is(err, hannoy.ErrNotFound):
					missing = withHint(fmt.Errorf("key %s of %s: %w", style.text(key), &f.location, hannoy.ErrNotFound),
						fmt.Sprintf("hannoyctl list %s --limit 10 shows some that are there", f.dir))
				case err != nil:
					return err
				case asJSON:
					printLine(out, style.row(item))
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

func printItem(out io.Writer, style keyStyle, item hannoy.Item) {
	s := newSheet(out)
	s.line("key", "%s", style.text(item.Key))
	if item.Value != nil {
		s.line("value", "%s", item.Value)
	}
	if len(item.Labels) > 0 {
		s.line("labels", "%s", strings.Join(item.Labels, ", "))
	}
	if item.Bits != nil {
		s.line("bits", "0x%x", item.Bits)
	} else {
		s.line("vector", "%v", item.Vector)
	}
	s.flush()
}
