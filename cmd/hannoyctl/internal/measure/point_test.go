package measure

import (
	"math"
	"testing"

	"github.com/hannoydb/hannoy"
)

func TestDistanceOf(t *testing.T) {
	a, b := Point{Vector: []float32{1, 2, 3, 4, 5}}, Point{Vector: []float32{1, 0, 3, 1, 1}}
	bits, more := Point{Bits: []byte{0xff, 0}}, Point{Bits: []byte{0xf0, 1}}
	for metric, want := range map[hannoy.Metric]float64{
		hannoy.Euclidean:    math.Sqrt(4 + 9 + 16),
		hannoy.Manhattan:    2 + 3 + 4,
		hannoy.InnerProduct: -(1 + 9 + 4 + 5),
		hannoy.Cosine:       1 - 19/math.Sqrt(55*12),
	} {
		if got := DistanceOf(metric, a, b); math.Abs(got-want) > 1e-12 {
			t.Errorf("%s: %v, want %v", metric, got, want)
		}
	}
	if got := DistanceOf(hannoy.Hamming, bits, more); got != 5 {
		t.Errorf("hamming: %v, want 5", got)
	}
	if got := DistanceOf(hannoy.Cosine, a, a); got < 0 || got > 1e-15 {
		t.Errorf("cosine of a vector with itself: %v", got)
	}
}
