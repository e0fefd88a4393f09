package read

import (
	"cmp"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/hannoydb/hannoy"
	"github.com/hannoydb/hannoy/cmd/hannoyctl/internal/measure"
	"github.com/hannoydb/hannoy/cmd/hannoyctl/internal/operand"
	"github.com/hannoydb/hannoy/cmd/hannoyctl/internal/terminal"
	"github.com/hannoydb/hannoy/internal/vecfile"
)

const truthHelp = `Truth compares each vector of a query file with every vector of an index, or of a file (--base), and writes the row
numbers of the k nearest, nearest first, as ibin: what query --truth measures recall against.

Row numbers are the index's keys, or with --keys the positions of the keys in that file.`

const truthExample = `  hannoyctl truth photos --input query.fbin --out gt.ibin -k 100
  hannoyctl truth --base base.fbin --metric cosine --input query.fbin --out gt.ibin --distances`

type scanFlags struct {
	operand.Location
	operand.Input
	base      string
	metric    hannoy.Metric
	keys      string
	out       string
	distances bool
	k         terminal.Count
	threads   terminal.Count
}

func newTruth() *cobra.Command {
	f := &scanFlags{k: 100}
	cmd := &cobra.Command{
		Use: "truth [DB] --input FILE --out FILE", Short: "find the exact nearest neighbours, to measure recall against",
		Long: truthHelp, Example: truthExample,
		Args: func(cmd *cobra.Command, args []string) error {
			if f.base != "" {
				return operand.NoArgs(cmd, args)
			}
			return f.OneDB(cmd, args)
		},
		RunE: func(cmd *cobra.Command, _ []string) error { return f.run(cmd) },
	}
	f.Location.AddTo(cmd)
	f.Input.AddTo(cmd, "file of queries")
	flags := cmd.Flags()
	flags.StringVar(&f.base, "base", "", "file of vectors to compare with, instead of an index")
	flags.TextVar(&f.metric, "metric", hannoy.Euclidean, "`name` of the metric, with --base")
	flags.StringVar(&f.keys, "keys", "", "file of keys, one a line: write their positions")
	flags.StringVarP(&f.out, "out", "o", "", "file to write: .ibin or .ivecs")
	flags.BoolVar(&f.distances, "distances", false, "write the distances too, beside it as .dist.fbin")
	flags.VarP(&f.k, "k", "k", "neighbours of each query")
	flags.Var(&f.threads, "threads", "threads that compare (default: all processors)")
	return cmd
}

// truthResult is what truth --json prints.
type truthResult struct {
	Queries int     `json:"queries"`
	Items   int64   `json:"items"`
	K       int     `json:"k"`
	Seconds float64 `json:"seconds"`
	Out     string  `json:"out"`
}

// A near is a row and how far it is.
type near struct {
	row      uint32
	distance float64
}

func compareNear(a, b near) int {
	return cmp.Or(cmp.Compare(a.distance, b.distance), cmp.Compare(a.row, b.row))
}

func (f *scanFlags) run(cmd *cobra.Command) error {
	if f.File == "" || f.out == "" {
		return terminal.UsageOf(cmd, errors.New("truth needs --input and --out"))
	}
	if format, err := vecfile.FormatOf(f.out); err != nil || (format != vecfile.IBin && format != vecfile.IVecs) {
		return terminal.UsageOf(cmd, fmt.Errorf("--out %s: name a file that ends in .ibin or .ivecs", f.out))
	}
	if err := operand.CheckOutput(f.out); err != nil {
		return err
	}
	f.threads = cmp.Or(f.threads, terminal.Count(runtime.GOMAXPROCS(0)))
	start := time.Now()
	bar := operand.NewBar(cmd)
	over := f.overIndex
	if f.base != "" {
		over = f.overFile
	}
	found, items, err := over(cmd, bar)
	bar.Clear()
	if err != nil {
		return err
	}
	if err := f.write(found); err != nil {
		return err
	}
	result := truthResult{Queries: len(found), Items: items, K: len(found[0]), Seconds: terminal.Seconds(time.Since(start)), Out: f.out}
	if operand.WantsJSON(cmd) {
		return operand.PrintJSON(cmd, result)
	}
	fmt.Fprintf(cmd.OutOrStdout(), "the %d nearest of %s for %s, in %.1f s: %s\n",
		result.K, terminal.Plural(int(items), "item"), terminal.Plural(result.Queries, "query vector"), result.Seconds, f.out)
	return nil
}

// overIndex lets the index scan itself.
func (f *scanFlags) overIndex(cmd *cobra.Command, bar *terminal.Bar) (found [][]near, items int64, err error) {
	ix, err := f.OpenIndex(cmd, true)
	if err != nil {
		return nil, 0, err
	}
	defer ix.Close()
	queries, err := measure.QueriesOf(cmd, &f.Input, ix.Metric(), ix.Dimensions(), f.Location.String())
	if err != nil {
		return nil, 0, err
	}
	rowOf, err := f.rowOf(operand.StyleOf(ix))
	if err != nil {
		return nil, 0, err
	}
	found = make([][]near, len(queries))
	err = ix.View(func(s *hannoy.Snapshot) error {
		items = int64(s.Len())
		if items < int64(f.k) {
			return terminal.WithHint(fmt.Errorf("%s has %s, fewer than -k %d", &f.Location, terminal.Plural(int(items), "item"), f.k), "choose a smaller -k")
		}
		exact, err := measure.Scan(cmd.Context(), s, queries, int(f.k), int(f.threads), bar)
		if err != nil {
			return err
		}
		for q, hits := range exact {
			for _, h := range hits {
				row, err := rowOf(h.Key)
				if err != nil {
					return err
				}
				found[q] = append(found[q], near{row, float64(h.Distance)})
			}
			slices.SortFunc(found[q], compareNear) // the index orders ties by key
		}
		return nil
	})
	return found, items, err
}

