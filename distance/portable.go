package distance

import (
	"math"
	"math/bits"
	"unsafe"
)

// The portable kernels are the specification: every other implementation agrees
// with them up to the rounding of sums. Each writes the distances from one query
// row to len(rows) rows of rowBytes bytes. They walk over the 16-byte blocks of a
// row, which spares tails and bounds checks, with an accumulator for each of four
// lanes.

func l2F32Portable(dst []float32, query *byte, rows []*byte, rowBytes int) {
	q := blocks[[4]float32](query, rowBytes)
	for i, row := range rows {
		dst[i] = l2(q, blocks[[4]float32](row, rowBytes))
	}
}

func dotF32Portable(dst []float32, query *byte, rows []*byte, rowBytes int) {
	q := blocks[[4]float32](query, rowBytes)
	for i, row := range rows {
		dst[i] = -dot(q, blocks[[4]float32](row, rowBytes))
	}
}

func l1F32Portable(dst []float32, query *byte, rows []*byte, rowBytes int) {
	q := blocks[[4]float32](query, rowBytes)
	for i, row := range rows {
		dst[i] = l1(q, blocks[[4]float32](row, rowBytes))
	}
}

func hammingPortable(dst []float32, query *byte, rows []*byte, rowBytes int) {
	q := blocks[[2]uint64](query, rowBytes)
	for i, row := range rows {
		dst[i] = float32(differingBits(q, blocks[[2]uint64](row, rowBytes)))
	}
}

// blocks returns a row as its 16-byte blocks.
func blocks[B [4]float32 | [8]uint16 | [16]int8 | [2]uint64](row *byte, rowBytes int) []B {
	return unsafe.Slice((*B)(unsafe.Pointer(row)), rowBytes/blockBytes)
}

// l2 is the sum of squared differences of two rows of one length.
func l2(a, b [][4]float32) float32 {
	var s0, s1, s2, s3 float32
	b = b[:len(a)]
	for i := range a {
		x, y := &a[i], &b[i]
		d0, d1, d2, d3 := x[0]-y[0], x[1]-y[1], x[2]-y[2], x[3]-y[3]
		s0 += d0 * d0
		s1 += d1 * d1
		s2 += d2 * d2
		s3 += d3 * d3
	}
	return (s0 + s2) + (s1 + s3)
}

func dot(a, b [][4]float32) float32 {
	var s0, s1, s2, s3 float32
	b = b[:len(a)]
	for i := range a {
		x, y := &a[i], &b[i]
		s0 += x[0] * y[0]
		s1 += x[1] * y[1]
		s2 += x[2] * y[2]
		s3 += x[3] * y[3]
	}
	return (s0 + s2) + (s1 + s3)
}

func l1(a, b [][4]float32) float32 {
	var s0, s1, s2, s3 float32
	b = b[:len(a)]
	for i := range a {
		x, y := &a[i], &b[i]
		s0 += abs(x[0] - y[0])
		s1 += abs(x[1] - y[1])
		s2 += abs(x[2] - y[2])
		s3 += abs(x[3] - y[3])
	}
	return (s0 + s2) + (s1 + s3)
}

// abs differs from math.Abs in that it stays in float32.
func abs(x float32) float32 {
	return math.Float32frombits(math.Float32bits(x) &^ (1 << 31))
}

func differingBits(a, b [][2]uint64) int {
	var s0, s1 int
	b = b[:len(a)]
	for i := range a {
		x, y := &a[i], &b[i]
		s0 += bits.OnesCount64(x[0] ^ y[0])
		s1 += bits.OnesCount64(x[1] ^ y[1])
	}
	return s0 + s1
}
