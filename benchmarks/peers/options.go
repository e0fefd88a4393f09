package main

import (
	"flag"
	"fmt"
	"io"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/hannoydb/hannoy/benchmarks/harness"
)

// options are the command line.
type options struct {
	data, metric, bin, scratch, out string
	systems                         []string
	limit, queries, k               int
	m, efConstruction               int
	ef, threads, buildThreads       []int
	rounds                          int
	seconds                         float64
	reuse, cold, readers            bool
	loadSizes                       []int
	log                             io.Writer
}

func parseOptions(command string, args []string, log io.Writer) (*options, error) {
	o := &options{log: log}
	flags := flag.NewFlagSet("peers "+command, flag.ContinueOnError)
	flags.SetOutput(log)
	flags.StringVar(&o.data, "data", "", "`folder` with base, query and gt in the big-ann formats")
	flags.StringVar(&o.metric, "metric", "", "euclidean, cosine, inner-product or hamming; default by the folder's name (sift, words, lsa, orb)")
	flags.StringVar(&o.bin, "bin", "bin", "`directory` of the programs")
	flags.StringVar(&o.scratch, "scratch", "scratch", "`directory` for indexes")
	flags.StringVar(&o.out, "out", "results", "`directory` for results")
	flags.IntVar(&o.limit, "limit", 0, "use only so many rows of the base")
	flags.IntVar(&o.queries, "queries", 0, "use only so many queries")
	flags.IntVar(&o.k, "k", 10, "rows to find")
	flags.IntVar(&o.m, "m", 16, "links per item on upper levels; twice as many on level 0")
	flags.IntVar(&o.efConstruction, "ef-construction", 200, "ef while linking")
	flags.IntVar(&o.rounds, "rounds", 3, "rounds over all systems")
	flags.Float64Var(&o.seconds, "seconds", 0.5, "least time per point of a curve")
	flags.BoolVar(&o.reuse, "reuse", false, "use the indexes and build times that an earlier run left in the scratch directory")
	flags.BoolVar(&o.cold, "cold", true, "measure with a cold page cache (needs root)")
	flags.BoolVar(&o.readers, "readers", true, "measure 2 reader processes against 1")
	names := flags.String("systems", strings.Join(systems, ","), "systems to compare")
	ef := flags.String("ef", "10,16,24,32,48,64,100,150,200,300,400", "ef of the curves")
	threads := flags.String("threads", "1,2", "threads of the curves")
	buildThreads := flags.String("build-threads", "1,2", "threads of the builds; the last is kept")
	sizes := flags.String("sizes", "10000,50000,200000,1000000", "items of the load experiment")
	if err := flags.Parse(args); err != nil {
		return nil, err
	}
	o.systems = strings.Split(*names, ",")
	for _, list := range []struct {
		text *string
		into *[]int
	}{{ef, &o.ef}, {threads, &o.threads}, {buildThreads, &o.buildThreads}, {sizes, &o.loadSizes}} {
		var err error
		if *list.into, err = harness.Numbers(*list.text, 1); err != nil {
			return nil, err
		}
	}
	return o, o.findMetric()
}

func (o *options) findMetric() error {
	if o.data == "" {
		return fmt.Errorf("no data set (give --data FOLDER)")
	}
	if o.metric != "" {
		return nil
	}
	var err error
	o.metric, err = harness.MetricOf(o.name())
	return err
}

// name is the name of the data set.
func (o *options) name() string {
	name := filepath.Base(filepath.Clean(o.data))
	if o.limit > 0 {
		name += "-" + strconv.Itoa(o.limit)
	}
	return name
}

func (o *options) logf(format string, args ...any) {
	fmt.Fprintf(o.log, format+"\n", args...)
}

func join(numbers []int) string {
	fields := make([]string, len(numbers))
	for i, n := range numbers {
		fields[i] = strconv.Itoa(n)
	}
	return strings.Join(fields, ",")
}
