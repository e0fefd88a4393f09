package main

import (
	"fmt"
	"strings"

	"github.com/hannoydb/hannoy/benchmarks/chart"
)

// The pictures begin where somebody might work. Their axis of recall is logarithmic in
// what is missing, so that .99 is as far from .90 as .999 from .99; it ends where the
// number of queries no longer tells one recall from the next.
const (
	leastRecall = 0.8
	mostRecall  = 0.9995
)

// curveStyles gives a system the same line in all pictures.
var curveStyles = map[string]int{"hnswlib": 0, "hannoy": 1, "hannoy int8": 2, "hannoy binary": 3, "weaviate": 4, "coder": 5, "vecgo": 6}

// curveChart draws speed against recall.
func (r *result) curveChart(threads int) *chart.Chart {
	c := &chart.Chart{
		Title: fmt.Sprintf("%s: %s, %s × %d %s", r.Data.Name, r.Data.Metric, chart.Thousands(float64(r.Data.Items)), r.Data.Width, r.widthUnit()),
		Subtitle: fmt.Sprintf("%d nearest neighbours, M = %d, ef construction = %d; right and up is better",
			r.Parameters.K, r.Parameters.M, r.Parameters.EfConstruction),
		X: chart.Axis{
			Label: fmt.Sprintf("recall@%d", r.Parameters.K), From: 1 - leastRecall, To: 1 - mostRecall, Log: true,
			Ticks: []float64{.2, .1, .05, .02, .01, .005, .002, .001}, Format: func(missing float64) string { return fmt.Sprintf("%.4g", 1-missing) },
		},
		Footnote: fmt.Sprintf("%s, %s, median of %d interleaved rounds", r.Environment.CPU, strings.Fields(r.Environment.Date)[0], r.Parameters.Rounds),
	}
	var speeds []float64
	offChart := ""
	for _, s := range r.Systems {
		points := s.medianCurve(threads, qpsCPU)
		series := chart.Series{Name: s.Name, Style: curveStyles[s.Name]}
		best := 0.0
		for _, p := range points {
			if best >= mostRecall {
				break // more of the same recall for less speed
			}
			best = max(best, p.recall)
			series.Points = append(series.Points, chart.Point{X: 1 - min(p.recall, mostRecall), Y: p.speed * float64(threads)})
			if p.recall >= leastRecall {
				speeds = append(speeds, p.speed*float64(threads))
			}
		}
		switch {
		case len(points) == 0:
			continue
		case best < leastRecall:
			series.Name += fmt.Sprintf(" (≤ %.2f)", best)
			offChart = "; (≤ r): finds no more than recall r"
		}
		c.Series = append(c.Series, series)
	}
	c.Footnote += offChart
	c.Y = chart.LogAxis(fmt.Sprintf("queries per second of CPU time, %s", threadsText(threads)), speeds)
	return c
}

func (r *result) widthUnit() string {
	if r.Data.Metric == "hamming" {
		return "bytes"
	}
	return "numbers"
}

func threadsText(n int) string {
	if n == 1 {
		return "1 thread"
	}
	return fmt.Sprintf("%d threads", n)
}
