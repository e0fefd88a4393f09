package distance

import "unsafe"

// Half precision is widened to float32, in which everything is summed: a sum
// kept in half precision stops growing long before the last element.

func l2F16Portable(dst []float32, query *byte, rows []*byte, rowBytes int) {
	q := halves(query, rowBytes)
	for i, row := range rows {
		r := halves(row, rowBytes)
		var s [8]float32
		for j := range r {
			x, y := q[j], r[j]
			for lane := range s {
				d := fromF16(x[lane]) - fromF16(y[lane])
				s[lane] += d * d
			}
		}
		dst[i] = sum8(&s)
	}
}

func dotF16Portable(dst []float32, query *byte, rows []*byte, rowBytes int) {
	q := halves(query, rowBytes)
	for i, row := range rows {
		r := halves(row, rowBytes)
		var s [8]float32
		for j := range r {
			x, y := q[j], r[j]
			for lane := range s {
				s[lane] += fromF16(x[lane]) * fromF16(y[lane])
			}
		}
		dst[i] = -sum8(&s)
	}
}

func l1F16Portable(dst []float32, query *byte, rows []*byte, rowBytes int) {
	q := halves(query, rowBytes)
	for i, row := range rows {
		r := halves(row, rowBytes)
		var s [8]float32
		for j := range r {
			x, y := q[j], r[j]
			for lane := range s {
				s[lane] += abs(fromF16(x[lane]) - fromF16(y[lane]))
			}
		}
		dst[i] = sum8(&s)
	}
}

// halves returns a row as its 16-byte blocks.
func halves(row *byte, rowBytes int) [][8]uint16 {
	return unsafe.Slice((*[8]uint16)(unsafe.Pointer(row)), rowBytes/blockBytes)
}

func sum8(s *[8]float32) float32 {
	return ((s[0] + s[4]) + (s[1] + s[5])) + ((s[2] + s[6]) + (s[3] + s[7]))
}
