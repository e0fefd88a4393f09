package write

import (
	"github.com/spf13/cobra"

	"github.com/hannoydb/hannoy"
	"github.com/hannoydb/hannoy/cmd/hannoyctl/internal/operand"
)

const deleteHelp = `Delete removes one item, or those whose keys a JSONL stream gives ({"key": "a"} a line). A key that is not there is no error.

Deleted items vanish from answers at once; hannoyctl build repairs the graph around them and frees their room.`

const deleteExample = `  hannoyctl delete photos --key cat.jpg
  hannoyctl list chunks --filter doc:17 --json | hannoyctl delete chunks --input -`

func newDelete() *cobra.Command {
	f := &operand.ItemFlags{}
	cmd := &cobra.Command{
		Use: "delete DB", Short: "remove items", Long: deleteHelp, Example: deleteExample, Args: f.OneDB,
		RunE: func(cmd *cobra.Command, _ []string) error { return remove(cmd, f) },
	}
	f.Location.AddTo(cmd)
	operand.AddUntrusted(cmd)
	f.Input.AddTo(cmd, "JSONL of keys")
	cmd.Flags().StringVar(&f.Key, "key", "", "key of the item")
	return cmd
}

func remove(cmd *cobra.Command, f *operand.ItemFlags) error {
	if _, err := f.One(cmd); err != nil {
		return err
	}
	ix, err := f.OpenIndex(cmd, false)
	if err != nil {
		return err
	}
	defer ix.Close()
	var result changeResult
	err = f.EachKey(cmd, ix, func(_ operand.KeyStyle, keys [][]byte) error {
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
