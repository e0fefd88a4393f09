package distance

import "unsafe"

// A row of stored int8 ends in what turns the product of two rows into a distance,
// see whole.go.

func dotI8Portable(dst []float32, query *byte, rows []*byte, rowBytes int, weight, floor float64) {
	q, qt := elements(query, rowBytes)
	for i, row := range rows {
		r, rt := elements(row, rowBytes)
		// The product of two scales is exact in float64, so the order of the
		// rows does not matter; the conversion keeps it from being fused.
		product := float64(qt.scale) * float64(rt.scale) * weight * float64(products(q, r))
		dst[i] = float32(max(qt.norm+rt.norm-float64(product), floor))
	}
}

// codesI8Portable takes distances of int8 codes, see codes.go.
func codesI8Portable(dst []float32, query *byte, rows []*byte, rowBytes int, norms, weight, floor float64) {
	q := blocks[[16]int8](query, rowBytes)
	qScale := float64(scaleOf((*[scaleBits]byte)(unsafe.Pointer(query))))
	qNorm := norms * (qScale * qScale * float64(squares(q)))
	for i, row := range rows {
		r := blocks[[16]int8](row, rowBytes)
		rScale := float64(scaleOf((*[scaleBits]byte)(unsafe.Pointer(row))))
		rNorm := norms * (rScale * rScale * float64(squares(r)))
		// The conversion keeps the product from being fused.
		product := float64(weight * qScale * (rScale * float64(products(q, r))))
		dst[i] = float32(max(qNorm+rNorm-product, floor))
	}
}

func squares(x [][16]int8) int32 { return products(x, x) }

func products(a, b [][16]int8) int32 {
	var s0, s1, s2, s3 int32
	b = b[:len(a)]
	for i := range a {
		x, y := &a[i], &b[i]
		for lane := 0; lane < len(x); lane += 4 {
			s0 += int32(x[lane]) * int32(y[lane])
			s1 += int32(x[lane+1]) * int32(y[lane+1])
			s2 += int32(x[lane+2]) * int32(y[lane+2])
			s3 += int32(x[lane+3]) * int32(y[lane+3])
		}
	}
	return s0 + s1 + s2 + s3
}

func l1I8Portable(dst []float32, query *byte, rows []*byte, rowBytes int) {
	q, _ := elements(query, rowBytes)
	for i, row := range rows {
		r, _ := elements(row, rowBytes)
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

// elements returns the elements of a row, and what follows them.
func elements(row *byte, rowBytes int) ([][16]int8, *trailer) {
	n := rowBytes - trailerBytes
	return blocks[[16]int8](row, n), (*trailer)(unsafe.Add(unsafe.Pointer(row), n))
}
