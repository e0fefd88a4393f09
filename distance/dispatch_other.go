package distance

import "unsafe"

func l2F32(dst []float32, query unsafe.Pointer, rows []unsafe.Pointer, rowBytes int) {
	l2F32Portable(dst, query, rows, rowBytes)
}

func dotF32(dst []float32, query unsafe.Pointer, rows []unsafe.Pointer, rowBytes int) {
	dotF32Portable(dst, query, rows, rowBytes)
}

func l1F32(dst []float32, query unsafe.Pointer, rows []unsafe.Pointer, rowBytes int) {
	l1F32Portable(dst, query, rows, rowBytes)
}

func hamming(dst []float32, query unsafe.Pointer, rows []unsafe.Pointer, rowBytes int) {
	hammingPortable(dst, query, rows, rowBytes)
}
