//go:build (amd64 || arm64) && !purego

package graph

import "unsafe"

// Prefetch asks for the two cache lines from p on. It reads nothing: p may be any
// address.
func Prefetch(p unsafe.Pointer) { prefetch(p) }

//go:noescape
func prefetch(p unsafe.Pointer)
