package distance

// Half precision is widened to float32, in which everything is summed: a sum
// kept in half precision stops growing long before the last element.

func l2F16Portable(dst []float32, query *byte, rows []*byte, rowBytes int) {
	q := blocks[[8]uint16](query, rowBytes)
	for i, row := range rows {
		r := blocks[[8]uint16](row, rowBytes)[:len(q)]
		var s0, s1 float32
		for j := range q {
			x, y := &q[j], &r[j]
			for lane := 0; lane < len(x); lane += 2 {
				d0 := fromF16(x[lane]) - fromF16(y[lane])
				d1 := fromF16(x[lane+1]) - fromF16(y[lane+1])
				s0 += d0 * d0
				s1 += d1 * d1
			}
		}
		dst[i] = s0 + s1
	}
}

func dotF16Portable(dst []float32, query *byte, rows []*byte, rowBytes int) {
	q := blocks[[8]uint16](query, rowBytes)
	for i, row := range rows {
		r := blocks[[8]uint16](row, rowBytes)[:len(q)]
		var s0, s1 float32
		for j := range q {
			x, y := &q[j], &r[j]
			for lane := 0; lane < len(x); lane += 2 {
				s0 += fromF16(x[lane]) * fromF16(y[lane])
				s1 += fromF16(x[lane+1]) * fromF16(y[lane+1])
			}
		}
		dst[i] = -(s0 + s1)
	}
}

func l1F16Portable(dst []float32, query *byte, rows []*byte, rowBytes int) {
	q := blocks[[8]uint16](query, rowBytes)
	for i, row := range rows {
		r := blocks[[8]uint16](row, rowBytes)[:len(q)]
		var s0, s1 float32
		for j := range q {
			x, y := &q[j], &r[j]
			for lane := 0; lane < len(x); lane += 2 {
				s0 += abs(fromF16(x[lane]) - fromF16(y[lane]))
				s1 += abs(fromF16(x[lane+1]) - fromF16(y[lane+1]))
			}
		}
		dst[i] = s0 + s1
	}
}
