package write

import (
	"bytes"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/hannoydb/hannoy"
	"github.com/hannoydb/hannoy/cmd/hannoyctl/internal/operand"
	"github.com/hannoydb/hannoy/cmd/hannoyctl/internal/terminal"
	"github.com/hannoydb/hannoy/distance"
	"github.com/hannoydb/hannoy/internal/vecfile"
)

const putHelp = `Put stores one item, or a JSONL stream of them, in an index that exists. A key that is there gets the new vector, value and labels.

What was put answers queries at once; hannoyctl build links it into the graph, so that many such items stay fast.
A line of JSONL is {"key": "a", "vector": [0.1, 0.2], "value": any JSON, "labels": ["lang:en"]}, and "bits" (base64, or hexadecimal after 0x)
for "vector" under hamming.`

const putExample = `  hannoyctl put photos --key cat.jpg --vector 0.1,0.2,0.3 --value '{"likes": 7}'
  hannoyctl put photos --input changes.jsonl.gz
  hannoyctl list photos --vectors --json | hannoyctl put copy --input -`

type putFlags struct {
	operand.ItemFlags
	skipFlags
	vector string
	bits   string
	value  string
	labels []string
}

func newPut() *cobra.Command {
	f := &putFlags{}
	cmd := &cobra.Command{
		Use: "put DB", Short: "store items", Long: putHelp, Example: putExample, Args: f.OneDB,
		RunE: func(cmd *cobra.Command, _ []string) error { return f.run(cmd) },
	}
	f.Location.AddTo(cmd)
	operand.AddUntrusted(cmd)
	f.Input.AddTo(cmd, "JSONL, CSV or TSV of items")
	f.skipFlags.addTo(cmd)
	flags := cmd.Flags()
	flags.StringVar(&f.Key, "key", "", "key of the item")
	flags.StringVar(&f.vector, "vector", "", "its vector: 0.1,0.2,0.3")
	flags.StringVar(&f.bits, "bits", "", "its bits, under hamming: base64, or hexadecimal after 0x")
	flags.StringVar(&f.value, "value", "", "its value")
	flags.StringArrayVar(&f.labels, "label", nil, "a label of it; may be given several times")
	return cmd
}

// changeResult is what put and delete --json print.
type changeResult struct {
	Changed  int64  `json:"changed"`
	Skipped  int64  `json:"skipped,omitempty"` // bad rows
	Sequence uint64 `json:"sequence"`
}

func (r changeResult) show(cmd *cobra.Command, verb string) error {
	if operand.WantsJSON(cmd) {
		return operand.PrintJSON(cmd, r)
	}
	fmt.Fprintf(cmd.OutOrStdout(), "%s %s, sequence %s\n", terminal.Plural(int(r.Changed), "item"), verb, terminal.Thousands(r.Sequence))
	return nil
}

func sequenceOf(ix *hannoy.Index) (sequence uint64, err error) {
	err = ix.View(func(s *hannoy.Snapshot) error { sequence = s.Sequence(); return nil })
	return sequence, err
}

func (f *putFlags) run(cmd *cobra.Command) error {
	one, err := f.One(cmd)
	if err != nil {
		return err
	}
	ix, err := f.OpenIndex(cmd, false)
	if err != nil {
		return err
	}
	defer ix.Close()
	kernel, err := distance.New(ix.Metric(), ix.VectorType(), ix.Dimensions())
	if err != nil {
		return err
	}
	im := &importer{kernel: kernel, style: operand.StyleOf(ix), ix: ix, bar: operand.NewBar(cmd), named: true, batchBytes: maxBatchBytes}
	if one {
		im.rows, err = f.row(kernel)
	} else {
		if im.skipped, err = f.skipFlags.open(cmd); err != nil {
			return err
		}
		defer im.skipped.close()
		im.rows, err = f.Keyed(cmd, vecfile.Options{Bits: ix.Metric() == hannoy.Hamming, Skip: im.skipped.function()})
	}
	if err != nil {
		return err
	}
	defer im.rows.Close()
	if err := im.run(cmd.Context()); err != nil {
		return err
	}
	result := changeResult{Changed: im.added + im.updated, Skipped: im.skipped.count()}
	if result.Sequence, err = sequenceOf(ix); err != nil {
		return err
	}
	return result.show(cmd, "put")
}

// row is the item of the flags as a stream of one line: there is one way in for all.
func (f *putFlags) row(kernel *distance.Kernel) (*vecfile.Reader, error) {
	row := vecfile.Row{Key: []byte(f.Key), Labels: f.labels}
	if f.value != "" {
		row.Value = []byte(f.value)
	}
	hamming := kernel.Type() == hannoy.Bits
	var err error
	switch {
	case hamming && f.bits != "":
		row.Bits, err = vecfile.ParseBits(f.bits)
		if err != nil {
			err = terminal.Usagef("--bits: %v", err)
		}
	case !hamming && f.vector != "":
		if row.Vector, err = operand.ParseVector(f.vector); err == nil {
			err = checkVector(kernel, row.Vector)
		}
	case hamming:
		err = terminal.WithHint(terminal.Usagef("put needs --bits"), "the metric of this index is hamming: its vectors are bits, such as --bits 0x00ff")
	default:
		err = terminal.WithHint(terminal.Usagef("put needs --vector"), "such as --vector 0.1,0.2,0.3")
	}
	if err != nil {
		return nil, err
	}
	line := row.AppendJSON(nil)
	return vecfile.NewReader(bytes.NewReader(line), "the item", int64(len(line)), &vecfile.Options{Format: vecfile.JSONL, Bits: hamming})
}