// rowOf turns a key into the row number that is written for it.
func (f *scanFlags) rowOf(style operand.KeyStyle) (func(key []byte) (uint32, error), error) {
	if f.keys == "" {
		return func(key []byte) (uint32, error) {
			row, err := strconv.ParseUint(style.Text(key), 10, 32)
			if err != nil {
				return 0, terminal.WithHint(fmt.Errorf("key %s is not a row number", strconv.Quote(style.Text(key))), "name the file of keys that the index was built with: --keys FILE")
			}
			return uint32(row), nil
		}, nil
	}
	keys, err := operand.ReadKeys(style, f.keys)
	if err != nil {
		return nil, err
	}
	rows := make(map[string]uint32, len(keys))
	for row, key := range keys {
		rows[string(key)] = uint32(row)
	}
	return func(key []byte) (uint32, error) {
		row, ok := rows[string(key)]
		if !ok {
			return 0, fmt.Errorf("key %s is not in %s", strconv.Quote(style.Text(key)), f.keys)
		}
		return row, nil
	}, nil
}

// baseBlock rows are read and then compared with all queries by all threads: memory does not grow with the file.
const baseBlock = 1024

func (f *scanFlags) overFile(cmd *cobra.Command, bar *terminal.Bar) (found [][]near, items int64, err error) {
	base := operand.Input{File: f.base, Files: []string{f.base}}
	r, err := base.OpenRows(cmd, vecfile.Options{Bits: f.metric == hannoy.Hamming}, "")
	if err != nil {
		return nil, 0, err
	}
	defer r.Close()
	queries, err := measure.QueriesOf(cmd, &f.Input, f.metric, r.Dimensions(), f.base)
	if err != nil {
		return nil, 0, err
	}
	found = make([][]near, len(queries))
	for {
		block, err := measure.ReadPoints(cmd.Context(), r, baseBlock)
		if err != nil {
			return nil, 0, err
		}
		if len(block) == 0 {
			break
		}
		err = measure.InParallel(cmd.Context(), int(f.threads), len(queries), func(q int) error {
			found[q] = nearest(found[q], int(f.k), f.metric, queries[q], block, items)
			return nil
		}, func(int64) {})
		if err != nil {
			return nil, 0, err
		}
		items += int64(len(block))
		bar.Set("comparing", items, r.Rows(), r.Fraction())
	}
	if items < int64(f.k) {
		return nil, 0, terminal.WithHint(fmt.Errorf("%s has %s, fewer than -k %d", f.base, terminal.Plural(int(items), "row"), f.k), "choose a smaller -k")
	}
	return found, items, nil
}

// nearest keeps the k nearest in order, ties by row. first is the row number of block[0].
func nearest(best []near, k int, metric hannoy.Metric, query measure.Point, block []measure.Point, first int64) []near {
	for i, p := range block {
		n := near{uint32(first + int64(i)), measure.DistanceOf(metric, query, p)}
		if len(best) == k && n.distance >= best[k-1].distance {
			continue
		}
		at, _ := slices.BinarySearchFunc(best, n, compareNear)
		if len(best) == k {
			best = best[:k-1]
		}
		best = slices.Insert(best, at, n)
	}
	return best
}

// write writes the row numbers, and the distances if they are wanted.
func (f *scanFlags) write(found [][]near) error {
	ids, distances := make([]uint32, len(found[0])), make([]float32, len(found[0]))
	err := writeRows(f.out, len(ids), len(found), func(w *vecfile.Writer, q int) error {
		for i, n := range found[q] {
			ids[i] = n.row
		}
		return w.WriteIDs(ids)
	})
	if err != nil || !f.distances {
		return err
	}
	name := strings.TrimSuffix(strings.TrimSuffix(f.out, ".ibin"), ".ivecs") + ".dist.fbin"
	return writeRows(name, len(distances), len(found), func(w *vecfile.Writer, q int) error {
		for i, n := range found[q] {
			distances[i] = float32(n.distance)
		}
		return w.WriteVector(distances)
	})
}

// writeRows writes a file of that many rows, each by a call of row, or none if one fails.
func writeRows(name string, dimensions, rows int, row func(w *vecfile.Writer, i int) error) error {
	w, err := vecfile.Create(name, &vecfile.WriterOptions{Dimensions: dimensions, Rows: int64(rows)})
	if err != nil {
		return err
	}
	defer w.Abort()
	for i := range rows {
		if err := row(w, i); err != nil {
			return err
		}
	}
	return w.Close()
}
