package main

import (
	"context"
	"math"
	"math/bits"

	"github.com/hannoydb/hannoy"
)

// A point is a vector of numbers or of bits, or that of the item with a key.
type point struct {
	vector []float32
	bits   []byte
	key    []byte
}

// search is a query of any kind.
func (p point) search(ctx context.Context, s *hannoy.Snapshot, k int, opts *hannoy.SearchOptions) ([]hannoy.Hit, error) {
	switch {
	case p.key != nil:
		return s.SearchKey(ctx, p.key, k, opts)
	case p.bits != nil:
		return s.SearchBits(ctx, p.bits, k, opts)
	}
	return s.Search(ctx, p.vector, k, opts)
}

func (p point) query() hannoy.Query { return hannoy.Query{Vector: p.vector, Bits: p.bits, Key: p.key} }

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
	return math.Sqrt(squared(a.vector, b.vector))
}

// squared is the squared euclidean distance. Four sums at a time, because each addition waits for the one before it.
func squared(a, b []float32) float64 {
	var s0, s1, s2, s3 float64
	b = b[:len(a)]
	i := 0
	for ; i+4 <= len(a); i += 4 {
		d0, d1 := float64(a[i])-float64(b[i]), float64(a[i+1])-float64(b[i+1])
		d2, d3 := float64(a[i+2])-float64(b[i+2]), float64(a[i+3])-float64(b[i+3])
		s0, s1, s2, s3 = s0+d0*d0, s1+d1*d1, s2+d2*d2, s3+d3*d3
	}
	for ; i < len(a); i++ {
		d := float64(a[i]) - float64(b[i])
		s0 += d * d
	}
	return s0 + s1 + s2 + s3
}

func dot(a, b []float32) float64 {
	var s0, s1, s2, s3 float64
	b = b[:len(a)]
	i := 0
	for ; i+4 <= len(a); i += 4 {
		s0, s1 = s0+float64(a[i])*float64(b[i]), s1+float64(a[i+1])*float64(b[i+1])
		s2, s3 = s2+float64(a[i+2])*float64(b[i+2]), s3+float64(a[i+3])*float64(b[i+3])
	}
	for ; i < len(a); i++ {
		s0 += float64(a[i]) * float64(b[i])
	}
	return s0 + s1 + s2 + s3
}
