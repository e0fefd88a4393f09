package distance

import "unsafe"

// A row of int8 ends in what turns the product of two rows into a distance, see
// quantise.go.

func dotI8Portable(dst []float32, query *byte, rows []*byte, rowBytes int, weight, floor float64) {
	q, qt := codes(query, rowBytes)
	for i, row := range rows {
		r, rt := codes(row, rowBytes)
		var s0, s1, s2, s3 int32
		for x, y := q, r; len(x) >= 4 && len(y) >= 4; x, y = x[4:], y[4:] {
			s0 += int32(x[0]) * int32(y[0])
			s1 += int32(x[1]) * int32(y[1])
			s2 += int32(x[2]) * int32(y[2])
			s3 += int32(x[3]) * int32(y[3])
		}
		// The product of two scales is exact in float64, so the order of the
		// rows does not matter; the conversion keeps it from being fused.
		product := float64(qt.scale) * float64(rt.scale) * weight * float64(s0+s1+s2+s3)
		dst[i] = float32(max(qt.norm+rt.norm-float64(product), floor))
	}
}

func l1I8Portable(dst []float32, query *byte, rows []*byte, rowBytes int) {
	q, _ := codes(query, rowBytes)
	for i, row := range rows {
		r, _ := codes(row, rowBytes)
		var s0, s1, s2, s3 int32
		for x, y := q, r; len(x) >= 4 && len(y) >= 4; x, y = x[4:], y[4:] {
			s0 += apart(x[0], y[0])
			s1 += apart(x[1], y[1])
			s2 += apart(x[2], y[2])
			s3 += apart(x[3], y[3])
		}
		dst[i] = float32(s0 + s1 + s2 + s3)
	}
}

func apart(x, y int8) int32 {
	d := int32(x) - int32(y)
	return max(d, -d)
}

// codes returns the elements of a row, and what follows them.
func codes(row *byte, rowBytes int) ([]int8, *trailer) {
	n := rowBytes - trailerBytes
	p := unsafe.Pointer(row)
	return unsafe.Slice((*int8)(p), n), (*trailer)(unsafe.Add(p, n))
}
