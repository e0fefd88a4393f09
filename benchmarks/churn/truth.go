package main

import (
	"cmp"
	"math"
	"slices"
	"sync"

	"github.com/hannoydb/hannoy/benchmarks/harness"
)

// truth knows the k nearest live rows of each query at any time, by exact scans: of all
// live rows at first, then of those that come.
type truth struct {
	metric  string
	k       int
	rows    *harness.Rows
	queries *harness.Rows
	live    map[int32]bool
	near    []horizon
}

// horizon is all live rows within a distance of a query, nearest first.
type horizon struct {
	reach float64
	rows  []nearRow
}

type nearRow struct {
	row      int32
	distance float64
}

func (a nearRow) compare(b nearRow) int {
	return cmp.Or(cmp.Compare(a.distance, b.distance), cmp.Compare(a.row, b.row))
}

// horizonRows is how many rows, times k, a horizon has at first: as rows leave and come
// it hardly ever runs short.
const horizonRows = 10

func newTruth(o *options, rows, queries *harness.Rows) *truth {
	return &truth{metric: o.metric, k: o.k, rows: rows, queries: queries, live: map[int32]bool{}, near: make([]horizon, queries.Count)}
}

// apply changes which rows are live.
func (t *truth) apply(remove, insert []int32) {
	gone := make(map[int32]bool, len(remove))
	for _, row := range remove {
		gone[row] = true
		delete(t.live, row)
	}
	for _, row := range insert {
		t.live[row] = true
	}
	t.each(func(q int, h *horizon) {
		h.rows = slices.DeleteFunc(h.rows, func(n nearRow) bool { return gone[n.row] })
		for _, row := range insert {
			if d := t.distance(q, row); d <= h.reach {
				h.rows = append(h.rows, nearRow{row, d})
			}
		}
		slices.SortFunc(h.rows, nearRow.compare)
		if len(h.rows) < min(t.k, len(t.live)) {
			t.scan(q, h)
		}
	})
}

// each calls do for each query, on all processors.
func (t *truth) each(do func(q int, h *horizon)) {
	var workers sync.WaitGroup
	const parts = 8
	for part := range parts {
		workers.Go(func() {
			for q := part; q < len(t.near); q += parts {
				do(q, &t.near[q])
			}
		})
	}
	workers.Wait()
}

// scan compares the query with all live rows.
func (t *truth) scan(q int, h *horizon) {
	h.rows = h.rows[:0]
	for row := range t.live {
		h.rows = append(h.rows, nearRow{row, t.distance(q, row)})
	}
	slices.SortFunc(h.rows, nearRow.compare)
	h.reach = math.Inf(1)
	if keep := horizonRows * t.k; len(h.rows) > keep {
		h.rows = slices.Clone(h.rows[:keep])
		h.reach = h.rows[keep-1].distance
	}
}

func (t *truth) distance(query int, row int32) float64 {
	return harness.Distance(t.metric, t.queries.Row(query), t.rows.Row(int(row)))
}

// recall is the share of the true k nearest of all queries that was found: of rows that
// are live and at most as far as the true k-th.
func (t *truth) recall(found [][]int32) float64 {
	hits, want := 0, 0
	for q, rows := range found {
		h := &t.near[q]
		k := min(t.k, len(h.rows))
		if want += k; k == 0 {
			continue
		}
		farthest := h.rows[k-1].distance
		for i, row := range rows {
			if t.live[row] && !slices.Contains(rows[:i], row) && t.distance(q, row) <= farthest*(1+harness.Slack) {
				hits++
			}
		}
	}
	return float64(hits) / float64(want)
}
