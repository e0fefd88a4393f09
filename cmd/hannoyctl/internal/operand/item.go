package operand

import (
	"bytes"
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/hannoydb/hannoy"
	"github.com/hannoydb/hannoy/cmd/hannoyctl/internal/terminal"
	"github.com/hannoydb/hannoy/internal/vecfile"
)

// ItemFlags are those of the commands about single items.
type ItemFlags struct {
	Location
	Input
	Key string
}

// One reports whether the command is about the item that --key names; a stream must be named otherwise, not both.
func (f *ItemFlags) One(cmd *cobra.Command) (bool, error) {
	if (f.File == "") == !cmd.Flags().Changed("key") {
		return false, terminal.UsageOf(cmd, fmt.Errorf("%s needs either --key or --input", cmd.Name()))
	}
	return f.File == "", nil
}

// Keyed opens the stream, which must be of a format that has keys.
func (f *ItemFlags) Keyed(cmd *cobra.Command, opts vecfile.Options) (*vecfile.Reader, error) {
	r, err := f.OpenRows(cmd, opts, vecfile.JSONL)
	if err == nil && !r.Format().Keyed() {
		r.Close()
		return nil, terminal.WithHint(terminal.Usagef("%s takes JSONL, CSV or TSV, which have keys, not %s", cmd.Name(), r.Format()),
			"hannoyctl build puts the rows of other formats under their row numbers")
	}
	return r, err
}

// keyBatch keys are looked up or deleted at a time.
const keyBatch = 4096

// EachKey calls fn with the keys of the command, some at a time.
func (f *ItemFlags) EachKey(cmd *cobra.Command, ix *hannoy.Index, fn func(style KeyStyle, keys [][]byte) error) error {
	style := StyleOf(ix)
	if f.File == "" {
		key, err := style.Parse([]byte(f.Key))
		if err != nil {
			return err
		}
		return fn(style, [][]byte{key})
	}
	r, err := f.Keyed(cmd, vecfile.Options{KeysOnly: true})
	if err != nil {
		return err
	}
	defer r.Close()
	var keys [][]byte
	for {
		row, err := r.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			return err
		}
		if row.Key == nil {
			return r.RowError(row, errors.New("the row has no key"), "")
		}
		key, err := style.Parse(bytes.Clone(row.Key))
		if err != nil {
			return r.RowError(row, err, terminal.HintFor(err))
		}
		if keys = append(keys, key); len(keys) == keyBatch {
			if err := fn(style, keys); err != nil {
				return err
			}
			keys = keys[:0]
		}
	}
	if len(keys) == 0 {
		return nil
	}
	return fn(style, keys)
}
