package main

import (
	"math"
	"math/bits"

	"github.com/hannoydb/hannoy"
)

// distanceOf measures in float64, apart from the index's own kernels: it judges them.
func distanceOf(metric hannoy.Metric, a, b point) float64 {
	var sum float64
	switch metric {
	case hannoy.Hamming:
		var differing int
		for i, x := range a.bits {
			differing += bits.OnesCount8(x ^ b.bits[i])
		}
		return float64(differing)
	case hannoy.Manhattan:
		for i, x := range a.vector {
			sum += math.Abs(float64(x) - float64(b.vector[i]))
		}
		return sum
	case hannoy.InnerProduct:
		return -dot(a.vector, b.vector)
	case hannoy.Cosine:
		cos := dot(a.vector, b.vector) / math.Sqrt(dot(a.vector, a.vector)*dot(b.vector, b.vector))
		return min(max(1-cos, 0), 2)
	}
	for i, x := range a.vector {
		d := float64(x) - float64(b.vector[i])
		sum += d * d
	}
	return math.Sqrt(sum)
}

func dot(a, b []float32) float64 {
	var sum float64
	for i, x := range a {
		sum += float64(x) * float64(b[i])
	}
	return sum
}

// A point is a vector of numbers, or of bits.
type point struct {
	vector []float32
	bits   []byte
}

// within is the largest distance that still counts as the k-th true one: ann-benchmarks' 1e-3, relative. Cosine
// distances near 0 are the difference of two numbers near 1, hence the absolute part.
func within(metric hannoy.Metric, kth float64) float64 {
	limit := kth + 1e-3*math.Abs(kth)
	if metric == hannoy.Cosine {
		limit += 1e-6
	}
	return limit
}
