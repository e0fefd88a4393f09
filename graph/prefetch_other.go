//go:build (!amd64 && !arm64) || purego

package graph

import "unsafe"

// Prefetch does nothing on this kind of processor.
func Prefetch(unsafe.Pointer) {}
