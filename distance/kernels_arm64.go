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
