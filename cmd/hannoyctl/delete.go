package main

import (
	"github.com/spf13/cobra"

	"github.com/hannoydb/hannoy"
)

const deleteHelp = `Delete removes one item, or those whose keys a JSONL stream gives ({"key": "a"} a line). A key that is not there is no error.

Deleted items vanish from answers at once; hannoyctl build repairs the graph around them and frees their room.`

const deleteExample = `  hannoyctl delete photos --key cat.jpg
  hannoyctl list old --json | hannoyctl delete photos --input -`

func newDelete() *cobra.Command {
	f := &itemFlags{}
	cmd := &cobra.Command{
		Use: "delete DB", Short: "remove items", Long: deleteHelp, Example: deleteExample, Args: f.oneDB,
		RunE: func(cmd *cobra.Command, _ []string) error { return f.delete(cmd) },
	}
	f.location.addTo(cmd)
	addUntrusted(cmd)
	f.input.addTo(cmd, "JSONL of keys")
	cmd.Flags().StringVar(&f.key, "key", "", "key of the item")
	return cmd
}

func (f *itemFlags) delete(cmd *cobra.Command) error {
	if _, err := f.one(cmd); err != nil {
		return err
	}
	ix, err := f.openIndex(cmd, false)
	if err != nil {
		return err
	}
	defer ix.Close()
	var result changeResult
	err = f.eachKey(cmd, ix, func(_ keyStyle, keys [][]byte) error {
		n, err := ix.Update(cmd.Context(), func(b *hannoy.Batch) error {
			for _, key := range keys {
				if err := b.Delete(key); err != nil {
					return err
				}
			}
			return nil
		})
		result.Changed += int64(n)
		return err
	})
	if err != nil {
		return err
	}
	if result.Sequence, err = sequenceOf(ix); err != nil {
		return err
	}
	return result.show(cmd, "deleted")
}
