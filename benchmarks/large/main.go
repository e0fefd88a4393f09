// Command large measures a build of more vectors than memory holds: once without a
// limit, and once in a control group that allows so many bytes, the page cache included.
//
//	large --data DIR/sift200k --hannoyctl PATH --scratch DIR
//
// Limits need control groups, of version 1 or 2, that this user may make.
package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/hannoydb/hannoy/benchmarks/harness"
)

func main() {
	if err := run(os.Args[1:], os.Stderr); err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintf(os.Stderr, "large: error: %v\n", err)
		os.Exit(1)
	}
}

// options are the flags.
type options struct {
	data, metric, hannoyctl, scratch, out string
	rows, threads                         int
	memory                                string
	limits                                []string // of control groups, as hannoyctl writes sizes; "none": no group
	log                                   io.Writer
}

func parseOptions(args []string, log io.Writer) (*options, error) {
	o := &options{log: log}
	flags := flag.NewFlagSet("large", flag.ContinueOnError)
	flags.SetOutput(log)
	flags.StringVar(&o.data, "data", "", "`folder` with base and query in the big-ann formats")
	flags.StringVar(&o.metric, "metric", "", "euclidean or cosine; default by the folder's name")
	flags.StringVar(&o.hannoyctl, "hannoyctl", "bin/hannoyctl", "`program` that builds")
	flags.StringVar(&o.scratch, "scratch", "scratch", "`directory` for rows and indexes; rows are kept for the next run")
	flags.StringVar(&o.out, "out", "results", "`directory` for results")
	flags.IntVar(&o.rows, "rows", 1_000_000, "rows of the index: those of the data set first, then made of them")
	flags.IntVar(&o.threads, "threads", 2, "threads of the build")
	flags.StringVar(&o.memory, "memory", "256MiB", "what the build may use beyond the page cache")
	limits := flags.String("limits", "none,512MiB", "memory of the control group of each build")
	if err := flags.Parse(args); err != nil {
		return nil, err
	}
	o.limits = strings.Split(*limits, ",")
	if o.data == "" {
		return nil, errors.New("no data set (give --data FOLDER)")
	}
	var err error
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
	if err := os.MkdirAll(o.scratch, 0o755); err != nil {
		return err
	}
	input, err := o.input()
	if err != nil {
		return err
	}
	r := &result{Environment: harness.NewEnvironment(time.Now()), Data: o.name(), Metric: o.metric, Rows: o.rows, Memory: o.memory}
	for _, limit := range o.limits {
		fmt.Fprintf(log, "building an index of %d rows, limit %s\n", o.rows, limit)
		b, err := o.build(input, limit)
		if err != nil {
			return err
		}
		r.Builds = append(r.Builds, b)
	}
	r.Load = harness.LoadAverage()
	return r.save(o.out)
}

// input is the file of the rows, which is made if it is not there.
func (o *options) input() (path string, err error) {
	path = filepath.Join(o.scratch, fmt.Sprintf("large-%s-%d.fbin", o.name(), o.rows))
	if _, err := os.Stat(path); err == nil {
		return path, nil
	}
	base, err := harness.ReadRows(o.data, "base", o.metric, 0)
	if err != nil {
		return "", err
	}
	rows, err := harness.Jitter(base, o.rows)
	if err != nil {
		return "", err
	}
	if err := harness.WriteRows(path+".new", rows); err != nil {
		return "", err
	}
	return path, os.Rename(path+".new", path)
}
