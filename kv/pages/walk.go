package pages

import (
	"context"
	"errors"
	"fmt"
)

// Problem is something that is wrong with a page.
type Problem struct {
	Page uint64
	Text string
}

// Report is what a walk has seen.
type Report struct {
	Problems []Problem // the first 1,000
	Found    int       // how many there are
	Pages    uint64    // of the commit, meta pages included
	Free     uint64    // pages on the free list
	Lost     uint64    // pages that are neither in a tree nor free: room wasted, and no harm
	Entries  uint64    // of the tree of records
}

const maxProblems = 1000

// Sound reports whether there were no problems.
func (r *Report) Sound() bool { return r.Found == 0 }

func (r *Report) add(page uint64, format string, args ...any) {
	if r.Found++; len(r.Problems) < maxProblems {
		r.Problems = append(r.Problems, Problem{page, fmt.Sprintf(format, args...)})
	}
}

// walk is a walk over one tree at a time.
type walk struct {
	file   *File
	ctx    context.Context
	meta   *Meta
	report Report
	seen   bitmap
	check  checker
	levels [maxDepth]level
	last   []byte // the last key of the previous leaf
	leaf   func(n uint64, node *node) error
	tree   *Tree
	of     kind
	got    Tree // what there is of the tree, to be compared with what the meta page says
}

// level is the page of one level of the way down.
type level struct {
	page  []byte
	nodes []node
}

// Walk reads both trees of a commit: that each page is reached once, has its own
// number, the flags of its place and sound bounds, that nodes fill pages exactly,
// that keys ascend within the bounds their parents give, that all leaves are of one
// depth, that runs of overflow pages are whole, that the free list names no page of
// the trees or of itself and none twice, and that all counts are those of the meta
// page.
//
// It calls visit, if that is not nil, with each record of sound leaf pages in key
// order, until visit returns an error, which Walk returns. Damage goes into the
// report; other errors are those of ctx, and ErrForeign for a file with named
// databases.
//
// While others write, the commit must be held by a read transaction.
func (f *File) Walk(ctx context.Context, meta *Meta, visit func(key []byte, value *Value) error) (*Report, error) {
	w := &walk{file: f, ctx: ctx, meta: meta}
	w.report.Pages = meta.LastPage + 1
	var value Value
	w.leaf = func(n uint64, node *node) error {
		if visit == nil {
			return nil
		}
		value = f.value(n, node)
		return visit(node.key, &value)
	}
	if err := w.walk(&meta.Main, mainTree); err != nil {
		return nil, err
	}
	w.report.Entries = w.got.Entries
	inTrees := w.seen.members
	w.leaf = w.freed
	if err := w.walk(&meta.Free, freeTree); err != nil {
		return nil, err
	}
	w.report.Free = w.seen.members - inTrees - w.got.Branches - w.got.Leaves - w.got.Overflow
	w.report.Lost = w.report.Pages - metaPages - w.seen.members
	return &w.report, nil
}

func (w *walk) walk(tree *Tree, of kind) error {
	w.tree, w.of, w.last = tree, of, w.last[:0]
	w.got = Tree{Flags: tree.Flags, Depth: tree.Depth, Root: tree.Root}
	if tree.Root == noPage {
		return nil
	}
	before := w.report.Found
	if err := w.descend(tree.Root, 0, nil, nil); err != nil {
		return err
	}
	if w.got != *tree && w.report.Found == before {
		w.report.add(tree.Root, "the tree has %d branch, %d leaf and %d overflow pages and %d entries, its meta page counts %d, %d, %d and %d",
			w.got.Branches, w.got.Leaves, w.got.Overflow, w.got.Entries, tree.Branches, tree.Leaves, tree.Overflow, tree.Entries)
	}
	return nil
}

// descend walks over the subtree at page n, whose keys must be at least low and
// below high; nil is no bound.
func (w *walk) descend(n uint64, depth int, low, high []byte) error {
	if err := w.ctx.Err(); err != nil {
		return err
	}
	flags := uint16(flagLeaf)
	if depth+1 < int(w.tree.Depth) {
		flags = flagBranch
	}
	l := &w.levels[depth]
	if err := w.read(l, n, flags); errors.Is(err, ErrForeign) {
		return err
	} else if err != nil {
		w.report.add(n, "%v", err)
		return nil
	}
	if flags == flagLeaf {
		w.got.Leaves++
		return w.leaves(n, l.nodes, low, high)
	}
	w.got.Branches++
	for i := range l.nodes {
		from, to := low, high
		if i > 0 {
			from = l.nodes[i].key
		}
		if i+1 < len(l.nodes) {
			to = l.nodes[i+1].key
		}
		if low != nil && w.of.compare(from, low) < 0 || to != nil && from != nil && w.of.compare(from, to) >= 0 || high != nil && w.of.compare(to, high) > 0 {
			w.report.add(n, "key of node %d is out of order", i)
			continue
		}
		if err := w.descend(l.nodes[i].page, depth+1, from, to); err != nil {
			return err
		}
	}
	return nil
}

