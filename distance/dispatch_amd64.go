//go:build !purego

package distance

//go:generate go -C _asm run . -out ../kernels_amd64.s -stubs ../kernels_amd64.go -pkg distance

func available() []implementation {
	has := []implementation{portable}
	f := features()
	if f.have(needsAVX2) {
		has = append(has, avx2)
		if f.have(needsAVX512) {
			has = append(has, avx512)
		}
	}
	return has
}

func l2F32(dst []float32, query *byte, rows []*byte, rowBytes, ahead int) {
	switch active {
	case avx512:
		l2F32AVX512(dst, query, rows, rowBytes, ahead)
	case avx2:
		l2F32AVX2(dst, query, rows, rowBytes, ahead)
	default:
		l2F32Portable(dst, query, rows, rowBytes)
	}
}

func dotF32(dst []float32, query *byte, rows []*byte, rowBytes, ahead int) {
	switch active {
	case avx512:
		dotF32AVX512(dst, query, rows, rowBytes, ahead)
	case avx2:
		dotF32AVX2(dst, query, rows, rowBytes, ahead)
	default:
		dotF32Portable(dst, query, rows, rowBytes)
	}
}

func l1F32(dst []float32, query *byte, rows []*byte, rowBytes, ahead int) {
	switch active {
	case avx512:
		l1F32AVX512(dst, query, rows, rowBytes, ahead)
	case avx2:
		l1F32AVX2(dst, query, rows, rowBytes, ahead)
	default:
		l1F32Portable(dst, query, rows, rowBytes)
	}
}

func l2F16(dst []float32, query *byte, rows []*byte, rowBytes, ahead int) {
	switch active {
	case avx512:
		l2F16AVX512(dst, query, rows, rowBytes, ahead)
	case avx2:
		l2F16AVX2(dst, query, rows, rowBytes, ahead)
	default:
		l2F16Portable(dst, query, rows, rowBytes)
	}
}

func dotF16(dst []float32, query *byte, rows []*byte, rowBytes, ahead int) {
	switch active {
	case avx512:
		dotF16AVX512(dst, query, rows, rowBytes, ahead)
	case avx2:
		dotF16AVX2(dst, query, rows, rowBytes, ahead)
	default:
		dotF16Portable(dst, query, rows, rowBytes)
	}
}

func l1F16(dst []float32, query *byte, rows []*byte, rowBytes, ahead int) {
	switch active {
	case avx512:
		l1F16AVX512(dst, query, rows, rowBytes, ahead)
	case avx2:
		l1F16AVX2(dst, query, rows, rowBytes, ahead)
	default:
		l1F16Portable(dst, query, rows, rowBytes)
	}
}

func dotI8(dst []float32, query *byte, rows []*byte, rowBytes, ahead int, weight, floor float64) {
	switch active {
	case avx512:
		dotI8VNNI(dst, query, rows, rowBytes, ahead, weight, floor)
	case avx2:
		dotI8AVX2(dst, query, rows, rowBytes, ahead, weight, floor)
	default:
		dotI8Portable(dst, query, rows, rowBytes, weight, floor)
	}
}

func l1I8(dst []float32, query *byte, rows []*byte, rowBytes, ahead int) {
	switch active {
	case avx512:
		l1I8AVX512(dst, query, rows, rowBytes, ahead)
	case avx2:
		l1I8AVX2(dst, query, rows, rowBytes, ahead)
	default:
		l1I8Portable(dst, query, rows, rowBytes)
	}
}

func hamming(dst []float32, query *byte, rows []*byte, rowBytes, ahead int) {
	switch active {
	case avx512:
		hammingVPOPCNT(dst, query, rows, rowBytes, ahead)
	case avx2:
		hammingPOPCNT(dst, query, rows, rowBytes, ahead)
	default:
		hammingPortable(dst, query, rows, rowBytes)
	}
}

func codesI8(dst []float32, query *byte, rows []*byte, rowBytes, ahead int, norms, weight, floor float64) {
	switch active {
	case avx512:
		codesI8VNNI(dst, query, rows, rowBytes, ahead, norms, weight, floor)
	case avx2:
		codesI8AVX2(dst, query, rows, rowBytes, ahead, norms, weight, floor)
	default:
		codesI8Portable(dst, query, rows, rowBytes, norms, weight, floor)
	}
}
