package pages

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/hannoydb/hannoy/codec"
)

var (
	// ErrForeign: not an LMDB file.
	ErrForeign = errors.New("not an LMDB file")
	// ErrVersion: a data version or a page size that this package does not read.
	ErrVersion = errors.New("LMDB data version not supported")
)

// Source is what a File reads from.
type Source interface {
	io.ReaderAt
	Size() int64
}

// File is an LMDB data file.
type File struct {
	src      Source
	PageSize int64
	Metas    [2]Meta
	usable   [2]bool // by meta page: it can be read, if not believed
}

// Meta is a meta page: the state of the file after one commit.
type Meta struct {
	Txn      uint64 // number of the commit
	LastPage uint64 // the last page in use
	Free     Tree   // commit numbers -> pages that they gave up
	Main     Tree   // the records
}

// Tree is what a meta page says of a B-tree.
type Tree struct {
	Flags    uint16
	Depth    uint16
	Branches uint64 // pages
	Leaves   uint64 // pages
	Overflow uint64 // pages
	Entries  uint64
	Root     uint64 // noPage for an empty tree
}

const (
	metaPages = 2
	noPage    = ^uint64(0)
	maxDepth  = 32 // of LMDB's cursors

	// Larger files cannot be mapped into 47 bits of address space.
	maxFileBytes = 1 << 47

	// The layout of a meta page (mdb.c, MDB_meta, 64-bit). The page size stands in
	// the unused first field of the free list's tree.
	magicAt    = headerBytes
	versionAt  = magicAt + 4
	pageSizeAt = versionAt + 4 + 8 + 8
	freeTreeAt = pageSizeAt
	mainTreeAt = freeTreeAt + treeBytes
	lastPageAt = mainTreeAt + treeBytes
	txnAt      = lastPageAt + 8
	metaBytes  = txnAt + 8
	treeBytes  = 48

	magic       = 0xBEEFC0DE
	dataVersion = 1

	flagIntegerKey = 0x08
	// Flags of an environment that stand among those of the free list's tree, and that
	// change nothing for us: a fixed address, a file without a directory.
	harmlessFlags = 0x01 | 0x4000
)

var ne = binary.NativeEndian

func corruptf(format string, args ...any) error {
	return fmt.Errorf("%s: %w", fmt.Sprintf(format, args...), codec.ErrCorrupt)
}

// Open opens a file of pages of pageSize bytes. It reads and verifies both meta pages: each by itself, that they are of
// neighbouring commits, and that the file is as long as the newest says. It reads no other
// page. Beside a writer it may meet a meta page half written: try again then.
//
// An error wraps ErrForeign, ErrVersion or codec.ErrCorrupt.
func Open(src Source, pageSize int64) (*File, error) {
	f := &File{src: src, PageSize: pageSize}
	head := make([]byte, metaBytes)
	if _, err := src.ReadAt(head, 0); err != nil {
		return nil, fmt.Errorf("%w: %d bytes: %w", ErrForeign, src.Size(), io.ErrUnexpectedEOF)
	}
	if ne.Uint32(head[magicAt:]) != magic {
		return nil, ErrForeign
	}
	if v := ne.Uint32(head[versionAt:]); v != dataVersion {
		return nil, fmt.Errorf("%w: data version %d, this program reads %d", ErrVersion, v, dataVersion)
	}
	switch size := int64(ne.Uint32(head[pageSizeAt:])); {
	case size < 512 || size > 1<<15 || size&(size-1) != 0:
		return nil, corruptf("page size %d", size)
	case size != pageSize:
		return nil, fmt.Errorf("%w: written with pages of %d bytes, this machine has %d", ErrVersion, size, pageSize)
	}
	var errs [2]error
	for i := range f.Metas {
		f.Metas[i], errs[i] = f.readMeta(i)
	}
	if err := errors.Join(errs[0], errs[1]); err != nil {
		return nil, err
	}
	older, newer := f.Metas[0].Txn, f.Metas[1].Txn
	if older > newer {
		older, newer = newer, older
	}
	if newer-older > 1 {
		return nil, corruptf("meta pages of commits %d and %d: one commit after the other writes them in turn", older, newer)
	}
	if err := errors.Join(f.verifyRoots(f.Newest()), f.verifyEnd(f.Newest())); err != nil {
		return nil, err
	}
	for i := range f.Metas {
		f.usable[i] = f.usableMeta(&f.Metas[i])
	}
	return f, nil
}

// usableMeta reports whether a salvage may go by a meta page that is sound by itself.
func (f *File) usableMeta(m *Meta) bool { return f.verifyRoots(m) == nil && f.verifyEnd(m) == nil }

