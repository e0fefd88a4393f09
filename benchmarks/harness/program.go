package harness

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"time"
)

// Main is the main function of a program: it reads the command line, does the job and
// prints the report.
func Main(system System) {
	report, err := run(system, os.Args[1:])
	if err == nil {
		err = json.NewEncoder(os.Stdout).Encode(report)
	}
	if err != nil {
		fmt.Fprintf(os.Stderr, "%v\n", err)
		os.Exit(1)
	}
}

func run(system System, args []string) (any, error) {
	if len(args) == 0 {
		return nil, errors.New("usage: describe | build | query, with flags")
	}
	flags := flag.NewFlagSet(args[0], flag.ExitOnError)
	switch args[0] {
	case "describe":
		return system.Describe(), nil
	case "build":
		job := buildFlags(flags)
		if err := flags.Parse(args[1:]); err != nil {
			return nil, err
		}
		return build(system, job)
	case "query":
		job, ef, threads := queryFlags(flags)
		err := flags.Parse(args[1:])
		if err == nil {
			job.Ef, err = numbers(*ef)
		}
		if err == nil {
			job.Threads, err = numbers(*threads)
		}
		if err != nil {
			return nil, err
		}
		return query(system, job)
	}
	return nil, fmt.Errorf("unknown command %q", args[0])
}

func buildFlags(flags *flag.FlagSet) *BuildJob {
	job := &BuildJob{}
	flags.StringVar(&job.Data, "data", "", "`folder` of the data set")
	flags.StringVar(&job.Metric, "metric", "euclidean", "euclidean, cosine, inner-product or hamming")
	flags.StringVar(&job.Index, "index", "", "empty `directory` for the index")
	flags.StringVar(&job.Codes, "codes", "none", "kind of codes")
	flags.IntVar(&job.Limit, "limit", 0, "use only so many rows")
	flags.IntVar(&job.Threads, "threads", 1, "threads")
	flags.IntVar(&job.M, "m", 16, "links per item on upper levels; twice as many on level 0")
	flags.IntVar(&job.EfConstruction, "ef-construction", 200, "ef while linking")
	return job
}

func queryFlags(flags *flag.FlagSet) (job *QueryJob, ef, threads *string) {
	job = &QueryJob{}
	flags.StringVar(&job.Data, "data", "", "`folder` of the data set")
	flags.StringVar(&job.Metric, "metric", "euclidean", "euclidean, cosine, inner-product or hamming")
	flags.StringVar(&job.Index, "index", "", "`directory` of the index")
	flags.StringVar(&job.Codes, "codes", "none", "kind of codes")
	flags.IntVar(&job.Limit, "limit", 0, "rows that the index was built from")
	flags.IntVar(&job.Queries, "queries", 0, "use only so many queries")
	flags.IntVar(&job.First, "first", 1, "queries to time one by one after opening")
	flags.IntVar(&job.FirstEf, "first-ef", 100, "ef of those")
	flags.Float64Var(&job.Seconds, "seconds", 0.5, "least time per measurement")
	flags.Int64Var(&job.StartAt, "start-at", 0, "begin measuring at this Unix time in nanoseconds")
	flags.StringVar(&job.Answers, "answers", "", "`file` for the rows found: int32, k per query, queries per ef")
	flags.IntVar(&job.K, "k", 10, "rows to find")
	ef = flags.String("ef", "", "list of ef to measure")
	threads = flags.String("threads", "1", "list of threads to measure with")
	return job, ef, threads
}

func numbers(list string) (out []int, err error) {
	for field := range strings.FieldsFuncSeq(list, func(r rune) bool { return r == ',' }) {
		n, err := strconv.Atoi(field)
		if err != nil {
			return nil, err
		}
		out = append(out, n)
	}
	return out, nil
}

func build(system System, job *BuildJob) (*BuildReport, error) {
	base, err := ReadRows(job.Data, "base", job.Metric, job.Limit)
	if err != nil {
		return nil, err
	}
	before, start := usageNow(), time.Now()
	if err := system.Build(job, base); err != nil {
		return nil, err
	}
	elapsed, after := time.Since(start), usageNow()
	return &BuildReport{
		Items:      base.Count,
		Threads:    job.Threads,
		Seconds:    elapsed.Seconds(),
		CPUSeconds: (after.cpu - before.cpu).Seconds(),
		PeakRSSKB:  after.peakRSSKB,
	}, nil
}

// query opens the index, asks the first queries, warms up and measures the curve.
func query(system System, job *QueryJob) (*QueryReport, error) {
	queries, err := ReadRows(job.Data, "query", job.Metric, job.Queries)
	if err != nil {
		return nil, err
	}
	r := &QueryReport{Before: memoryNow(), FirstUS: []float64{}, Curve: []Point{}}
	faults, read := usageNow().majorFaults, diskReadKB()
	start := time.Now()
	s, err := system.Open(job)
	if err != nil {
		return nil, err
	}
	r.OpenMS = microseconds(time.Since(start)) / 1000
	if err := askFirst(s, queries, job, r); err != nil {
		return nil, err
	}
	r.FirstFaults, r.FirstReadKB = usageNow().majorFaults-faults, diskReadKB()-read
	r.Opened = memoryNow()

	if err := curve(s, queries, job, r); err != nil {
		return nil, err
	}
	r.After = memoryNow()
	return r, s.Close()
}

func askFirst(s Searcher, queries *Rows, job *QueryJob, r *QueryReport) error {
	if err := s.SetEf(job.FirstEf); err != nil {
		return err
	}
	var found []int32
	for i := range min(job.First, queries.Count) {
		start := time.Now()
		var err error
		if found, err = s.Search(found[:0], queries.Row(i), job.K); err != nil {
			return err
		}
		r.FirstUS = append(r.FirstUS, microseconds(time.Since(start)))
	}
	return nil
}

// curve measures every ef with every number of threads, after one pass that only warms
// the caches, and writes down the answers of one pass per ef.
func curve(s Searcher, queries *Rows, job *QueryJob, r *QueryReport) (err error) {
	if len(job.Ef) == 0 {
		return nil
	}
	answers := io.Discard
	if job.Answers != "" {
		f, err := os.Create(job.Answers)
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, f.Close()) }()
		answers = f
	}
	if err := s.SetEf(job.Ef[len(job.Ef)/2]); err != nil {
		return err
	}
	if _, _, err := measure(s, queries, job.K, 1, 0); err != nil {
		return err
	}
	if job.StartAt != 0 {
		time.Sleep(time.Until(time.Unix(0, job.StartAt)))
	}
	for _, ef := range job.Ef {
		if err := s.SetEf(ef); err != nil {
			return err
		}
		for i, threads := range job.Threads {
			point, found, err := measure(s, queries, job.K, threads, time.Duration(job.Seconds*float64(time.Second)))
			if err != nil {
				return fmt.Errorf("ef %d, %d threads: %w", ef, threads, err)
			}
			point.Ef = ef
			r.Curve = append(r.Curve, point)
			if i == 0 {
				if err := binary.Write(answers, binary.LittleEndian, found); err != nil {
					return err
				}
			}
		}
	}
	return nil
}
