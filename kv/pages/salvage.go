package pages

import (
	"context"
	"fmt"
	"io"
)

// Wreck is what Salvage has seen.
type Wreck struct {
	Pages    uint64    // of the file
	Damaged  int       // pages of the trees that are not what they should be
	Problems []Problem // the first 1,000 of these
	NoMeta   bool      // no meta page could be used: there is no telling old records from current ones
	Scanned  bool      // pages that no tree leads to were searched as well
}

// salvage is a search at work.
type salvage struct {
	file  *File
	ctx   context.Context
	visit func(key []byte, value *Value, orphan bool) error
	wreck Wreck
	seen  bitmap // pages that a tree leads to
	free  bitmap // pages on the free list
	gaps  []gap
	lost  bool // leaf pages are lost, and so what leads to runs
	check checker
	value Value
}

// gap is a range of keys whose subtree the tree does not lead to any more.
type gap struct{ low, high []byte }

// Salvage calls visit with every record that the latest commit may have had,
// whatever is damaged: first with those that its tree leads to, then, if the tree is
// broken, with those that lie on other pages, neither in the tree nor free; these are
// orphans. Where leaf pages are lost it calls visit also with runs of overflow pages
// that no record leads to, without a key, and the size of the whole run.
//
// Nothing that visit gets was verified, and there may be older versions of records
// among the orphans. A value whose pages lie behind the end of the file cannot be
// read.
func (f *File) Salvage(ctx context.Context, visit func(key []byte, value *Value, orphan bool) error) (*Wreck, error) {
	s := &salvage{file: f, ctx: ctx, visit: visit, value: Value{file: f}}
	s.wreck.Pages = uint64(f.src.Size() / f.PageSize)
	meta := f.latestUsable()
	if meta == nil {
		s.wreck.NoMeta = true
		s.gaps, s.lost = append(s.gaps, gap{}), true
	} else {
		if err := s.tree(&meta.Main, mainTree); err != nil {
			return nil, err
		}
		if err := s.tree(&meta.Free, freeTree); err != nil {
			return nil, err
		}
	}
	if len(s.gaps) > 0 || s.lost {
		s.wreck.Scanned = true
		if err := s.scan(flagLeaf, s.orphanLeaf); err != nil {
			return nil, err
		}
		if err := s.scan(flagOverflow, s.orphanRun); err != nil {
			return nil, err
		}
	}
	return &s.wreck, nil
}

// latestUsable returns the usable meta page of the latest commit, nil if there is none.
func (f *File) latestUsable() *Meta {
	var latest *Meta
	for i := range f.Metas {
		if f.usable[i] && (latest == nil || f.Metas[i].Txn > latest.Txn) {
			latest = &f.Metas[i]
		}
	}
	return latest
}

func (s *salvage) problem(page uint64, format string, args ...any) {
	if s.wreck.Damaged++; len(s.wreck.Problems) < maxProblems {
		s.wreck.Problems = append(s.wreck.Problems, Problem{page, fmt.Sprintf(format, args...)})
	}
}

func (s *salvage) tree(t *Tree, of kind) error {
	if t.Root == noPage {
		return nil
	}
	return s.descend(t.Root, int(min(t.Depth, maxDepth)), of, gap{})
}

// descend goes over what is left of the subtree at page n, height levels high.
func (s *salvage) descend(n uint64, height int, of kind, within gap) error {
	if err := s.ctx.Err(); err != nil {
		return err
	}
	flags := uint16(flagLeaf)
	if height > 1 {
		flags = flagBranch
	}
	page, err := s.read(n)
	var nodes []node
	if err == nil {
		nodes, err = s.check.page(page, n, flags, of)
	}
	if err != nil {
		s.problem(n, "%v", err)
		if height > 1 {
			if of == mainTree {
				s.gaps = append(s.gaps, gap{clone(within.low), clone(within.high)})
			}
			return nil
		}
		s.lost = s.lost || of == mainTree
		// Of a leaf, single nodes may be sound. One that is not where pages keep their
		// nodes could be the remains of a record that was deleted.
		if page == nil || number(page) != n || pageFlags(page) != flagLeaf {
			return nil
		}
		nodes = s.remains(page, of)
	}
	if height == 1 {
		for i := range nodes {
			if err := s.leaf(&nodes[i], of, false); err != nil {
				return err
			}
		}
		return nil
	}
	nodes = append([]node(nil), nodes...)
	for i := range nodes {
		inner := within
		if i > 0 {
			inner.low = nodes[i].key
		}
		if i+1 < len(nodes) {
			inner.high = nodes[i+1].key
		}
		if err := s.descend(nodes[i].page, height-1, of, inner); err != nil {
			return err
		}
	}
	return nil
}

