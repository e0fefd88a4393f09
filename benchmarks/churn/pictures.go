package main

import (
	"fmt"
	"math"
	"strings"

	"github.com/hannoydb/hannoy/benchmarks/chart"
)

// chartEf is the ef of the picture of recall.
const chartEf = 32

// styles gives each system the line that it has in the pictures of package peers, and
// its fresh builds another.
var styles = map[string]struct{ now, fresh int }{"hannoy": {2, 5}, "hnswlib": {0, 6}}

// charts are the pictures of a workload over time, by name.
func (r *result) charts() map[string]*chart.Chart {
	all := map[string]*chart.Chart{
		"recall":    r.chart(fmt.Sprintf("recall@%d at ef %d", r.K, chartEf), "higher is better", func(m *measurement) (float64, bool) { return m.recallAt(chartEf), true }),
		"distances": r.chart("distances per query at recall .95", "lower is better", func(m *measurement) (float64, bool) { return m.distancesAt(.95) }),
	}
	for name, c := range all {
		if len(c.Series) == 0 {
			delete(all, name)
		}
	}
	return all
}

func (r *result) chart(label, better string, figure func(*measurement) (float64, bool)) *chart.Chart {
	c := &chart.Chart{
		Title:    fmt.Sprintf("%s, %s: %s", r.Data, r.Workload, label),
		Subtitle: fmt.Sprintf("%s; %s", r.Says, better),
		Footnote: fmt.Sprintf("%s rows make a turnover, %d steps; M = %d, ef construction = %d; %s", chart.Thousands(float64(r.Live)), r.Steps, r.M, r.Ef, strings.Fields(r.Environment.Date)[0]),
	}
	var xs, ys []float64
	for _, s := range r.Systems {
		now := chart.Series{Name: s.Name, Style: styles[s.Name].now}
		fresh := chart.Series{Name: s.Name + ", built anew", Style: styles[s.Name].fresh}
		for _, m := range s.Measurements {
			if y, ok := figure(m); ok && !math.IsNaN(y) {
				now.Points = append(now.Points, chart.Point{X: m.Turnover, Y: y})
				xs, ys = append(xs, m.Turnover), append(ys, y)
			}
			if m.Fresh == nil {
				continue
			}
			if y, ok := figure(m.Fresh); ok && !math.IsNaN(y) {
				fresh.Points = append(fresh.Points, chart.Point{X: m.Turnover, Y: y})
				ys = append(ys, y)
			}
		}
		for _, line := range []chart.Series{now, fresh} {
			if len(line.Points) > 0 {
				c.Series = append(c.Series, line)
			}
		}
	}
	if len(c.Series) > 0 {
		c.X, c.Y = chart.LinearAxis("turnovers", append(xs, 0)), chart.LinearAxis(label, ys)
	}
	return c
}
