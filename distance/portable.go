package distance

import (
	"math/bits"
	"unsafe"
)

// The portable kernels are the specification: every other implementation agrees
// with them up to the rounding of sums. Each writes the distances from one query
// row to len(rows) rows of rowBytes bytes. Eight accumulators keep the adders busy;
// arrays of eight spare the bounds checks.

func l2F32Portable(dst []float32, query *byte, rows []*byte, rowBytes int) {
	q := floats(query, rowBytes)
	for i, row := range rows {
		dst[i] = l2(q, floats(row, rowBytes))
	}
}

func dotF32Portable(dst []float32, query *byte, rows []*byte, rowBytes int) {
	q := floats(query, rowBytes)
	for i, row := range rows {
		dst[i] = -dot(q, floats(row, rowBytes))
	}
}

func l1F32Portable(dst []float32, query *byte, rows []*byte, rowBytes int) {
	q := floats(query, rowBytes)
	for i, row := range rows {
		dst[i] = l1(q, floats(row, rowBytes))
	}
}

func hammingPortable(dst []float32, query *byte, rows []*byte, rowBytes int) {
	q := words(query, rowBytes)
	for i, row := range rows {
		dst[i] = float32(differingBits(q, words(row, rowBytes)))
	}
}

func floats(row *byte, rowBytes int) []float32 {
	return unsafe.Slice((*float32)(unsafe.Pointer(row)), rowBytes/4)
}

func words(row *byte, rowBytes int) []uint64 {
	return unsafe.Slice((*uint64)(unsafe.Pointer(row)), rowBytes/8)
}

// l2 is the sum of squared differences. Like its neighbours below it takes two
// slices of equal length, a multiple of 4.
func l2(a, b []float32) float32 {
	var s0, s1, s2, s3, s4, s5, s6, s7 float32
	for len(a) >= 8 && len(b) >= 8 {
		x, y := (*[8]float32)(a), (*[8]float32)(b)
		d0, d1, d2, d3 := x[0]-y[0], x[1]-y[1], x[2]-y[2], x[3]-y[3]
		d4, d5, d6, d7 := x[4]-y[4], x[5]-y[5], x[6]-y[6], x[7]-y[7]
		s0 += d0 * d0
		s1 += d1 * d1
		s2 += d2 * d2
		s3 += d3 * d3
		s4 += d4 * d4
		s5 += d5 * d5
		s6 += d6 * d6
		s7 += d7 * d7
		a, b = a[8:], b[8:]
	}
	if len(a) >= 4 && len(b) >= 4 {
		x, y := (*[4]float32)(a), (*[4]float32)(b)
		d0, d1, d2, d3 := x[0]-y[0], x[1]-y[1], x[2]-y[2], x[3]-y[3]
		s0 += d0 * d0
		s1 += d1 * d1
		s2 += d2 * d2
		s3 += d3 * d3
	}
	return ((s0 + s4) + (s1 + s5)) + ((s2 + s6) + (s3 + s7))
}

func dot(a, b []float32) float32 {
	var s0, s1, s2, s3, s4, s5, s6, s7 float32
	for len(a) >= 8 && len(b) >= 8 {
		x, y := (*[8]float32)(a), (*[8]float32)(b)
		s0 += x[0] * y[0]
		s1 += x[1] * y[1]
		s2 += x[2] * y[2]
		s3 += x[3] * y[3]
		s4 += x[4] * y[4]
		s5 += x[5] * y[5]
		s6 += x[6] * y[6]
		s7 += x[7] * y[7]
		a, b = a[8:], b[8:]
	}
	if len(a) >= 4 && len(b) >= 4 {
		x, y := (*[4]float32)(a), (*[4]float32)(b)
		s0 += x[0] * y[0]
		s1 += x[1] * y[1]
		s2 += x[2] * y[2]
		s3 += x[3] * y[3]
	}
	return ((s0 + s4) + (s1 + s5)) + ((s2 + s6) + (s3 + s7))
}

func l1(a, b []float32) float32 {
	var s0, s1, s2, s3, s4, s5, s6, s7 float32
	for len(a) >= 8 && len(b) >= 8 {
		x, y := (*[8]float32)(a), (*[8]float32)(b)
		s0 += abs(x[0] - y[0])
		s1 += abs(x[1] - y[1])
		s2 += abs(x[2] - y[2])
		s3 += abs(x[3] - y[3])
		s4 += abs(x[4] - y[4])
		s5 += abs(x[5] - y[5])
		s6 += abs(x[6] - y[6])
		s7 += abs(x[7] - y[7])
		a, b = a[8:], b[8:]
	}
	if len(a) >= 4 && len(b) >= 4 {
		x, y := (*[4]float32)(a), (*[4]float32)(b)
		s0 += abs(x[0] - y[0])
		s1 += abs(x[1] - y[1])
		s2 += abs(x[2] - y[2])
		s3 += abs(x[3] - y[3])
	}
	return ((s0 + s4) + (s1 + s5)) + ((s2 + s6) + (s3 + s7))
}

// abs differs from math.Abs in that it stays in float32.
func abs(x float32) float32 {
	if x < 0 {
		return -x
	}
	return x
}

func differingBits(a, b []uint64) int {
	var s0, s1 int
	for len(a) >= 2 && len(b) >= 2 {
		x, y := (*[2]uint64)(a), (*[2]uint64)(b)
		s0 += bits.OnesCount64(x[0] ^ y[0])
		s1 += bits.OnesCount64(x[1] ^ y[1])
		a, b = a[2:], b[2:]
	}
	return s0 + s1
}
