//go:build !purego

package distance

// Every arm64 processor that Go runs on has NEON.
func available() []implementation { return []implementation{portable, neon} }

func l2F32(dst []float32, query *byte, rows []*byte, rowBytes, ahead int) {
	if active == neon {
		l2F32NEON(dst, query, rows, rowBytes, ahead)
	} else {
		l2F32Portable(dst, query, rows, rowBytes)
	}
}

func dotF32(dst []float32, query *byte, rows []*byte, rowBytes, ahead int) {
	if active == neon {
		dotF32NEON(dst, query, rows, rowBytes, ahead)
	} else {
		dotF32Portable(dst, query, rows, rowBytes)
	}
}

func l1F32(dst []float32, query *byte, rows []*byte, rowBytes, ahead int) {
	if active == neon {
		l1F32NEON(dst, query, rows, rowBytes, ahead)
	} else {
		l1F32Portable(dst, query, rows, rowBytes)
	}
}

func l2F16(dst []float32, query *byte, rows []*byte, rowBytes, ahead int) {
	if active == neon {
		l2F16NEON(dst, query, rows, rowBytes, ahead)
	} else {
		l2F16Portable(dst, query, rows, rowBytes)
	}
}

func dotF16(dst []float32, query *byte, rows []*byte, rowBytes, ahead int) {
	if active == neon {
		dotF16NEON(dst, query, rows, rowBytes, ahead)
	} else {
		dotF16Portable(dst, query, rows, rowBytes)
	}
}

func l1F16(dst []float32, query *byte, rows []*byte, rowBytes, ahead int) {
	if active == neon {
		l1F16NEON(dst, query, rows, rowBytes, ahead)
	} else {
		l1F16Portable(dst, query, rows, rowBytes)
	}
}

func l1I8(dst []float32, query *byte, rows []*byte, rowBytes, ahead int) {
	if active == neon {
		l1I8NEON(dst, query, rows, rowBytes, ahead)
	} else {
		l1I8Portable(dst, query, rows, rowBytes)
	}
}

func hamming(dst []float32, query *byte, rows []*byte, rowBytes, ahead int) {
	if active == neon {
		hammingNEON(dst, query, rows, rowBytes, ahead)
	} else {
		hammingPortable(dst, query, rows, rowBytes)
	}
}

func dotI8(dst []float32, query *byte, rows []*byte, rowBytes, ahead int, weight, floor float64) {
	if active == neon && rowBytes <= dotI8NEONBytes {
		dotI8NEON(dst, query, rows, rowBytes, ahead, weight, floor)
	} else {
		dotI8Portable(dst, query, rows, rowBytes, weight, floor)
	}
}

func codesI8(dst []float32, query *byte, rows []*byte, rowBytes, ahead int, norms, weight, floor float64) {
	if active == neon && rowBytes <= codesI8NEONBytes {
		codesI8NEON(dst, query, rows, rowBytes, ahead, norms, weight, floor)
	} else {
		codesI8Portable(dst, query, rows, rowBytes, norms, weight, floor)
	}
}
