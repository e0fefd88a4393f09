package main

import (
	"encoding/binary"
	"fmt"
	"math"
	"os"
	"slices"
	"sync"

	"github.com/hannoydb/hannoy/benchmarks/harness"
)

// judge scores what the programs found. It computes all distances itself, in float64,
// so that no system's own idea of a distance plays a part.
type judge struct {
	metric   string
	k        int
	base     *harness.Rows
	queries  *harness.Rows
	nearest  [][]int32 // per query the true nearest k
	farthest []float64 // per query the distance of the true k-th
}

func newJudge(o *options) (*judge, error) {
	base, err := harness.ReadRows(o.data, "base", o.metric, o.limit)
	if err != nil {
		return nil, err
	}
	queries, err := harness.ReadRows(o.data, "query", o.metric, o.queries)
	if err != nil {
		return nil, err
	}
	j := &judge{metric: o.metric, k: o.k, base: base, queries: queries}
	if o.limit > 0 {
		j.findNearest()
	} else if err := j.readNearest(o.data); err != nil {
		return nil, err
	}
	j.farthest = make([]float64, queries.Count)
	for q, rows := range j.nearest {
		for n, row := range rows {
			if d := j.distance(q, row); n == 0 || d > j.farthest[q] {
				j.farthest[q] = d
			}
		}
	}
	return j, nil
}

func (j *judge) readNearest(dir string) error {
	flat, perQuery, err := harness.ReadTruth(dir)
	if err != nil {
		return err
	}
	if perQuery < j.k || len(flat) < j.queries.Count*perQuery {
		return fmt.Errorf("gt.ibin has %d neighbours for %d queries, needed are %d for %d", perQuery, len(flat)/perQuery, j.k, j.queries.Count)
	}
	for q := range j.queries.Count {
		j.nearest = append(j.nearest, flat[q*perQuery:q*perQuery+j.k])
	}
	return nil
}

// findNearest finds the truth for a part of the base, which has no file.
func (j *judge) findNearest() {
	j.nearest = make([][]int32, j.queries.Count)
	var workers sync.WaitGroup
	const parts = 8
	for part := range parts {
		workers.Go(func() {
			distances := make([]float64, j.base.Count)
			rows := make([]int32, j.base.Count)
			for q := part; q < j.queries.Count; q += parts {
				for row := range rows {
					rows[row], distances[row] = int32(row), j.distance(q, int32(row))
				}
				slices.SortFunc(rows, func(a, b int32) int {
					if d := distances[a] - distances[b]; d < 0 {
						return -1
					} else if d > 0 {
						return 1
					}
					return int(a - b)
				})
				j.nearest[q] = slices.Clone(rows[:min(j.k, len(rows))])
			}
		})
	}
	workers.Wait()
}

func (j *judge) distance(query int, row int32) float64 {
	return harness.Distance(j.metric, j.queries.Row(query), j.base.Row(int(row)))
}

// score reads the file of answers that a program wrote: one recall per ef.
func (j *judge) score(path string, efs []int) ([]recall, error) {
	raw, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	perEf := 4 * j.queries.Count * j.k
	if len(raw) != perEf*len(efs) {
		return nil, fmt.Errorf("answers have %d bytes, expected %d", len(raw), perEf*len(efs))
	}
	recalls := make([]recall, len(efs))
	for i, ef := range efs {
		near, among := 0, 0
		found := make([]int32, j.k)
		for q := range j.queries.Count {
			at := i*perEf + 4*q*j.k
			for n := range found {
				found[n] = int32(binary.LittleEndian.Uint32(raw[at+4*n:]))
			}
			a, b, err := j.scoreQuery(q, found)
			if err != nil {
				return nil, err
			}
			near, among = near+a, among+b
		}
		total := float64(j.queries.Count * j.k)
		recalls[i] = recall{Ef: ef, WithDistance: float64(near) / total, WithID: float64(among) / total}
	}
	return recalls, nil
}

func (j *judge) scoreQuery(q int, found []int32) (near, among int, err error) {
	for n, row := range found {
		switch {
		case row == -1:
			continue
		case row < 0 || int(row) >= j.base.Count:
			return 0, 0, fmt.Errorf("query %d: row %d does not exist", q, row)
		case slices.Contains(found[:n], row):
			continue // found twice counts once
		}
		if j.distance(q, row) <= j.farthest[q]+harness.Slack*math.Abs(j.farthest[q]) {
			near++
		}
		if slices.Contains(j.nearest[q], row) {
			among++
		}
	}
	return near, among, nil
}
