package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/hannoydb/hannoy"
	"github.com/hannoydb/hannoy/internal/vecfile"
)

// An input is a file of vectors that a flag names, or several that are read as one.
type input struct {
	file   string   // how messages name it; empty: there is none
	files  []string // as they were given
	format string
	column []string
}

// inputFiles is the flag --input, which may be given several times.
type inputFiles input

func (in *inputFiles) String() string { return in.file }
func (in *inputFiles) Type() string   { return "file" }

func (in *inputFiles) Set(name string) error {
	in.files = append(in.files, name)
	in.file = strings.Join(in.files, " and ")
	return nil
}

func (in *input) addTo(cmd *cobra.Command, text string) {
	cmd.Flags().VarP((*inputFiles)(in), "input", "i", text+`; "-" is standard input`)
	cmd.Flags().StringVar(&in.format, "format", "", "format of the input (default: by extension)")
	cmd.Flags().StringSliceVar(&in.column, "column", nil, "names of columns of csv, tsv and parquet: vector=emb,key=doc_id (default: key or id, value, labels, vector)")
}

// openRows opens the input; formatless is the format of names that do not tell theirs.
func (in *input) openRows(cmd *cobra.Command, opts vecfile.Options, formatless vecfile.Format) (*vecfile.Reader, error) {
	if in.format != "" {
		format, err := vecfile.ParseFormat(in.format)
		if err != nil {
			return nil, withHint(usagef("--format: %v", err), hintFor(err))
		}
		opts.Format = format
	} else if _, err := vecfile.FormatOf(in.files[0]); err != nil {
		opts.Format = formatless
	}
	for _, column := range in.column {
		if err := vecfile.CheckColumn(column); err != nil {
			return nil, usageOf(cmd, fmt.Errorf("--column: %w", err))
		}
	}
	opts.Columns = in.column
	opts.Stdin = interruptible{cmd.Context(), cmd.InOrStdin()}
	names, err := vecfile.Expand(in.files)
	if err != nil {
		return nil, err
	}
	return vecfile.OpenAll(names, &opts)
}

// queries reads the whole input into memory, for a base of that metric and dimensions.
func (in *input) queries(cmd *cobra.Command, metric hannoy.Metric, dimensions int, base string) ([]point, error) {
	r, err := in.openRows(cmd, vecfile.Options{Bits: metric == hannoy.Hamming, Part: "test"}, "")
	if err != nil {
		return nil, err
	}
	defer r.Close()
	if got := r.Dimensions(); got != 0 && got != dimensions {
		return nil, withHint(fmt.Errorf("queries of %s have %s dimensions, %s has %s", in.file, thousands(got), base, thousands(dimensions)),
			"queries must come from where the vectors of the index came from")
	}
	points, err := readPoints(cmd.Context(), r, -1)
	if err == nil && len(points) == 0 {
		err = fmt.Errorf("%s holds no queries", in.file)
	}
	return points, err
}

// readPoints reads the next rows, at most that many unless it is -1, into memory.
func readPoints(ctx context.Context, r *vecfile.Reader, most int) (points []point, err error) {
	for len(points) != most && ctx.Err() == nil {
		row, err := r.Next()
		if err == io.EOF {
			return points, nil
		}
		if err != nil {
			return nil, err
		}
		points = append(points, point{vector: append([]float32(nil), row.Vector...), bits: bytes.Clone(row.Bits)})
	}
	return points, ctx.Err()
}

// parseVector reads 0.1,0.2,0.3, with brackets or without.
func parseVector(text string) ([]float32, error) {
	text = strings.TrimSuffix(strings.TrimPrefix(strings.TrimSpace(text), "["), "]")
	var vector []float32
	for i, number := range strings.Split(text, ",") {
		v, err := strconv.ParseFloat(strings.TrimSpace(number), 32)
		if err != nil {
			return nil, withHint(usagef("--vector: number %d is %q", i, strings.TrimSpace(number)), "write --vector 0.1,0.2,0.3")
		}
		vector = append(vector, float32(v))
	}
	return vector, nil
}

// interruptible is a stream whose reads end when the context does: nobody wants to press Ctrl-D after Ctrl-C.
type interruptible struct {
	ctx context.Context
	src io.Reader
}

func (s interruptible) Read(p []byte) (int, error) {
	type result struct {
		n   int
		err error
	}
	own := make([]byte, len(p)) // the read may outlive this call
	done := make(chan result, 1)
	go func() {
		n, err := s.src.Read(own)
		done <- result{n, err}
	}()
	select {
	case r := <-done:
		return copy(p, own[:r.n]), r.err
	case <-s.ctx.Done():
		return 0, s.ctx.Err()
	}
}