// read reads and verifies a page of a tree into the level.
func (w *walk) read(l *level, n uint64, flags uint16) error {
	if n < metaPages || n > w.meta.LastPage {
		return fmt.Errorf("is not one of the %d pages of the file", w.meta.LastPage+1)
	}
	if !w.seen.add(n) {
		return fmt.Errorf("is reached a second time")
	}
	if l.page == nil {
		l.page = make([]byte, w.file.PageSize)
	}
	if _, err := w.file.src.ReadAt(l.page, int64(n)*w.file.PageSize); err != nil {
		return fmt.Errorf("cannot be read: %v", err)
	}
	nodes, err := w.check.page(l.page, n, flags, w.of)
	l.nodes = append(l.nodes[:0], nodes...)
	return err
}

// leaves goes through the nodes of leaf page n.
func (w *walk) leaves(n uint64, nodes []node, low, high []byte) error {
	for i := range nodes {
		node := &nodes[i]
		key := node.key
		if low != nil && w.of.compare(key, low) < 0 || high != nil && w.of.compare(key, high) >= 0 || len(w.last) > 0 && w.of.compare(key, w.last) <= 0 {
			w.report.add(n, "key of node %d is out of order", i)
			continue
		}
		w.last = append(w.last[:0], key...)
		w.got.Entries++
		if node.data == nil {
			if err := w.run(node); err != nil {
				w.report.add(n, "node %d: %v", i, err)
				continue
			}
		}
		if err := w.leaf(n, node); err != nil {
			return err
		}
	}
	return nil
}

// run verifies the overflow pages of a node.
func (w *walk) run(n *node) error {
	pages, err := w.file.runPages(n.page, int64(n.size), w.meta.LastPage)
	if err != nil {
		return err
	}
	if !w.seen.addRun(n.page, pages) {
		return fmt.Errorf("a page of the %d from overflow page %d on is reached a second time", pages, n.page)
	}
	w.got.Overflow += pages
	return nil
}

// runPages returns how many pages the run at page has, which must hold size bytes and
// end at the last page or before.
func (f *File) runPages(page uint64, size int64, last uint64) (uint64, error) {
	if page < metaPages || page > last {
		return 0, fmt.Errorf("overflow page %d is not one of the %d pages of the file", page, last+1)
	}
	var head [headerBytes]byte
	if _, err := f.src.ReadAt(head[:], int64(page)*f.PageSize); err != nil {
		return 0, fmt.Errorf("overflow page %d cannot be read: %v", page, err)
	}
	if number(head[:]) != page || pageFlags(head[:]) != flagOverflow {
		return 0, fmt.Errorf("overflow page %d has number %d and flags %#x", page, number(head[:]), pageFlags(head[:]))
	}
	pages := uint64(ne.Uint32(head[runPagesAt:]))
	if need := f.pagesFor(size); pages < need || pages > maxRunPages || pages-1 > last-page {
		return 0, fmt.Errorf("overflow page %d begins a run of %d pages for %d bytes; the last page is %d", page, pages, size, last)
	}
	return pages, nil
}

// pagesFor is the number of overflow pages for a value of size bytes.
func (f *File) pagesFor(size int64) uint64 {
	return uint64((headerBytes-1+size)/f.PageSize + 1)
}

// freed goes through a record of the free list: the number of pages, and their
// numbers, descending. LMDB reserves such records before it knows how long they
// get, so they may be longer.
func (w *walk) freed(n uint64, node *node) error {
	if txn := ne.Uint64(node.key); txn == 0 || txn > w.meta.Txn {
		w.report.add(n, "free pages of commit %d, the latest is %d", txn, w.meta.Txn)
		return nil
	}
	v := w.file.value(n, node)
	previous := w.meta.LastPage + 1
	return v.numbers(func(at int64, page uint64) error {
		if at%4096 == 0 && w.ctx.Err() != nil {
			return w.ctx.Err()
		}
		switch {
		case page >= previous || page < metaPages:
			w.report.add(n, "free page %d after %d, of %d pages", page, previous, w.meta.LastPage+1)
		case !w.seen.add(page):
			w.report.add(page, "is in use, or freed twice, and on the free list")
		}
		previous = page
		return nil
	}, func(format string, args ...any) { w.report.add(n, format, args...) })
}

// numbers goes through the page numbers of a record of the free list, and tells bad
// of a length that cannot be.
func (v *Value) numbers(fn func(at int64, page uint64) error, bad func(format string, args ...any)) error {
	if v.size < 8 || v.size%8 != 0 {
		bad("record of the free list of %d bytes", v.size)
		return nil
	}
	var buffer [4096]byte
	pages := uint64(v.size/8 - 1)
	for at := int64(0); at < v.size; at += int64(len(buffer)) {
		part := buffer[:min(int64(len(buffer)), v.size-at)]
		if _, err := v.ReadAt(part, at); err != nil && at+int64(len(part)) < v.size {
			bad("record of the free list cannot be read: %v", err)
			return nil
		}
		for i := 0; i < len(part); i += 8 {
			number := ne.Uint64(part[i:])
			switch index := uint64(at+int64(i)) / 8; {
			case index == 0 && number > pages:
				bad("record of the free list of %d bytes for %d pages", v.size, number)
				return nil
			case index == 0:
				pages = number
			case index > pages:
				return nil
			default:
				if err := fn(int64(index), number); err != nil {
					return err
				}
			}
		}
	}
	return nil
}
