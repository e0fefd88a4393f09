package read

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/hannoydb/hannoy"
	"github.com/hannoydb/hannoy/cmd/hannoyctl/internal/measure"
	"github.com/hannoydb/hannoy/cmd/hannoyctl/internal/operand"
	"github.com/hannoydb/hannoy/cmd/hannoyctl/internal/terminal"
	"github.com/hannoydb/hannoy/internal/vecfile"
)

// fuseFlags are those of a query in several indexes of one DB.
type fuseFlags struct {
	parts   []string // NAME=QUERY
	weights []float64
	ranks   bool
	indexes []*hannoy.Index // of the parts
}

func (f *fuseFlags) addTo(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringArrayVar(&f.parts, "fuse", nil, "query this index too: NAME=QUERY, where QUERY is a vector, bits, key:NAME or @FILE; for items with vectors in several indexes")
	flags.Float64SliceVar(&f.weights, "weights", nil, "weights of the distances, or of the ranks, in the order of --fuse: 2,1")
	flags.BoolVar(&f.ranks, "ranks", false, "with --fuse, add up reciprocal ranks instead of distances")
}

// checkFusion refuses what a query in several indexes cannot be.
func (f *queryFlags) checkFusion(cmd *cobra.Command) error {
	switch {
	case len(f.parts) == 0 && (f.weights != nil || f.ranks):
		return terminal.UsageOf(cmd, errors.New("--weights and --ranks need --fuse"))
	case len(f.parts) == 0:
		return nil
	case f.weights != nil && len(f.weights) != len(f.parts):
		return terminal.UsageOf(cmd, fmt.Errorf("there are %d --weights and %d --fuse", len(f.weights), len(f.parts)))
	case slices.ContainsFunc(f.weights, func(w float64) bool { return !(w > 0) }):
		return terminal.UsageOf(cmd, errors.New("--weights must be above 0"))
	case f.GroupBy != "" || f.all:
		return terminal.UsageOf(cmd, errors.New("--group-by and --all are for queries in one index"))
	case f.ranks && f.Within != nil:
		return terminal.UsageOf(cmd, errors.New("--ranks have no --max-distance"))
	}
	f.Index, _, _ = strings.Cut(f.parts[0], "=")
	return nil
}

// loadFused opens the indexes of all parts and reads their queries: as many as the longest file has, or one.
func (f *queryFlags) loadFused(cmd *cobra.Command) ([]measure.Point, error) {
	count := 1
	queries := make([][]measure.Point, len(f.parts))
	var files []string
	for i, part := range f.parts {
		name, text, ok := strings.Cut(part, "=")
		if !ok {
			return nil, terminal.WithHint(terminal.Usagef("--fuse %q has no query", part), "write --fuse NAME=key:cat.jpg, --fuse NAME=0.1,0.2 or --fuse NAME=@query.fbin")
		}
		at := operand.Location{Dir: f.Dir, Index: name}
		ix, err := at.OpenIndex(cmd, true)
		if err != nil {
			return nil, err
		}
		f.indexes = append(f.indexes, ix)
		if file, ok := strings.CutPrefix(text, "@"); ok {
			in := f.Input
			in.File, in.Files = file, []string{file}
			files = append(files, file)
			if queries[i], err = measure.QueriesOf(cmd, &in, ix.Metric(), ix.Dimensions(), at.String()); err != nil {
				return nil, err
			}
			if count > 1 && len(queries[i]) != count {
				return nil, fmt.Errorf("%s has %s, other files of --fuse have %s", file, terminal.Plural(len(queries[i]), "query vector"), terminal.Thousands(count))
			}
			count = len(queries[i])
			continue
		}
		point, err := pointOf(ix, text)
		if err != nil {
			return nil, fmt.Errorf("--fuse %s: %w", name, err)
		}
		queries[i] = []measure.Point{point}
	}
	f.File = strings.Join(files, " and ")
	return f.fuse(queries, count), nil
}

// fuse makes points of the queries of all parts. Each has its own stats: threads share none.
func (f *queryFlags) fuse(queries [][]measure.Point, count int) []measure.Point {
	points := make([]measure.Point, count)
	for q := range points {
		for i, of := range queries {
			part := hannoy.Part{Index: f.indexes[i], Query: of[min(q, len(of)-1)].Query(), Ranks: f.ranks, Stats: new(hannoy.SearchStats)}
			if f.weights != nil {
				part.Weight = float32(f.weights[i])
			}
			points[q].Parts = append(points[q].Parts, part)
		}
	}
	return points
}

// close closes the indexes of the parts.
func (f *fuseFlags) close() {
	for _, ix := range f.indexes {
		ix.Close()
	}
}

// explainParts says for each part how it was searched.
func (f *queryFlags) explainParts(point measure.Point) (explained []string) {
	for i, p := range point.Parts {
		name, _, _ := strings.Cut(f.parts[i], "=")
		explained = append(explained, name+": "+p.Stats.Explain())
	}
	return explained
}

// pointOf reads a query as people write it: key:NAME, bits under hamming, else a vector.
func pointOf(ix *hannoy.Index, text string) (measure.Point, error) {
	if name, ok := strings.CutPrefix(text, "key:"); ok {
		key, err := operand.StyleOf(ix).Parse([]byte(name))
		return measure.Point{Key: key}, err
	}
	if ix.Metric() == hannoy.Hamming {
		bits, err := vecfile.ParseBits(text)
		if err != nil {
			return measure.Point{}, terminal.WithHint(fmt.Errorf("%q is neither key:NAME nor bits", text), "bits are base64, or hexadecimal after 0x")
		}
		return measure.Point{Bits: bits}, nil
	}
	vector, err := operand.ParseVector(text)
	if err != nil {
		return measure.Point{}, terminal.WithHint(fmt.Errorf("%q is neither key:NAME nor a vector", text), "a vector is such as 0.1,0.2,0.3")
	}
	return measure.Point{Vector: vector}, nil
}
