package operand

import (
	"context"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/hannoydb/hannoy/cmd/hannoyctl/internal/terminal"
	"github.com/hannoydb/hannoy/internal/vecfile"
)

// An Input is a file of vectors that a flag names, or several that are read as one.
type Input struct {
	File   string   // how messages name it; empty: there is none
	Files  []string // as they were given
	format string
	column []string
}

// inputFiles is the flag --input, which may be given several times.
type inputFiles Input

func (in *inputFiles) String() string { return in.File }
func (in *inputFiles) Type() string   { return "file" }

func (in *inputFiles) Set(name string) error {
	in.Files = append(in.Files, name)
	in.File = strings.Join(in.Files, " and ")
	return nil
}

// AddTo declares --input, --format and --column.
func (in *Input) AddTo(cmd *cobra.Command, text string) {
	cmd.Flags().VarP((*inputFiles)(in), "input", "i", text+`; "-" is standard input`)
	cmd.Flags().StringVar(&in.format, "format", "", "format of the input (default: by extension)")
	cmd.Flags().StringSliceVar(&in.column, "column", nil, "names of columns of csv, tsv and parquet: vector=emb,key=doc_id (default: key or id, value, labels, vector)")
}

// OpenRows opens the input; formatless is the format of names that do not tell theirs.
func (in *Input) OpenRows(cmd *cobra.Command, opts vecfile.Options, formatless vecfile.Format) (*vecfile.Reader, error) {
	if in.format != "" {
		format, err := vecfile.ParseFormat(in.format)
		if err != nil {
			return nil, terminal.WithHint(terminal.Usagef("--format: %v", err), terminal.HintFor(err))
		}
		opts.Format = format
	} else if _, err := vecfile.FormatOf(in.Files[0]); err != nil {
		opts.Format = formatless
	}
	for _, column := range in.column {
		if err := vecfile.CheckColumn(column); err != nil {
			return nil, terminal.UsageOf(cmd, fmt.Errorf("--column: %w", err))
		}
	}
	opts.Columns = in.column
	opts.Stdin = Interruptible{cmd.Context(), cmd.InOrStdin()}
	names, err := vecfile.Expand(in.Files)
	if err != nil {
		return nil, err
	}
	return vecfile.OpenAll(names, &opts)
}

// ParseVector reads 0.1,0.2,0.3, with brackets or without.
func ParseVector(text string) ([]float32, error) {
	text = strings.TrimSuffix(strings.TrimPrefix(strings.TrimSpace(text), "["), "]")
	var vector []float32
	for i, number := range strings.Split(text, ",") {
		v, err := strconv.ParseFloat(strings.TrimSpace(number), 32)
		if err != nil {
			return nil, terminal.WithHint(terminal.Usagef("--vector: number %d is %q", i, strings.TrimSpace(number)), "write --vector 0.1,0.2,0.3")
		}
		vector = append(vector, float32(v))
	}
	return vector, nil
}

// Interruptible is a stream whose reads end when the context does: nobody wants to press Ctrl-D after Ctrl-C.
type Interruptible struct {
	Context context.Context
	Source  io.Reader
}

// Read reads, or returns the context's error when that ends first.
func (s Interruptible) Read(p []byte) (int, error) {
	type result struct {
		n   int
		err error
	}
	own := make([]byte, len(p)) // the read may outlive this call
	done := make(chan result, 1)
	go func() {
		n, err := s.Source.Read(own)
		done <- result{n, err}
	}()
	select {
	case r := <-done:
		return copy(p, own[:r.n]), r.err
	case <-s.Context.Done():
		return 0, s.Context.Err()
	}
}
