package tables

import (
	"syscall"
	"unsafe"
)

// addresses is a table of addresses within the map, nil until they are looked up: of
// vectors or codes, an entry for each slab. They are looked up and stored atomically.
//
// A large table is a mapping of its own: the garbage collector need not scan it, and
// pages that nobody touches are never made.
type addresses struct {
	entries []unsafe.Pointer
	mapping []byte // what to unmap; nil when the entries are on the heap
}

// smallTable is how many entries the heap holds.
const smallTable = 8192

func newAddresses(n int) addresses {
	if n <= smallTable {
		return addresses{entries: make([]unsafe.Pointer, n)}
	}
	size := n * int(unsafe.Sizeof(unsafe.Pointer(nil)))
	mapping, err := syscall.Mmap(-1, 0, size, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_PRIVATE|syscall.MAP_ANON|syscall.MAP_NORESERVE)
	if err != nil {
		return addresses{entries: make([]unsafe.Pointer, n)} // it costs time and nothing else
	}
	// Valid: the mapping is aligned to a page and zero, and what is stored in it does not
	// point to memory that only it would keep alive.
	return addresses{entries: unsafe.Slice((*unsafe.Pointer)(unsafe.Pointer(unsafe.SliceData(mapping))), n), mapping: mapping}
}

// free gives the memory back. Nobody uses the table any more.
func (a *addresses) free() {
	if a.mapping != nil {
		// It can only fail for an address that is not mapped.
		_ = syscall.Munmap(a.mapping)
	}
	*a = addresses{}
}
