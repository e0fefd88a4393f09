package main

import (
	"math"
	"testing"

	"github.com/hannoydb/hannoy/benchmarks/harness"
)

func TestSpeedAtInterpolatesInTheLogarithm(t *testing.T) {
	r := &round{Report: &harness.QueryReport{}}
	for _, p := range []struct {
		ef     int
		recall float64
		speed  int
	}{{10, .8, 1000}, {20, .9, 100}, {30, .95, 50}} {
		r.Report.Curve = append(r.Report.Curve, harness.Point{Ef: p.ef, Threads: 1, Queries: p.speed, CPUSeconds: 1})
		r.Recall = append(r.Recall, recall{Ef: p.ef, WithDistance: p.recall})
	}
	for _, test := range []struct {
		recall, speed float64
		ok            bool
	}{{.7, 1000, true}, {.85, math.Sqrt(1000 * 100), true}, {.95, 50, true}, {.96, 0, false}} {
		speed, ok := r.speedAt(test.recall, 1, qpsCPU)
		if math.Abs(speed-test.speed) > 1e-9*test.speed || ok != test.ok {
			t.Errorf("at %g: %g, %v, want %g, %v", test.recall, speed, ok, test.speed, test.ok)
		}
	}
}

func TestMedianOfRatios(t *testing.T) {
	if got := median(ratios([]float64{2, 9, 4}, []float64{1, 3, 4})); got != 2 {
		t.Errorf("%g, want 2", got)
	}
	if median(nil) != 0 {
		t.Error("the median of nothing is not 0")
	}
}
