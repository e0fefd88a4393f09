package read

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/hannoydb/hannoy"
	"github.com/hannoydb/hannoy/cmd/hannoyctl/internal/operand"
	"github.com/hannoydb/hannoy/cmd/hannoyctl/internal/terminal"
	"github.com/hannoydb/hannoy/internal/vecfile"
)

const exportHelp = `Export writes all items of an index to a file, whole or not at all, from one snapshot, while others go on writing.

jsonl, csv, tsv and parquet hold keys, values and labels too. The other formats hold vectors alone: --keys and --labels write the
keys and labels beside them, a line a row, as build reads them; values are left out.

Formats, by extension or --format, each also with .gz or .zst:
  jsonl  csv tsv  parquet (by hannoy-convert)  fvecs bvecs ivecs  fbin u8bin i8bin ibin  npy (f4, f2 or i1, as the index stores its numbers)

A number that the format cannot hold exactly is an error. Under cosine vectors are the stored ones, of length 1.`

const exportExample = `  hannoyctl export photos --output photos.jsonl.zst
  hannoyctl export photos --output photos.npy --keys keys.txt --labels labels.txt
  hannoyctl export photos --output - --format csv | head`

type exportFlags struct {
	operand.Location
	out    string
	format string
	keys   string
	labels string
}

func newExport() *cobra.Command {
	f := &exportFlags{}
	cmd := &cobra.Command{
		Use: "export DB --output FILE", Short: "write all items to a file", Long: exportHelp, Example: exportExample, Args: f.OneDB,
		RunE: func(cmd *cobra.Command, _ []string) error { return f.run(cmd) },
	}
	f.Location.AddTo(cmd)
	operand.AddUntrusted(cmd)
	flags := cmd.Flags()
	flags.StringVarP(&f.out, "output", "o", "", `file to write; "-" is standard output`)
	flags.StringVar(&f.format, "format", "", "format of the file (default: by extension)")
	flags.StringVar(&f.keys, "keys", "", "write the keys to this file, one a line")
	flags.StringVar(&f.labels, "labels", "", "write the labels to this file, a line for each row, separated by tabs")
	return cmd
}

// exportResult is what export --json prints.
type exportResult struct {
	Items  int    `json:"items"`
	Format string `json:"format"`
	Out    string `json:"out"`
}

func (f *exportFlags) run(cmd *cobra.Command) error {
	if f.out == "" {
		return terminal.UsageOf(cmd, errors.New("export needs --output"))
	}
	if f.out == vecfile.Stdin && operand.WantsJSON(cmd) {
		return terminal.UsageOf(cmd, errors.New("--output - and --json both write to standard output"))
	}
	format, err := vecfile.FormatOf(f.out)
	if f.format != "" {
		format, err = vecfile.ParseFormat(f.format)
	}
	if err != nil {
		return terminal.WithHint(terminal.Usagef("--output: %v", err), terminal.HintFor(err))
	}
	ix, err := f.OpenIndex(cmd, true)
	if err != nil {
		return err
	}
	defer ix.Close()
	result := exportResult{Format: string(format), Out: f.out}
	if err := ix.View(func(s *hannoy.Snapshot) error {
		result.Items = s.Len()
		return f.write(cmd, ix, s, format)
	}); err != nil {
		return err
	}
	switch {
	case f.out == vecfile.Stdin:
		return nil
	case operand.WantsJSON(cmd):
		return operand.PrintJSON(cmd, result)
	}
	if !format.Keyed() && f.keys == "" {
		fmt.Fprintf(cmd.ErrOrStderr(), "hannoyctl: warning: %s holds vectors alone; --keys FILE writes their keys\n", format)
	}
	fmt.Fprintf(cmd.OutOrStdout(), "%s written to %s\n", terminal.Plural(result.Items, "item"), f.out)
	return nil
}

// write writes the items and what stands beside them.
func (f *exportFlags) write(cmd *cobra.Command, ix *hannoy.Index, s *hannoy.Snapshot, format vecfile.Format) error {
	opts := &vecfile.WriterOptions{Format: format, Dimensions: ix.Dimensions(), Rows: int64(s.Len()), Stdout: cmd.OutOrStdout()}
	switch ix.VectorType() {
	case hannoy.Bits:
		opts.Dimensions, opts.Numbers, opts.Bits = ix.Dimensions()/8, vecfile.Uint8, true
	case hannoy.F16:
		opts.Numbers = vecfile.Float16
	case hannoy.I8:
		opts.Numbers = vecfile.Int8
	}
	w, err := vecfile.Create(f.out, opts)
	if err != nil {
		return err
	}
	defer w.Abort()
	keys, labels := &lineFile{name: f.keys}, &lineFile{name: f.labels}
	defer keys.close()
	defer labels.close()
	bar := operand.NewBar(cmd)
	defer bar.Clear()
	style := operand.StyleOf(ix)
	done := int64(0)
	for item, err := range s.Items() {
		if err := errors.Join(err, cmd.Context().Err()); err != nil {
			return err
		}
		row := style.Row(item)
		if err := errors.Join(w.WriteRow(row), keys.write(row.Key), labels.write([]byte(strings.Join(item.Labels, "\t")))); err != nil {
			return err
		}
		done++
		bar.Set("writing", done, opts.Rows, -1)
	}
	return errors.Join(keys.finish(), labels.finish(), w.Close())
}

// A lineFile takes a line for each row. Without a name it takes nothing.
type lineFile struct {
	name string
	file *os.File
	out  *bufio.Writer
}

func (l *lineFile) write(line []byte) (err error) {
	if l.name == "" {
		return nil
	}
	if bytes.ContainsAny(line, "\r\n") {
		return terminal.WithHint(fmt.Errorf("%s: %q does not fit into a line", l.name, line), "export to jsonl, which holds every key")
	}
	if l.file == nil {
		if l.file, err = os.Create(l.name); err != nil {
			return err
		}
		l.out = bufio.NewWriter(l.file)
	}
	if _, err = l.out.Write(line); err == nil {
		err = l.out.WriteByte('\n')
	}
	return err
}

func (l *lineFile) finish() error {
	if l.file == nil {
		return nil
	}
	return l.out.Flush()
}

func (l *lineFile) close() {
	if l.file != nil {
		l.file.Close()
	}
}
