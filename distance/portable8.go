package distance

import "unsafe"

// A row of int8 ends in what turns the product of two rows into a distance, see
// quantise.go.

func dotI8Portable(dst []float32, query *byte, rows []*byte, rowBytes int, weight, floor float64) {
	q, qt := codes(query, rowBytes)
	for i, row := range rows {
		r, rt := codes(row, rowBytes)
		var s0, s1, s2, s3 int32
		r = r[:len(q)]
		for j := range q {
			x, y := &q[j], &r[j]
			for lane := 0; lane < len(x); lane += 4 {
				s0 += int32(x[lane]) * int32(y[lane])
				s1 += int32(x[lane+1]) * int32(y[lane+1])
				s2 += int32(x[lane+2]) * int32(y[lane+2])
				s3 += int32(x[lane+3]) * int32(y[lane+3])
			}
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
		r = r[:len(q)]
		for j := range q {
			x, y := &q[j], &r[j]
			for lane := 0; lane < len(x); lane += 4 {
				s0 += apart(x[lane], y[lane])
				s1 += apart(x[lane+1], y[lane+1])
				s2 += apart(x[lane+2], y[lane+2])
				s3 += apart(x[lane+3], y[lane+3])
			}
		}
		dst[i] = float32(s0 + s1 + s2 + s3)
	}
}

func apart(x, y int8) int32 {
	d := int32(x) - int32(y)
	return max(d, -d)
}

// codes returns the elements of a row, and what follows them.
func codes(row *byte, rowBytes int) ([][16]int8, *trailer) {
	n := rowBytes - trailerBytes
	return blocks[[16]int8](row, n), (*trailer)(unsafe.Add(unsafe.Pointer(row), n))
}
