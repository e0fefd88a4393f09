//go:build !purego

package distance

// l2F32NEON is l2F32Portable with prefetching.
//
//go:noescape
func l2F32NEON(dst []float32, query *byte, rows []*byte, rowBytes int, ahead int)

// dotF32NEON is dotF32Portable with prefetching.
//
//go:noescape
func dotF32NEON(dst []float32, query *byte, rows []*byte, rowBytes int, ahead int)

// l1F32NEON is l1F32Portable with prefetching.
//
//go:noescape
func l1F32NEON(dst []float32, query *byte, rows []*byte, rowBytes int, ahead int)

// l2F16NEON is l2F16Portable with prefetching.
//
//go:noescape
func l2F16NEON(dst []float32, query *byte, rows []*byte, rowBytes int, ahead int)

// dotF16NEON is dotF16Portable with prefetching.
//
//go:noescape
func dotF16NEON(dst []float32, query *byte, rows []*byte, rowBytes int, ahead int)

// l1F16NEON is l1F16Portable with prefetching.
//
//go:noescape
func l1F16NEON(dst []float32, query *byte, rows []*byte, rowBytes int, ahead int)

// l1I8NEON is l1I8Portable with prefetching.
//
//go:noescape
func l1I8NEON(dst []float32, query *byte, rows []*byte, rowBytes int, ahead int)

// hammingNEON is hammingPortable with prefetching.
//
//go:noescape
func hammingNEON(dst []float32, query *byte, rows []*byte, rowBytes int, ahead int)

// dotI8NEONBytes is the longest row that dotI8NEON takes: it spreads the query
// out on its stack.
const dotI8NEONBytes = 2048 + trailerBytes

// dotI8NEON is dotI8Portable with prefetching.
//
//go:noescape
func dotI8NEON(dst []float32, query *byte, rows []*byte, rowBytes int, ahead int, weight float64, floor float64)

// codesI8NEONBytes is the longest row that codesI8NEON takes: it spreads the query
// out on its stack.
const codesI8NEONBytes = 2048

// codesI8NEON is codesI8Portable with prefetching.
//
//go:noescape
func codesI8NEON(dst []float32, query *byte, rows []*byte, rowBytes int, ahead int, norms float64, weight float64, floor float64)
