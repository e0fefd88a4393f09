package main

import (
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/hannoydb/hannoy/benchmarks/harness"
	"golang.org/x/sys/unix"
)

// coldRun is the first queries of a process when nothing of the index is in memory.
type coldRun struct {
	OpenMS     float64   `json:"open_ms"`
	FirstMS    float64   `json:"first_ms"`     // open and first query
	HundredMS  float64   `json:"hundred_ms"`   // open and a hundred queries
	QueryUS    []float64 `json:"query_us"`     // each of them
	Faults     int64     `json:"faults"`       // waits for the disk in a run of one query only
	ReadKB     int64     `json:"read_kb"`      // what the disk read in it, readahead included
	DiskReadUS float64   `json:"disk_read_us"` // one random read of 4 KiB from the same files, cold
}

const (
	coldQueries = 100
	diskReads   = 200
)

// measureCold empties the page cache before each process. It says why if it cannot.
func measureCold(o *options, all []*contender) {
	if err := dropCaches(); err != nil {
		o.logf("no cold-cache figures: %v", err)
		return
	}
	for n := range o.rounds {
		for i := range all {
			c := all[(i+n)%len(all)]
			if !c.available() || !c.saves() {
				continue
			}
			run, err := c.cold(o)
			if err != nil {
				o.logf("%s: cold: %v", c.Name, err)
				continue
			}
			o.logf("%s: cold: open and first query %.1f ms, with %d queries %.1f ms", c.Name, run.FirstMS, coldQueries, run.HundredMS)
			c.Cold = append(c.Cold, run)
		}
	}
}

func (c *contender) cold(o *options) (*coldRun, error) {
	run := &coldRun{}
	ask := func(queries int) (*harness.QueryReport, error) {
		if err := c.chill(); err != nil {
			return nil, err
		}
		return c.query(o, "--first", strconv.Itoa(queries))
	}
	one, err := ask(1)
	if err != nil {
		return nil, err
	}
	run.Faults, run.ReadKB = one.FirstFaults, one.FirstReadKB
	hundred, err := ask(coldQueries)
	if err != nil {
		return nil, err
	}
	run.OpenMS, run.QueryUS = hundred.OpenMS, hundred.FirstUS
	run.FirstMS = run.OpenMS + run.QueryUS[0]/1000
	run.HundredMS = run.OpenMS
	for _, us := range run.QueryUS {
		run.HundredMS += us / 1000
	}
	if err := c.chill(); err != nil {
		return nil, err
	}
	run.DiskReadUS, err = randomRead(c.index)
	return run, err
}

// chill empties the page cache, but for the program itself, whose loading is not what
// is measured.
func (c *contender) chill() error {
	if err := dropCaches(); err != nil {
		return err
	}
	_, err := os.ReadFile(c.program)
	return err
}

func dropCaches() error {
	unix.Sync()
	if err := os.WriteFile("/proc/sys/vm/drop_caches", []byte("3\n"), 0); err != nil {
		return fmt.Errorf("the page cache cannot be emptied: %w", err)
	}
	return nil
}

// randomRead is the time of one read of a page at random from the largest file of the
// index, without readahead.
func randomRead(dir string) (us float64, err error) {
	path, pages, err := largestFile(dir)
	if err != nil {
		return 0, err
	}
	f, err := os.Open(path)
	if err != nil {
		return 0, err
	}
	defer f.Close()
	if err := unix.Fadvise(int(f.Fd()), 0, 0, unix.FADV_RANDOM); err != nil {
		return 0, err
	}
	random := rand.New(rand.NewPCG(1, 1))
	page := make([]byte, os.Getpagesize())
	start := time.Now()
	for range diskReads {
		if _, err := f.ReadAt(page, random.Int64N(pages)*int64(len(page))); err != nil {
			return 0, err
		}
	}
	return float64(time.Since(start).Microseconds()) / diskReads, nil
}

func largestFile(dir string) (path string, pages int64, err error) {
	err = filepath.WalkDir(dir, func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		info, err := entry.Info()
		if err != nil {
			return err
		}
		if n := info.Size() / int64(os.Getpagesize()); n > pages {
			path, pages = name, n
		}
		return nil
	})
	if err == nil && pages == 0 {
		err = fmt.Errorf("%s: no file of a page or more", dir)
	}
	return path, pages, err
}

// coldMedian is the median of a figure over the cold runs.
func (s *systemResult) coldMedian(figure func(*coldRun) float64) float64 {
	var values []float64
	for _, run := range s.Cold {
		values = append(values, figure(run))
	}
	return median(values)
}