// remains returns the nodes of a damaged leaf page that lie within its bounds.
func (s *salvage) remains(page []byte, of kind) (nodes []node) {
	for i := range count(page) {
		n, at, _, ok := nodeAt(page, i)
		if ok && at >= int(ne.Uint16(page[upperAt:])) && keyFits(n.key, i, flagLeaf, of) == nil {
			nodes = append(nodes, n)
		}
	}
	return nodes
}

// read returns page n, which nothing else has led to.
func (s *salvage) read(n uint64) ([]byte, error) {
	if n < metaPages || n >= s.wreck.Pages || s.seen.has(n) {
		return nil, fmt.Errorf("is not one of the %d pages of the file, or reached a second time", s.wreck.Pages)
	}
	page := make([]byte, s.file.PageSize)
	if _, err := s.file.src.ReadAt(page, int64(n)*s.file.PageSize); err != nil && err != io.EOF {
		return nil, err
	}
	s.seen.add(n)
	return page, nil
}

// leaf passes a record on, or notes which pages a record of the free list names.
func (s *salvage) leaf(n *node, of kind, orphan bool) error {
	if n.data == nil {
		pages, err := s.file.runPages(n.page, int64(n.size), s.wreck.Pages-1)
		if err != nil {
			s.problem(n.page, "%v", err)
			pages = s.file.pagesFor(int64(n.size))
		}
		if n.page < metaPages || n.page >= s.wreck.Pages {
			return nil
		}
		s.seen.addRun(n.page, min(pages, s.wreck.Pages-n.page))
	}
	s.value.inline, s.value.page, s.value.size = n.data, n.page, int64(n.size)
	if of == mainTree {
		return s.visit(n.key, &s.value, orphan)
	}
	return s.value.numbers(func(at int64, page uint64) error {
		if page < s.wreck.Pages {
			s.free.add(page)
		}
		return nil
	}, func(format string, args ...any) { s.problem(n.page, format, args...) })
}

// scan calls fn with each page that has its own number and the flags, that no tree
// leads to and that is not free.
func (s *salvage) scan(flags uint16, fn func(n uint64, page []byte) error) error {
	page := make([]byte, s.file.PageSize)
	for n := uint64(metaPages); n < s.wreck.Pages; n++ {
		if n%1024 == metaPages && s.ctx.Err() != nil {
			return s.ctx.Err()
		}
		if s.seen.has(n) || s.free.has(n) {
			continue
		}
		if _, err := s.file.src.ReadAt(page, int64(n)*s.file.PageSize); err != nil && err != io.EOF {
			continue
		}
		if number(page) != n || pageFlags(page) != flags {
			continue
		}
		if err := fn(n, page); err != nil {
			return err
		}
	}
	return nil
}

// orphanLeaf passes on the records of a leaf page that fall into a gap. The page may
// be one of the free list's tree: then their keys are none of ours.
func (s *salvage) orphanLeaf(n uint64, page []byte) error {
	nodes, err := s.check.page(page, n, flagLeaf, mainTree)
	if err != nil {
		nodes = s.remains(page, mainTree)
	}
	for i := range nodes {
		if !s.inGap(nodes[i].key) {
			continue
		}
		s.seen.add(n)
		if err := s.leaf(&nodes[i], mainTree, true); err != nil {
			return err
		}
	}
	return nil
}

func (s *salvage) inGap(key []byte) bool {
	for _, g := range s.gaps {
		if (g.low == nil || mainTree.compare(key, g.low) >= 0) && (g.high == nil || mainTree.compare(key, g.high) < 0) {
			return true
		}
	}
	return false
}

// orphanRun passes on a run that no record leads to.
func (s *salvage) orphanRun(n uint64, page []byte) error {
	pages := min(uint64(ne.Uint32(page[runPagesAt:])), s.wreck.Pages-n)
	if pages == 0 {
		return nil
	}
	s.value.inline, s.value.page, s.value.size = nil, n, int64(pages)*s.file.PageSize-headerBytes
	return s.visit(nil, &s.value, true)
}

func clone(b []byte) []byte {
	if b == nil {
		return nil
	}
	return append([]byte{}, b...)
}
