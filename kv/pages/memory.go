package pages

import (
	"bytes"
	"unsafe"
)

// Memory is a data file that LMDB has mapped, read beside it. What lies on pages of a
// commit is constant while a read transaction holds that commit.
type Memory struct {
	base  unsafe.Pointer
	page  uint64 // bytes of a page
	pages uint64 // of the file
}

// MemoryAt returns the map in which the value of some record lies that is short enough
// to lie on a leaf page. ok is false if it does not, or if read, which reads the file, finds
// something else at the page's place: it may be damaged, and say a number that it has not.
func MemoryAt(value []byte, pageSize int64, read func(p []byte, at int64) (int, error)) (m Memory, ok bool) {
	p := unsafe.Pointer(unsafe.SliceData(value))
	// Valid: LMDB maps whole pages, from a multiple of their size on.
	leaf := unsafe.Add(p, -int(uintptr(p)%uintptr(pageSize)))
	page := unsafe.Slice((*byte)(leaf), int(pageSize))
	n := number(page)
	if pageFlags(page) != flagLeaf || n < metaPages || n >= maxFileBytes/uint64(pageSize) {
		return m, false
	}
	same := make([]byte, pageSize)
	if got, err := read(same, int64(n)*pageSize); err != nil || got < len(same) || !bytes.Equal(same, page) {
		return m, false
	}
	return Memory{base: unsafe.Add(leaf, -int(n)*int(pageSize)), page: uint64(pageSize), pages: n + 1}, true
}

// Grown returns the map of a file of so many pages by now.
func (m Memory) Grown(pages int64) Memory {
	m.pages = uint64(max(pages, int64(m.pages)))
	return m
}

// bytes returns page n, nil if there is none.
func (m *Memory) bytes(n uint64) []byte {
	if n >= m.pages {
		return nil
	}
	return unsafe.Slice((*byte)(unsafe.Add(m.base, int(n*m.page))), int(m.page))
}

// run returns the value that begins on page n, nil if it is not whole in the file.
func (m *Memory) run(n uint64, size uint32) []byte {
	if n >= m.pages || (m.pages-n)*m.page < headerBytes+uint64(size) {
		return nil
	}
	return unsafe.Slice((*byte)(unsafe.Add(m.base, int(n*m.page+headerBytes))), int(size))
}

// tree returns where the tree of records of a commit begins, which a read transaction
// must hold. ok is false when it cannot be said for sure: when there is a newer commit.
// The next but one after a commit writes its meta page anew.
func (m *Memory) tree(commit uint64) (t Tree, ok bool) {
	page := m.bytes(commit & 1)
	if page == nil || ne.Uint64(page[txnAt:]) != commit {
		return t, false
	}
	t = parseTree(page[mainTreeAt:])
	other := m.bytes(commit&1 ^ 1)
	return t, other != nil && ne.Uint64(other[txnAt:]) < commit && t.Depth > 0 && t.Depth <= maxDepth
}

// AdviseRandom tells the kernel not to read ahead in the map, which has so many bytes.
func (m Memory) AdviseRandom(mapped int64) error {
	if m.base == nil {
		return nil // it is not known where the map is
	}
	// Valid: the map begins at its first page.
	return adviseRandom(unsafe.Slice((*byte)(m.base), mapped))
}
