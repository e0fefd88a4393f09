package main

import (
	"errors"
	"strconv"
	"sync"
	"time"

	"github.com/hannoydb/hannoy/benchmarks/harness"
)

// readersRun is one measurement with a number of processes that read the same index.
type readersRun struct {
	Processes   int     `json:"processes"`
	Ef          int     `json:"ef"`
	QPS         float64 `json:"qps"`          // of all processes together
	QPSCPU      float64 `json:"qps_cpu"`      // per second of CPU time: per process, if they had a core each
	AnonymousKB int64   `json:"anonymous_kb"` // of all processes together
}

const (
	readersRecall  = 0.95
	readersSeconds = 3.0
)

// measureReaders measures one reader process and two, by turns: hannoy, of which all
// processes share one copy, and the system that it is measured against.
func measureReaders(o *options, all []*contender) {
	for range o.rounds {
		for _, c := range all {
			if ef, ok := c.efFor(readersRecall); ok && c.available() && (c.System == "hannoy" || c.System == reference) {
				for _, processes := range []int{1, 2} {
					run, err := c.readers(o, processes, ef)
					if err != nil {
						o.logf("%s: %d readers: %v", c.Name, processes, err)
						continue
					}
					c.Readers = append(c.Readers, run)
				}
			}
		}
	}
}

func (c *contender) readers(o *options, processes, ef int) (*readersRun, error) {
	// All begin at the same time, when the slowest has opened and warmed its caches.
	last := c.Rounds[len(c.Rounds)-1].Report
	start := time.Now().Add(2*time.Second + 3*time.Duration(last.OpenMS*float64(time.Millisecond)))
	reports := make([]*harness.QueryReport, processes)
	errs := make([]error, processes)
	var group sync.WaitGroup
	for i := range processes {
		group.Go(func() {
			reports[i], errs[i] = c.query(o, "--ef", strconv.Itoa(ef), "--threads", "1",
				"--seconds", strconv.FormatFloat(readersSeconds, 'f', -1, 64),
				"--start-at", strconv.FormatInt(start.UnixNano(), 10))
		})
	}
	group.Wait()
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	run := &readersRun{Processes: processes, Ef: ef}
	for _, r := range reports {
		run.QPS += qpsWall(r.Curve[0])
		run.QPSCPU += qpsCPU(r.Curve[0]) / float64(processes)
		run.AnonymousKB += r.After.AnonymousKB
	}
	return run, nil
}

// readersMedian is the median over the runs with so many processes.
func (s *systemResult) readersMedian(processes int, figure func(*readersRun) float64) float64 {
	var values []float64
	for _, run := range s.Readers {
		if run.Processes == processes {
			values = append(values, figure(run))
		}
	}
	return median(values)
}
