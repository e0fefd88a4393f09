//go:build unix

package distance

import (
	"syscall"
	"testing"
	"unsafe"
)

// guarded returns a page between two that may not be read.
func guarded(t *testing.T) []byte {
	page := syscall.Getpagesize()
	m, err := syscall.Mmap(-1, 0, 3*page, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_ANON|syscall.MAP_PRIVATE)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { syscall.Munmap(m) })
	for _, outer := range [][]byte{m[:page], m[2*page:]} {
		if err := syscall.Mprotect(outer, syscall.PROT_NONE); err != nil {
			t.Fatal(err)
		}
	}
	return m[page : 2*page]
}

// Rows at the very end and the very start of readable memory.
func TestNoReadBeyondRow(t *testing.T) {
	left, right := guarded(t), guarded(t)
	forEachShape(t, func(t *testing.T, kernel func(int) *Kernel) {
		rng := newRand(t)
		for dims := 1; dims <= 1000; dims += 1 + dims/150 {
			k := kernel(dims)
			a, b := k.AppendRow(nil, randomVector(rng, k)), k.AppendRow(nil, randomVector(rng, k))
			want := k.Pair(placed(a, 0), placed(b, 0))
			for _, start := range []int{0, len(left) - k.RowBytes()} {
				copy(left[start:], a)
				copy(right[start:], b)
				if got := k.Pair(unsafe.Pointer(&left[start]), unsafe.Pointer(&right[start])); got != want {
					t.Fatalf("%d dimensions: %v, want %v", dims, got, want)
				}
			}
		}
	})
}
