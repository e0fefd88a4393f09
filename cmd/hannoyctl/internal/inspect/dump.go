package inspect

import (
	"bufio"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/hannoydb/hannoy/cmd/hannoyctl/internal/operand"
	"github.com/hannoydb/hannoy/cmd/hannoyctl/internal/terminal"
	"github.com/hannoydb/hannoy/codec"
	"github.com/hannoydb/hannoy/kv"
)

const dumpHelp = `Dump prints every record of DB in key order: its name, length and checksum, and what it says. Vectors are shown by their
checksum alone. Two indexes with equal dumps hold equal bytes.

With --explain it prints one record byte range by byte range. The record is named as the dump names it, or by its key
in hexadecimal.`

const dumpExample = `  hannoyctl dump photos --index default
  hannoyctl dump photos --explain 'links index=1 level=0 block=0'
  diff <(hannoyctl dump a) <(hannoyctl dump b)`

func newDump() *cobra.Command {
	d := &dumper{}
	cmd := &cobra.Command{
		Use: "dump DB", Short: "print the records", Long: dumpHelp, Example: dumpExample, Args: d.OneDB,
		RunE: func(cmd *cobra.Command, _ []string) error {
			env, err := kv.Open(d.Dir, kv.Options{ReadOnly: true})
			if err != nil {
				return d.Hint(err)
			}
			defer env.Close()
			out := bufio.NewWriter(cmd.OutOrStdout())
			err = d.dump(cmd, env, out)
			return errors.Join(err, out.Flush())
		},
	}
	cmd.Flags().StringVar(&d.Index, "index", "", "only the records of this index (default: all records)")
	cmd.Flags().StringVar(&d.explain, "explain", "", "explain the bytes of one record")
	return cmd
}

// A dumper prints the records of an environment, or one of them.
type dumper struct {
	operand.Location // without an index: all of them
	explain          string
	snap             *kv.Snapshot
	damaged          int
}

// errFound ends a scan early.
var errFound = errors.New("found")

func (d *dumper) dump(cmd *cobra.Command, env *kv.Env, out io.Writer) (err error) {
	if d.snap, err = env.Acquire(); err != nil {
		return err
	}
	defer d.snap.Release()
	var prefix []byte
	if d.Index != "" {
		id, err := d.snap.FindIndex(d.Index)
		if err != nil {
			return err
		}
		prefix = codec.MetaKey(id)[:2] // every key begins with the index's id
	}
	asJSON := operand.WantsJSON(cmd)
	err = d.snap.ScanUnverified(prefix, func(key, value []byte) error {
		if err := cmd.Context().Err(); err != nil {
			return err
		}
		if d.explain != "" {
			if codec.FormatKey(key) != d.explain && hex.EncodeToString(key) != d.explain {
				return nil
			}
			explainRecord(out, key, value, d.meta(key))
			return errFound
		}
		return d.record(out, asJSON, key, value)
	})
	switch {
	case errors.Is(err, errFound):
		return nil
	case err == nil && d.explain != "":
		return terminal.WithHint(fmt.Errorf("record %q: %w", d.explain, kv.ErrNotFound), "hannoyctl dump DB lists the records by their names")
	case err == nil && d.damaged > 0:
		return fmt.Errorf("%s: %w", terminal.Plural(d.damaged, "record"), codec.ErrCorrupt)
	}
	return err
}

func (d *dumper) record(out io.Writer, asJSON bool, key, value []byte) error {
	if _, err := codec.Open(key, value); err != nil {
		d.damaged++
	}
	text := codec.Describe(key, value, d.meta(key))
	if !asJSON {
		_, err := io.WriteString(out, text)
		return err
	}
	_, says, _ := strings.Cut(text, "\n")
	return json.NewEncoder(out).Encode(map[string]any{
		"record": codec.FormatKey(key), "key": hex.EncodeToString(key), "bytes": len(value),
		"sum": hex.EncodeToString(value[:min(len(value), codec.SumBytes)]), "text": strings.TrimSpace(says),
	})
}

// meta is the metadata of the index that a record belongs to, nil when there is none: the geometry of slabs stands there.
func (d *dumper) meta(key []byte) *codec.Meta {
	p, err := codec.ParseKey(key)
	if err != nil || p.Index == 0 {
		return nil
	}
	index, err := d.snap.Index(p.Index)
	if err != nil {
		return nil
	}
	return &index.Meta
}
