// Command churn runs a workload of rows that come and go over hannoy and hnswlib, step
// by step, and compares both with indexes that are built anew of the same rows: recall,
// distances, latencies, bytes. It scores, tabulates and draws what it finds. README.md
// says how to run it and what the figures mean.
package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/hannoydb/hannoy/benchmarks/harness"
)

func main() {
	if err := run(os.Args[1:], os.Stderr); err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintf(os.Stderr, "churn: error: %v\n", err)
		os.Exit(1)
	}
}

func run(args []string, log io.Writer) error {
	if len(args) > 1 && args[0] == "render" {
		return render(args[1:], log)
	}
	o, err := parseOptions(args, log)
	if err != nil {
		return err
	}
	for _, workload := range o.workloads {
		r, err := churn(o, workload)
		if err != nil {
			return fmt.Errorf("%s: %w", workload, err)
		}
		if err := r.save(o.out, log); err != nil {
			return err
		}
	}
	return nil
}

// options are the command line.
type options struct {
	data, metric, bin, scratch, out, runbook string
	workloads, systems                       []string
	limit, queries, k                        int
	m, efConstruction, threads               int
	ef                                       []int
	codes                                    string
	live, turnovers                          int
	share, every                             float64
	seed                                     uint64
	log                                      io.Writer
}

func parseOptions(args []string, log io.Writer) (*options, error) {
	o := &options{log: log}
	flags := flag.NewFlagSet("churn", flag.ContinueOnError)
	flags.SetOutput(log)
	flags.StringVar(&o.data, "data", "", "`folder` with base and query in the big-ann formats")
	flags.StringVar(&o.metric, "metric", "", "euclidean, cosine or hamming; default by the folder's name (sift, words, lsa, orb)")
	flags.StringVar(&o.bin, "bin", "bin", "`directory` of bench-hnswlib")
	flags.StringVar(&o.scratch, "scratch", "scratch", "`directory` for indexes")
	flags.StringVar(&o.out, "out", "results", "`directory` for results")
	flags.StringVar(&o.runbook, "runbook", "", "`file` of a runbook of big-ann's streaming track, in place of a workload")
	flags.IntVar(&o.limit, "limit", 0, "use only so many rows of the base")
	flags.IntVar(&o.queries, "queries", 0, "use only so many queries")
	flags.IntVar(&o.k, "k", 10, "rows to find")
	flags.IntVar(&o.m, "m", 16, "links per item on upper levels; twice as many on level 0")
	flags.IntVar(&o.efConstruction, "ef-construction", 200, "ef while linking")
	flags.IntVar(&o.threads, "threads", 1, "threads of hannoy's builds; hnswlib has one")
	flags.StringVar(&o.codes, "codes", "auto", "codes of hannoy")
	flags.IntVar(&o.live, "live", 0, "rows in the index; 0: half of the base")
	flags.IntVar(&o.turnovers, "turnovers", 5, "how often all rows are replaced")
	flags.Float64Var(&o.share, "share", .01, "share of the rows that a step replaces")
	flags.Float64Var(&o.every, "every", .5, "turnovers between two measurements")
	flags.Uint64Var(&o.seed, "seed", 1, "of the choice of rows")
	workload := flags.String("workload", "uniform,clustered,sliding,growing,half", "of "+workloadNames())
	names := flags.String("systems", "hannoy,hnswlib", "systems to compare")
	ef := flags.String("ef", "10,16,24,32,48,64,100,150,200,300", "ef to search with")
	if err := flags.Parse(args); err != nil {
		return nil, err
	}
	if o.data == "" {
		return nil, errors.New("no data set (give --data FOLDER)")
	}
	o.systems = strings.Split(*names, ",")
	if o.workloads = strings.Split(*workload, ","); o.runbook != "" {
		o.workloads = []string{o.runbook}
	}
	var err error
	if o.ef, err = harness.Numbers(*ef, o.k); err != nil {
		return nil, fmt.Errorf("ef, at least k: %w", err)
	}
	if !(o.share > 0 && o.share <= 1) || !(o.every > 0) || o.turnovers < 1 {
		return nil, fmt.Errorf("%d turnovers in shares of %g, measured every %g: out of range", o.turnovers, o.share, o.every)
	}
	if o.metric != "" {
		return o, nil
	}
	o.metric, err = harness.MetricOf(o.dataName())
	return o, err
}

// dataName is the name of the data set.
func (o *options) dataName() string { return filepath.Base(filepath.Clean(o.data)) }

// plan makes the plan of a workload, or reads that of a runbook.
func (o *options) plan(workload string, rows *harness.Rows) (*plan, error) {
	if o.runbook != "" {
		return readRunbook(o.runbook, rows.Count)
	}
	return newPlan(workload, o, rows)
}
