package distance

import (
	"errors"
	"math"
	"testing"
)

func TestCheck(t *testing.T) {
	nan, inf := float32(math.NaN()), float32(math.Inf(1))
	for _, c := range []struct {
		metric Metric
		vector []float32
		index  int // of the element refused, or -1
	}{
		{Euclidean, []float32{0, 0, 0}, -1},
		{Euclidean, []float32{MaxValue, -MaxValue, 1e-45}, -1},
		{Euclidean, []float32{0, nan, inf}, 1},
		{Euclidean, []float32{0, 0, inf}, 2},
		{InnerProduct, []float32{-inf, 0, 0}, 0},
		{Manhattan, []float32{0, 2 * MaxValue, 0}, 1},
		{Cosine, []float32{0, math.MaxFloat32, 0}, -1},
		{Cosine, []float32{1, 2, nan}, 2},
	} {
		err := mustNew(t, c.metric, F32, 3).Check(c.vector)
		var bad *ValueError
		switch {
		case c.index < 0 && err != nil:
			t.Errorf("%v of %v: %v", c.metric, c.vector, err)
		case c.index >= 0 && (!errors.As(err, &bad) || bad.Index != c.index):
			t.Errorf("%v of %v: %v, want element %d refused", c.metric, c.vector, err, c.index)
		}
	}
	if err := mustNew(t, Cosine, F32, 2).Check([]float32{0, float32(math.Copysign(0, -1))}); err != ErrZeroVector {
		t.Errorf("cosine of a zero vector: %v", err)
	}
}

// The largest elements in the most dimensions stay finite under every metric.
func TestMaxValueIsFinite(t *testing.T) {
	for _, metric := range []Metric{Euclidean, Cosine, InnerProduct, Manhattan} {
		k := mustNew(t, metric, F32, MaxDimensions)
		x, y := make([]float32, MaxDimensions), make([]float32, MaxDimensions)
		for i := range x {
			x[i], y[i] = MaxValue, -MaxValue
		}
		d := k.Pair(placed(k.AppendRow(nil, x), 0), placed(k.AppendRow(nil, y), 0))
		if !(math.Abs(float64(d)) <= math.MaxFloat32) || d <= 0 {
			t.Errorf("%v: %v", metric, d)
		}
		if shown := k.Report(d); !(shown > 0 && shown <= math.MaxFloat32) {
			t.Errorf("%v: reported as %v", metric, shown)
		}
	}
}
