// Command fresh measures what writes and background builds cost those who read and
// write beside them: the latency of a query over the number of pending items, the
// latency of queries and of small updates while items are folded in, and the size of
// the file under readers that hold snapshots.
//
//	fresh --data DIR/sift200k --scratch DIR pending|queries|updates|file
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/hannoydb/hannoy"
	"github.com/hannoydb/hannoy/benchmarks/harness"
)

var ctx = context.Background()

// bench is a data set, and an index of the first rows of it to begin each measurement
// with.
type bench struct {
	rows    *harness.Rows
	queries *harness.Rows
	metric  hannoy.Metric
	scratch string
	linked  int // rows that the index holds; the others are put while it is measured
	ef      int
	seconds float64
	rates   []int // items replaced a second
	batch   int   // of them in a commit, where the file is measured
	cpu     bool  // queries are timed by the processor time of their thread
}

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run() error {
	b := &bench{}
	data := flag.String("data", "", "`folder` of the data set")
	metric := flag.String("metric", "euclidean", "euclidean or cosine")
	flag.StringVar(&b.scratch, "scratch", "", "`folder` for indexes; that of the first rows is kept there for the next run")
	flag.IntVar(&b.linked, "linked", 180_000, "rows that are linked at the start")
	flag.IntVar(&b.ef, "ef", 64, "beam width of queries")
	flag.Float64Var(&b.seconds, "seconds", 10, "time per measurement")
	rates := flag.String("rates", "10,100,1000", "items replaced a second, in measurements of queries and file")
	flag.IntVar(&b.batch, "batch", 1, "items replaced in a commit, in measurements of file")
	flag.BoolVar(&b.cpu, "cpu", false, "time queries by the processor time of their thread, for machines that have much else to do; waits do not count")
	flag.Parse()
	for _, rate := range strings.Split(*rates, ",") {
		n, err := strconv.Atoi(rate)
		if err != nil {
			return fmt.Errorf("--rates: %w", err)
		}
		b.rates = append(b.rates, n)
	}
	var err error
	if b.metric, err = hannoy.ParseMetric(*metric); err != nil {
		return err
	}
	if b.rows, err = harness.ReadRows(*data, "base", *metric, 0); err != nil {
		return err
	}
	if b.queries, err = harness.ReadRows(*data, "query", *metric, 0); err != nil {
		return err
	}
	if b.linked >= b.rows.Count || b.scratch == "" || b.batch < 1 {
		return fmt.Errorf("need --scratch, --linked below the %d rows of the base, and --batch of 1 or more", b.rows.Count)
	}
	if err := b.prepare(); err != nil {
		return err
	}
	measurements := map[string]func() error{"pending": b.pending, "queries": b.underBuild, "updates": b.updates, "file": b.file}
	measure := measurements[flag.Arg(0)]
	if measure == nil {
		return errors.New("which measurement: pending, queries, updates or file?")
	}
	return measure()
}

func (b *bench) template() string {
	return filepath.Join(b.scratch, fmt.Sprintf("linked-%d", b.linked))
}

// prepare builds the index that the measurements start from, unless it is there.
func (b *bench) prepare() error {
	if _, err := os.Stat(b.template()); err == nil {
		return nil
	}
	dir := b.template() + ".new"
	ix, err := hannoy.Open(dir, &hannoy.Options{Dimensions: b.rows.Width, Metric: b.metric, IDs: true})
	if err != nil {
		return err
	}
	for first := 0; first < b.linked; first += 10_000 {
		if err := b.put(ix, first, min(first+10_000, b.linked), 0); err != nil {
			return err
		}
	}
	if _, err := ix.Build(ctx, nil); err != nil {
		return err
	}
	if err := ix.Close(); err != nil {
		return err
	}
	return os.Rename(dir, b.template())
}

// put puts rows from..to under their numbers plus shift.
func (b *bench) put(ix *hannoy.Index, from, to, shift int) error {
	_, err := ix.Update(ctx, func(batch *hannoy.Batch) error {
		for i := from; i < to; i++ {
			if err := batch.Put(hannoy.ID(uint32(i+shift)), b.rows.Row(i).F32); err != nil {
				return err
			}
		}
		return nil
	})
	return err
}

// open opens a copy of the template.
func (b *bench) open(o hannoy.Options) (*hannoy.Index, string, error) {
	dir := filepath.Join(b.scratch, "work")
	if err := errors.Join(os.RemoveAll(dir), os.MkdirAll(dir, 0o700)); err != nil {
		return nil, "", err
	}
	from, err := os.Open(filepath.Join(b.template(), "data.mdb"))
	if err != nil {
		return nil, "", err
	}
	defer from.Close()
	to, err := os.Create(filepath.Join(dir, "data.mdb"))
	if err != nil {
		return nil, "", err
	}
	if _, err := io.Copy(to, from); err != nil {
		return nil, "", err
	}
	if err := errors.Join(to.Sync(), to.Close()); err != nil {
		return nil, "", err
	}
	ix, err := hannoy.Open(dir, &o)
	return ix, dir, err
}

// latencies are those of calls, one after the other.
type latencies []time.Duration

func (l latencies) at(share float64) time.Duration {
	if len(l) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(l))
	return sorted[min(len(sorted)-1, int(share*float64(len(sorted))))]
}

func (l latencies) String() string {
	us := func(d time.Duration) float64 { return float64(d.Nanoseconds()) / 1000 }
	var sum time.Duration
	for _, d := range l {
		sum += d
	}
	return fmt.Sprintf("n %7d  mean %8.1f  p50 %8.1f  p90 %8.1f  p99 %8.1f  p99.9 %9.1f  max %9.1f us",
		len(l), us(sum)/float64(max(1, len(l))), us(l.at(.5)), us(l.at(.9)), us(l.at(.99)), us(l.at(.999)), us(l.at(1)))
}

// search asks queries, one after the other, until the time is over.
func (b *bench) search(ix *hannoy.Index, seconds float64) (latencies, error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	l := make(latencies, 0, 1<<20)
	end := time.Now().Add(time.Duration(seconds * float64(time.Second)))
	for i := 0; time.Now().Before(end); i++ {
		start := b.clock()
		if _, err := ix.Search(ctx, b.queries.Row(i%b.queries.Count).F32, 10, &hannoy.SearchOptions{Ef: b.ef}); err != nil {
			return nil, err
		}
		l = append(l, b.clock()-start)
	}
	return l, nil
}

// clock is a time, of the thread or of the world, since some moment.
func (b *bench) clock() time.Duration {
	clock := int32(unix.CLOCK_MONOTONIC)
	if b.cpu {
		clock = unix.CLOCK_THREAD_CPUTIME_ID
	}
	var t unix.Timespec
	_ = unix.ClockGettime(clock, &t) // these clocks exist
	return time.Duration(t.Nano())
}
