package tables

import "sync/atomic"

// lazy is a table of values that are made on first use and then shared.
type lazy[T any] []atomic.Pointer[T]

// put makes v the value of entry i, unless another goroutine was faster, and
// returns what the value is.
func (l lazy[T]) put(i uint32, v *T) *T {
	l[i].CompareAndSwap(nil, v)
	return l[i].Load()
}

// share makes l, of which nothing was touched, the table that old is.
func (l lazy[T]) share(old lazy[T]) {
	for i := range min(len(l), len(old)) {
		l[i].Store(old[i].Load())
	}
}

func (l lazy[T]) forget(from, to uint32) {
	for i := from; i < to; i++ {
		l[i].Store(nil)
	}
}

// missing calls fn with the entries that old has and l has not.
func (l lazy[T]) missing(old lazy[T], fn func(i uint32)) {
	for i := range min(len(l), len(old)) {
		if old[i].Load() != nil && l[i].Load() == nil {
			fn(uint32(i))
		}
	}
}
