package main

import (
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/hannoydb/hannoy/benchmarks/harness"
)

// openers make an empty index of each system.
var openers = map[string]func(o *options, rows, queries *harness.Rows) (system, error){
	"hannoy": openHannoy, "hnswlib": openHnswlib,
}

// churn runs a workload over all systems in step, so that they see the same rows at the
// same time and the truth is found once.
func churn(o *options, workload string) (*result, error) {
	rows, err := harness.ReadRows(o.data, "base", o.metric, o.limit)
	if err != nil {
		return nil, err
	}
	queries, err := harness.ReadRows(o.data, "query", o.metric, o.queries)
	if err != nil {
		return nil, err
	}
	p, err := o.plan(workload, rows)
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(o.scratch, 0o755); err != nil {
		return nil, err
	}
	c := &course{options: o, rows: rows, queries: queries, truth: newTruth(o, rows, queries), result: newResult(o, p, rows, queries)}
	err = c.run(p)
	for _, r := range c.runners {
		err = errors.Join(err, r.system.close())
	}
	return c.result, err
}

// course is a workload on its way.
type course struct {
	options       *options
	rows, queries *harness.Rows
	truth         *truth
	runners       []*runner
	result        *result
	inserted      int
}

// runner is a system with what was measured of it.
type runner struct {
	system
	name   string
	result *systemResult
}

func (c *course) run(p *plan) error {
	for _, name := range c.options.systems {
		open := openers[name]
		if open == nil {
			return fmt.Errorf("unknown system %q", name)
		}
		s, err := open(c.options, c.rows, c.queries)
		if err != nil {
			return err
		}
		r := &runner{s, name, &systemResult{Name: name}}
		c.runners = append(c.runners, r)
		c.result.Systems = append(c.result.Systems, r.result)
	}
	if len(p.start) > 0 {
		if err := c.step(0, p, step{insert: p.start, measure: true}); err != nil {
			return err
		}
		c.inserted = 0
	}
	for i, s := range p.steps {
		if err := c.step(i+1, p, s); err != nil {
			return fmt.Errorf("step %d: %w", i+1, err)
		}
	}
	return nil
}

// step applies one step to all systems and measures them if it says so. Then the rows
// leave and come in two builds, which shows what each of them costs.
func (c *course) step(number int, p *plan, s step) error {
	start := time.Now()
	c.truth.apply(s.remove, s.insert)
	c.inserted += len(s.insert)
	for _, r := range c.runners {
		if !s.measure {
			cost, err := r.apply(s.remove, s.insert)
			if err != nil {
				return err
			}
			r.result.Steps = append(r.result.Steps, stepCost{number, len(s.remove), len(s.insert), cost})
			continue
		}
		m := &measurement{Step: number, Turnover: float64(c.inserted) / float64(p.whole), Live: len(c.truth.live), Removed: len(s.remove), Inserted: len(s.insert)}
		if number == 0 {
			m.Turnover = 0
		}
		var err error
		if m.Remove, err = r.apply(s.remove, nil); err != nil {
			return err
		}
		if m.Insert, err = r.apply(nil, s.insert); err != nil {
			return err
		}
		if err := c.measure(r.system, m); err != nil {
			return err
		}
		if s.fresh {
			if err := c.fresh(r, m); err != nil {
				return err
			}
		}
		r.result.Measurements = append(r.result.Measurements, m)
	}
	if s.measure {
		c.log(number, time.Since(start))
	}
	return nil
}

// measure asks all queries at each ef.
func (c *course) measure(s system, m *measurement) (err error) {
	if m.State, err = s.inspect(); err != nil {
		return err
	}
	for _, ef := range c.options.ef {
		found, distances, err := s.search(ef, c.options.k)
		if err != nil {
			return err
		}
		m.Curve = append(m.Curve, point{ef, c.truth.recall(found), distances})
	}
	return nil
}

// fresh measures an index that is built anew of the rows that are live.
func (c *course) fresh(r *runner, m *measurement) error {
	s, err := openers[r.name](c.options, c.rows, c.queries)
	if err != nil {
		return err
	}
	m.Fresh = &measurement{Step: m.Step, Turnover: m.Turnover, Live: m.Live, Inserted: m.Live}
	var live []int32
	for row := range c.rows.Count {
		if c.truth.live[int32(row)] {
			live = append(live, int32(row))
		}
	}
	m.Fresh.Insert, err = s.apply(nil, live)
	if err == nil {
		err = c.measure(s, m.Fresh)
	}
	return errors.Join(err, s.close())
}

func (c *course) log(number int, took time.Duration) {
	for _, r := range c.runners {
		m := r.result.last()
		line := fmt.Sprintf("%s step %d, turnover %.2f, %d live: %-8s", c.result.Workload, number, m.Turnover, m.Live, r.name)
		for _, p := range m.Curve {
			if p.Ef == logEf {
				line += fmt.Sprintf(" recall %.4f at ef %d", p.Recall, p.Ef)
			}
		}
		line += fmt.Sprintf(", degree %.2f, unreachable %d", m.State.MeanDegree, m.State.Unreachable)
		if f := m.Fresh; f != nil {
			for _, at := range targets {
				if ratio, ok := m.ratio(at); ok {
					line += fmt.Sprintf(", distances at %.2f over fresh %.3f", at, ratio)
				}
			}
			line += fmt.Sprintf(", recall over fresh %+.4f", m.gap())
		}
		fmt.Fprintln(c.options.log, line)
	}
	fmt.Fprintf(c.options.log, "%s step %d took %v\n", c.result.Workload, number, took.Round(time.Millisecond))
}
