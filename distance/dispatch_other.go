//go:build (!amd64 && !arm64) || purego

package distance

func available() []implementation { return []implementation{portable} }

func l2F32(dst []float32, query *byte, rows []*byte, rowBytes, _ int) {
	l2F32Portable(dst, query, rows, rowBytes)
}

func dotF32(dst []float32, query *byte, rows []*byte, rowBytes, _ int) {
	dotF32Portable(dst, query, rows, rowBytes)
}

func l1F32(dst []float32, query *byte, rows []*byte, rowBytes, _ int) {
	l1F32Portable(dst, query, rows, rowBytes)
}

func l2F16(dst []float32, query *byte, rows []*byte, rowBytes, _ int) {
	l2F16Portable(dst, query, rows, rowBytes)
}

func dotF16(dst []float32, query *byte, rows []*byte, rowBytes, _ int) {
	dotF16Portable(dst, query, rows, rowBytes)
}

func l1F16(dst []float32, query *byte, rows []*byte, rowBytes, _ int) {
	l1F16Portable(dst, query, rows, rowBytes)
}

func dotI8(dst []float32, query *byte, rows []*byte, rowBytes, _ int, weight, floor float64) {
	dotI8Portable(dst, query, rows, rowBytes, weight, floor)
}

func l1I8(dst []float32, query *byte, rows []*byte, rowBytes, _ int) {
	l1I8Portable(dst, query, rows, rowBytes)
}

func hamming(dst []float32, query *byte, rows []*byte, rowBytes, _ int) {
	hammingPortable(dst, query, rows, rowBytes)
}

func codesI8(dst []float32, query *byte, rows []*byte, rowBytes, _ int, norms, weight, floor float64) {
	codesI8Portable(dst, query, rows, rowBytes, norms, weight, floor)
}
