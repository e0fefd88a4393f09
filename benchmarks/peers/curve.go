package main

import (
	"math"
	"slices"

	"github.com/hannoydb/hannoy/benchmarks/harness"
)

// curvePoint is a speed at a recall.
type curvePoint struct {
	ef     int
	recall float64
	speed  float64
}

// curve is the points of one round with one number of threads, in order of ef.
func (r *round) curve(threads int, speed func(harness.Point) float64) []curvePoint {
	var points []curvePoint
	for _, p := range r.Report.Curve {
		if p.Threads != threads {
			continue
		}
		for _, rec := range r.Recall {
			if rec.Ef == p.Ef {
				points = append(points, curvePoint{p.Ef, rec.WithDistance, speed(p)})
			}
		}
	}
	return points
}

// speedAt is the speed at a recall, on the straight line between the two nearest points
// of the curve with a logarithmic axis of speed. It is the speed of the smallest ef if
// that has the recall already, and false if no ef has.
func (r *round) speedAt(recall float64, threads int, speed func(harness.Point) float64) (float64, bool) {
	points := r.curve(threads, speed)
	for i, p := range points {
		if p.recall < recall {
			continue
		}
		if i == 0 {
			return p.speed, true
		}
		from := points[i-1]
		part := (recall - from.recall) / (p.recall - from.recall)
		return math.Exp(math.Log(from.speed) + part*(math.Log(p.speed)-math.Log(from.speed))), true
	}
	return 0, false
}

// speeds is speedAt in each round; empty if the recall is not reached.
func (s *systemResult) speeds(recall float64, threads int, speed func(harness.Point) float64) []float64 {
	var out []float64
	for _, r := range s.Rounds {
		if v, ok := r.speedAt(recall, threads, speed); ok {
			out = append(out, v)
		}
	}
	return out
}

// ratios divides the speeds of two systems round by round, so that a minute in which
// the machine was slow counts for both.
func ratios(of, to []float64) []float64 {
	out := make([]float64, min(len(of), len(to)))
	for i := range out {
		out[i] = of[i] / to[i]
	}
	return out
}

// median is 0 for no values.
func median(values []float64) float64 {
	if len(values) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(values))
	if n := len(sorted); n%2 == 0 {
		return (sorted[n/2-1] + sorted[n/2]) / 2
	}
	return sorted[len(sorted)/2]
}

// medianOf is the median of a figure over the rounds.
func (s *systemResult) medianOf(figure func(*harness.QueryReport) float64) float64 {
	var values []float64
	for _, r := range s.Rounds {
		values = append(values, figure(r.Report))
	}
	return median(values)
}

// medianCurve is the median speed at each ef.
func (s *systemResult) medianCurve(threads int, speed func(harness.Point) float64) []curvePoint {
	var out []curvePoint
	for i, r := range s.Rounds {
		if i == 0 {
			out = r.curve(threads, speed)
		}
	}
	for i := range out {
		var speeds, recalls []float64
		for _, r := range s.Rounds {
			p := r.curve(threads, speed)[i]
			speeds, recalls = append(speeds, p.speed), append(recalls, p.recall)
		}
		out[i].speed, out[i].recall = median(speeds), median(recalls)
	}
	return out
}

// efFor is the smallest ef with a recall, or false.
func (s *systemResult) efFor(recall float64) (int, bool) {
	if len(s.Rounds) == 0 {
		return 0, false
	}
	for _, r := range s.Rounds[0].Recall {
		if r.WithDistance >= recall {
			return r.Ef, true
		}
	}
	return 0, false
}
