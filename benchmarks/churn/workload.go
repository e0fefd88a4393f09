package main

import (
	"cmp"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"

	"github.com/hannoydb/hannoy/benchmarks/harness"
)

// step changes which rows of the data set are in the index: first some leave, then
// others come, in one commit and one build.
type step struct {
	remove, insert []int32
	measure        bool // ask the queries afterwards
	fresh          bool // and ask an index that is built anew of the same rows, too
}

// plan is a workload: the rows at the start and what happens to them.
type plan struct {
	name  string
	says  string // what it does, for the table
	start []int32
	steps []step
	whole int // so many insertions are one turnover
}

// workloads are the plans that need no file.
var workloads = map[string]struct {
	says string
	next func(p *population, batch int) step
}{
	"uniform":   {"random rows leave, random others come", (*population).uniform},
	"clustered": {"the neighbours of a random row leave, the neighbours of another come", (*population).clustered},
	"sliding":   {"the oldest rows leave, the next of the file come", (*population).sliding},
	"growing":   {"from a fifth of the rows to all: for each random row that leaves two others come", (*population).growing},
	"half":      {"a random half of the rows is replaced at once", (*population).uniform},
}

func workloadNames() string { return strings.Join(slices.Sorted(maps.Keys(workloads)), ", ") }

// newPlan makes a plan for live rows of the base, of which a share changes in each step
// until all have been replaced turnovers times.
func newPlan(name string, o *options, base *harness.Rows) (*plan, error) {
	w, ok := workloads[name]
	if !ok {
		return nil, fmt.Errorf("unknown workload %q (give %s, or --runbook FILE)", name, workloadNames())
	}
	live, share := o.live, o.share
	if live == 0 {
		live = base.Count / 2
	}
	if live < 1 || live >= base.Count {
		return nil, fmt.Errorf("%d live rows of %d leave none to come (give a smaller --live)", live, base.Count)
	}
	if name == "half" {
		share = .5
	}
	batch := max(1, int(share*float64(live)))
	p := &population{rows: base, metric: o.metric, random: rand.New(rand.NewPCG(o.seed, 1))}
	for row := range base.Count {
		p.spare = append(p.spare, int32(row))
	}
	start := live
	if name == "growing" {
		start = live / 5
	}
	if name == "sliding" {
		p.live = oldest(&p.spare, start)
	} else {
		p.live = p.any(&p.spare, start)
	}
	plan := &plan{name: name, says: w.says, start: slices.Clone(p.live), whole: live}
	for inserted := 0; inserted < o.turnovers*live && len(p.live) <= live; {
		s := w.next(p, batch)
		before := inserted
		inserted += len(s.insert)
		every := max(1, int(o.every*float64(live)))
		s.measure = inserted/every > before/every
		s.fresh = inserted/live > before/live
		plan.steps = append(plan.steps, s)
	}
	last := &plan.steps[len(plan.steps)-1]
	last.measure, last.fresh = true, true
	return plan, nil
}

// population is which rows are in the index, and which wait outside.
type population struct {
	rows        *harness.Rows
	metric      string
	random      *rand.Rand
	live, spare []int32
}

func (p *population) uniform(batch int) step {
	return p.change(p.any(&p.live, batch), p.any(&p.spare, batch))
}

func (p *population) clustered(batch int) step {
	return p.change(p.region(&p.live, batch), p.region(&p.spare, batch))
}

func (p *population) sliding(batch int) step {
	return p.change(oldest(&p.live, batch), oldest(&p.spare, batch))
}

func (p *population) growing(batch int) step {
	return p.change(p.any(&p.live, batch/2), p.any(&p.spare, batch))
}

func (p *population) change(remove, insert []int32) step {
	p.live = append(p.live, insert...)
	p.spare = append(p.spare, remove...)
	return step{remove: remove, insert: insert}
}

// any takes n random rows out of the list.
func (p *population) any(list *[]int32, n int) []int32 {
	rows := *list
	n = min(n, len(rows))
	for i := range n {
		last := len(rows) - 1 - i
		at := p.random.IntN(last + 1)
		rows[at], rows[last] = rows[last], rows[at]
	}
	return cut(list, len(rows)-n)
}

// region takes a random row and its nearest out of the list, n in all.
func (p *population) region(list *[]int32, n int) []int32 {
	type near struct {
		row      int32
		distance float64
	}
	middle := p.rows.Row(int((*list)[p.random.IntN(len(*list))]))
	all := make([]near, len(*list))
	for i, row := range *list {
		all[i] = near{row, harness.Distance(p.metric, middle, p.rows.Row(int(row)))}
	}
	slices.SortFunc(all, func(a, b near) int { return -cmp.Or(cmp.Compare(a.distance, b.distance), cmp.Compare(a.row, b.row)) })
	for i, x := range all {
		(*list)[i] = x.row
	}
	return cut(list, len(all)-min(n, len(all)))
}

// oldest takes the first n rows out of the list.
func oldest(list *[]int32, n int) []int32 {
	n = min(n, len(*list))
	first := slices.Clone((*list)[:n])
	*list = slices.Delete(*list, 0, n)
	return first
}

// cut takes the end of the list, from there on, off.
func cut(list *[]int32, from int) []int32 {
	end := slices.Clone((*list)[from:])
	*list = (*list)[:from]
	return end
}
