package harness

import (
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// maxSamples bounds the memory for latencies, which counts as the system's when memory
// is measured: what does not fit is not sampled.
const maxSamples = 1 << 16

// measure asks the queries over and over for the given time, and each of them at least
// once, with several goroutines that take the next query as they get free. It returns
// the rows found in the first pass, k per query and -1 where fewer were found.
func measure(s Searcher, queries *Rows, k, threads int, atLeast time.Duration) (Point, []int32, error) {
	answers := make([]int32, queries.Count*k)
	samples := make([][]time.Duration, threads)
	for t := range samples {
		samples[t] = make([]time.Duration, 0, maxSamples/threads)
	}
	errs := make([]error, threads)
	var next atomic.Int64
	var workers sync.WaitGroup

	before, start := usageNow(), time.Now()
	for t := range threads {
		workers.Go(func() {
			samples[t], errs[t] = ask(s, queries, k, &next, answers, samples[t], start.Add(atLeast))
		})
	}
	workers.Wait()
	elapsed, after := time.Since(start), usageNow()

	all := slices.Concat(samples...)
	slices.Sort(all)
	point := Point{
		Threads:    threads,
		Queries:    int(next.Load()) - threads, // each worker took one number that it did not use
		Seconds:    elapsed.Seconds(),
		CPUSeconds: (after.cpu - before.cpu).Seconds(),
	}
	if len(all) > 0 {
		point.P50US = microseconds(all[len(all)/2])
		point.P99US = microseconds(all[len(all)*99/100])
	}
	return point, answers, errors.Join(errs...)
}

func ask(s Searcher, queries *Rows, k int, next *atomic.Int64, answers []int32, samples []time.Duration, deadline time.Time) ([]time.Duration, error) {
	var found []int32
	var err error
	for now := time.Now(); ; {
		i := int(next.Add(1)) - 1
		if i >= queries.Count && now.After(deadline) {
			return samples, nil
		}
		found, err = s.Search(found[:0], queries.Row(i%queries.Count), k)
		if err != nil {
			return nil, err
		}
		end := time.Now()
		if len(samples) < cap(samples) {
			samples = append(samples, end.Sub(now))
		}
		now = end
		if i < queries.Count {
			row := answers[i*k : (i+1)*k]
			for j := copy(row, found); j < k; j++ {
				row[j] = -1
			}
		}
	}
}

func microseconds(d time.Duration) float64 { return float64(d) / float64(time.Microsecond) }
