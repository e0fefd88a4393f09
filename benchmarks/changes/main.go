// Command changes measures what a small change costs in indexes of several sizes: one
// put, and one delete, each committed and built; and commits of few and of many puts,
// build included, beside plain LMDB puts of the same bytes. Every commit is durable.
//
//	changes --data DIR/sift200k --scratch DIR
package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/hannoydb/hannoy/benchmarks/harness"
)

func main() {
	if err := run(os.Args[1:], os.Stderr); err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintf(os.Stderr, "changes: error: %v\n", err)
		os.Exit(1)
	}
}

// options are the flags.
type options struct {
	data, metric, scratch, out string
	sizes, puts                []int
	rounds, batchRounds        int
	prepare                    bool
	log                        io.Writer
}

func parseOptions(args []string, log io.Writer) (*options, error) {
	o := &options{log: log}
	flags := flag.NewFlagSet("changes", flag.ContinueOnError)
	flags.SetOutput(log)
	flags.StringVar(&o.data, "data", "", "`folder` with base and query in the big-ann formats")
	flags.StringVar(&o.metric, "metric", "", "euclidean or cosine; default by the folder's name")
	flags.StringVar(&o.scratch, "scratch", "scratch", "`directory` for indexes; they are kept for the next run")
	flags.StringVar(&o.out, "out", "results", "`directory` for results")
	flags.IntVar(&o.rounds, "rounds", 50, "puts and deletes of one item each, per size")
	flags.IntVar(&o.batchRounds, "batch-rounds", 5, "commits of each number of puts")
	flags.BoolVar(&o.prepare, "prepare", false, "only build the indexes")
	sizes := flags.String("sizes", "10000,200000,1000000", "items of the indexes")
	puts := flags.String("puts", "1,100,10000", "puts per commit")
	err := flags.Parse(args)
	if err != nil {
		return nil, err
	}
	if o.data == "" {
		return nil, errors.New("no data set (give --data FOLDER)")
	}
	if o.sizes, err = harness.Numbers(*sizes, 1); err != nil {
		return nil, err
	}
	if o.puts, err = harness.Numbers(*puts, 1); err != nil {
		return nil, err
	}
	if o.metric == "" {
		o.metric, err = harness.MetricOf(o.name())
	}
	return o, err
}

func (o *options) name() string { return filepath.Base(filepath.Clean(o.data)) }

func run(args []string, log io.Writer) error {
	o, err := parseOptions(args, log)
	if err != nil {
		return err
	}
	rows, err := o.rows()
	if err != nil {
		return err
	}
	var all []*subject
	defer func() {
		for _, s := range all {
			_ = s.index.Close()
		}
	}()
	for _, size := range o.sizes {
		s, err := openSubject(o, rows, size)
		if err != nil {
			return err
		}
		all = append(all, s)
	}
	if o.prepare {
		return nil
	}
	r := &result{Environment: harness.NewEnvironment(time.Now()), Data: o.name(), Metric: o.metric, Width: rows.Width}
	if r.Singles, err = singles(all, o.rounds); err != nil {
		return err
	}
	for _, s := range all {
		if err := r.batches(o, s); err != nil {
			return err
		}
	}
	return r.save(o)
}

// rows are those of the largest index, and as many more as are put into it: the first
// come from the data set, the others are made of them.
func (o *options) rows() (*harness.Rows, error) {
	base, err := harness.ReadRows(o.data, "base", o.metric, 0)
	if err != nil {
		return nil, err
	}
	return harness.Jitter(base, slices.Max(o.sizes)+o.spare())
}

// spare is how many rows are put while an index is measured.
func (o *options) spare() int {
	spare := o.rounds + warmups
	for _, n := range o.puts {
		spare += n * o.batchRounds
	}
	return spare
}