// verifyRoots returns an error if a tree begins behind the last page. LMDB leaves the older
// meta page so where a commit could not be written: it puts the old number and the old
// last page back, but not the old trees. The next commit overwrites it.
func (f *File) verifyRoots(m *Meta) error {
	for _, t := range []*Tree{&m.Free, &m.Main} {
		if t.Root != noPage && t.Root > m.LastPage {
			return corruptf("the meta page of commit %d has a tree at page %d of %d", m.Txn, t.Root, m.LastPage)
		}
	}
	return nil
}

// OpenDamaged is Open for Salvage: of a file with whatever meta pages, or none.
func OpenDamaged(src Source, pageSize int64) *File {
	f := &File{src: src, PageSize: pageSize}
	for i := range f.Metas {
		var err error
		f.Metas[i], err = f.readMeta(i)
		f.usable[i] = err == nil && f.usableMeta(&f.Metas[i])
	}
	for i := range f.Metas {
		// Of two that are in doubt, or a cut file's, one is better than none.
		if !f.usable[0] && !f.usable[1] && f.Metas[i].Txn > f.Metas[1-i].Txn {
			f.usable[i] = true
		}
	}
	return f
}

// readMeta reads meta page i. What it can read of one that is damaged it returns with
// the error.
func (f *File) readMeta(i int) (Meta, error) {
	page := make([]byte, metaBytes)
	if _, err := f.src.ReadAt(page, int64(i)*f.PageSize); err != nil {
		return Meta{}, corruptf("file of %d bytes has no meta page %d (truncated file)", f.src.Size(), i)
	}
	switch {
	case ne.Uint64(page) != uint64(i) || ne.Uint16(page[flagsAt:]) != flagMeta:
		return Meta{}, corruptf("meta page %d has number %d and flags %#x", i, ne.Uint64(page), ne.Uint16(page[flagsAt:]))
	case ne.Uint32(page[magicAt:]) != magic:
		return Meta{}, corruptf("meta page %d has no magic", i)
	case ne.Uint32(page[versionAt:]) != dataVersion || int64(ne.Uint32(page[pageSizeAt:])) != f.PageSize:
		return Meta{}, corruptf("meta page %d has data version %d and pages of %d bytes", i, ne.Uint32(page[versionAt:]), ne.Uint32(page[pageSizeAt:]))
	}
	m := Meta{
		Txn: ne.Uint64(page[txnAt:]), LastPage: ne.Uint64(page[lastPageAt:]),
		Free: parseTree(page[freeTreeAt:]), Main: parseTree(page[mainTreeAt:]),
	}
	return m, f.verifyMeta(i, &m)
}

func parseTree(b []byte) Tree {
	return Tree{
		Flags: ne.Uint16(b[4:]), Depth: ne.Uint16(b[6:]),
		Branches: ne.Uint64(b[8:]), Leaves: ne.Uint64(b[16:]), Overflow: ne.Uint64(b[24:]),
		Entries: ne.Uint64(b[32:]), Root: ne.Uint64(b[40:]),
	}
}

func (f *File) verifyMeta(i int, m *Meta) error {
	switch {
	case m.Txn&1 != uint64(i) && m.Txn != 0:
		return corruptf("meta page %d is of commit %d, which writes the other", i, m.Txn)
	case m.LastPage < metaPages-1 || m.LastPage >= maxFileBytes/uint64(f.PageSize):
		return corruptf("meta page %d has %d for the last page", i, m.LastPage)
	case m.Free.Flags&^harmlessFlags != flagIntegerKey || m.Main.Flags != 0:
		return corruptf("meta page %d has trees of flags %#x and %#x", i, m.Free.Flags, m.Main.Flags)
	}
	for _, t := range []*Tree{&m.Free, &m.Main} {
		empty := t.Root == noPage
		if empty != (t.Depth == 0) || empty != (t.Entries == 0) || t.Depth > maxDepth || !empty && t.Root < metaPages {
			return corruptf("meta page %d has a tree of depth %d with %d entries at page %d of %d", i, t.Depth, t.Entries, t.Root, m.LastPage)
		}
	}
	return nil
}

// verifyEnd returns an error if the file is shorter than the meta page says. It may be
// so by pages that are free: LMDB does not write those that a commit takes at the end of
// the file and gives back.
func (f *File) verifyEnd(m *Meta) error {
	have := uint64(f.src.Size() / f.PageSize)
	if have > m.LastPage {
		return nil
	}
	w := &walk{file: f, ctx: context.Background(), meta: m}
	w.leaf = w.freed
	if err := w.walk(&m.Free, freeTree); err != nil {
		return err
	}
	for page := have; page <= m.LastPage; page++ {
		if !w.report.Sound() || !w.seen.has(page) {
			return corruptf("file of %d bytes, its pages need %d (truncated file)", f.src.Size(), int64(m.LastPage+1)*f.PageSize)
		}
	}
	return nil
}

// Newest returns the meta page of the latest commit, which LMDB goes by.
func (f *File) Newest() *Meta {
	if f.Metas[1].Txn > f.Metas[0].Txn {
		return &f.Metas[1]
	}
	return &f.Metas[0]
}
