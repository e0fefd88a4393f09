package pages

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
)

// Wreck is what Salvage has seen.
type Wreck struct {
	Pages    uint64    // of the file
	Damaged  int       // pages of the trees that are not what they should be
	Problems []Problem // the first 1,000 of these
	Scanned  bool      // pages that no tree leads to were searched as well
	Lost     []Range   // of keys that the tree does not lead to any more
}

// Range is the keys from Low on below High; nil is no bound.
type Range struct{ Low, High []byte }

// Has reports whether the range has the key.
func (r Range) Has(key []byte) bool {
	return (r.Low == nil || mainTree.compare(key, r.Low) >= 0) && (r.High == nil || mainTree.compare(key, r.High) < 0)
}

// Origin says where Salvage found a record.
type Origin uint8

const (
	InTree Origin = iota // where the latest commit has it
	Orphan               // where the tree is broken, on a page that is not free: it may be the latest
	Old                  // elsewhere: an older version of some record
	Before               // where the commit before the latest has it
)

// salvage is a search at work.
type salvage struct {
	file    *File
	ctx     context.Context
	visit   func(from Origin, key []byte, value *Value) error
	wreck   Wreck
	seen    bitmap   // pages that a tree leads to
	damaged bitmap   // those of them that are not what they should be
	free    bitmap   // pages on the free list
	commits uint64   // that have given up pages, by the free list,
	newest  uint64   // and the last of them
	unfree  bool     // the free list is whole: all other pages are in use
	gaps    []Range  // those of Lost whose leaf pages may still be there
	lost    bool     // leaf pages are lost, and so what leads to runs
	latest  *salvage // the search of the latest commit, when this is that of the one before
	check   checker
	value   Value
}

// Salvage calls visit with every record that there may be, whatever is damaged: first
// with those that the tree of the latest commit leads to; then, if that is broken,
// with those of all other leaf pages; and, where leaf pages are lost, with runs of
// overflow pages that no record leads to and that are not free, without a key and
// with the size of the whole run. Last come those of the commit before, of which LMDB keeps
// all pages, but for what lies on pages that the latest has, too.
//
// The tree of the latest commit is that of the newest meta page, unless main, one of the
// Strays, is given. Then, or if the free list is damaged, pages that the tree does not lead to
// may be free: what is on them is Old.
//
// Nothing that visit gets was verified. A value whose pages lie behind the end of the
// file cannot be read.
func (f *File) Salvage(ctx context.Context, main *Tree, visit func(from Origin, key []byte, value *Value) error) (*Wreck, error) {
	s := &salvage{file: f, ctx: ctx, visit: visit, wreck: Wreck{Pages: uint64(f.src.Size() / f.PageSize)}}
	if main != nil {
		return &s.wreck, s.search(nil, main)
	}
	latest := f.latestUsable()
	if latest == nil {
		return &s.wreck, s.search(nil, nil)
	}
	if err := s.search(latest, &latest.Main); err != nil {
		return nil, err
	}
	if m := f.Before(); m != nil {
		b := &salvage{file: f, ctx: ctx, visit: visit, wreck: Wreck{Pages: min(s.wreck.Pages, m.LastPage+1)}, latest: s}
		if err := b.search(m, &m.Main); err != nil {
			return nil, err
		}
	}
	return &s.wreck, nil
}

// search searches the file by a tree and the free list of a commit, each of which may be lost.
func (s *salvage) search(commit *Meta, main *Tree) error {
	if commit != nil {
		if err := s.tree(&commit.Free, freeTree); err != nil {
			return err
		}
		// Each commit gives up pages, at least those that it has written anew.
		s.unfree = s.wreck.Damaged == 0 && s.commits == commit.Free.Entries && (s.commits == 0 || s.newest == commit.Txn)
	}
	if main == nil {
		s.gaps, s.lost = append(s.gaps, Range{}), true
		s.wreck.Lost = s.gaps
	} else if err := s.tree(main, mainTree); err != nil {
		return err
	}
	if len(s.gaps) == 0 && !s.lost {
		return nil
	}
	s.wreck.Scanned = true
	if err := s.scan(flagLeaf, s.orphanLeaf); err != nil {
		return err
	}
	return s.scan(flagOverflow, s.orphanRun)
}

// from is the origin of what the search finds, when that is where it should be.
func (s *salvage) from(origin Origin) Origin {
	if s.latest != nil {
		return Before
	}
	return origin
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
	return s.descend(t.Root, int(min(t.Depth, maxDepth)), of, Range{})
}

// descend goes over what is left of the subtree at page n, height levels high.
func (s *salvage) descend(n uint64, height int, of kind, within Range) error {
	if err := s.ctx.Err(); err != nil {
		return err
	}
	flags := uint16(flagLeaf)
	if height > 1 {
		flags = flagBranch
	} else if l := s.latest; l != nil && l.seen.has(n) && !l.damaged.has(n) {
		return nil
	}
	page, err := s.read(n, of)
	var nodes []node
	if err == nil {
		nodes, err = s.check.page(page, n, flags, of)
	}
	if err == nil && astray(nodes, height > 1, of, within) {
		page, err = nil, errors.New("has keys that belong elsewhere: it is older than what leads to it")
	}
	if err != nil {
		s.problem(n, "%v", err)
		s.damaged.add(n)
		if of == mainTree {
			s.wreck.Lost = append(s.wreck.Lost, within)
		}
		if height > 1 {
			if of == mainTree {
				s.gaps = append(s.gaps, within)
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
			if of == mainTree && !within.Has(nodes[i].key) {
				continue
			}
			if err := s.leaf(n, &nodes[i], of, s.from(InTree)); err != nil {
				return err
			}
		}
		return nil
	}
	nodes = append([]node(nil), nodes...)
	for i := range nodes {
		inner := within
		if i > 0 {
			inner.Low = nodes[i].key
		}
		if i+1 < len(nodes) {
			inner.High = nodes[i+1].key
		}
		if err := s.descend(nodes[i].page, height-1, of, inner); err != nil {
			return err
		}
	}
	return nil
}

// astray reports whether most keys of a page are not within the bounds of what leads to it. The
// first key of a branch means nothing.
func astray(nodes []node, branch bool, of kind, within Range) bool {
	if of != mainTree {
		return false
	}
	if branch {
		nodes = nodes[1:]
	}
	out := 0
	for i := range nodes {
		if !within.Has(nodes[i].key) {
			out++
		}
	}
	return 2*out > len(nodes)
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

// isFree reports whether a page is known to be free.
func (s *salvage) isFree(n uint64) bool { return s.unfree && s.free.has(n) }

// read returns page n, which nothing else has led to.
func (s *salvage) read(n uint64, of kind) ([]byte, error) {
	if n < metaPages || n >= s.wreck.Pages || s.seen.has(n) {
		return nil, fmt.Errorf("is not one of the %d pages of the file, or reached a second time", s.wreck.Pages)
	}
	if of == mainTree && s.isFree(n) {
		return nil, errors.New("is free: what leads to it is older than it should be")
	}
	page := make([]byte, s.file.PageSize)
	if _, err := s.file.src.ReadAt(page, int64(n)*s.file.PageSize); err != nil && err != io.EOF {
		return nil, err
	}
	s.seen.add(n)
	return page, nil
}

// leaf passes a record of leaf page n on, or notes which pages a record of the free
// list names.
func (s *salvage) leaf(n uint64, node *node, of kind, from Origin) error {
	if node.data == nil {
		if node.page < metaPages || node.page >= s.wreck.Pages {
			return nil
		}
		pages, err := s.file.runPages(node.page, int64(node.size), s.wreck.Pages-1)
		if err == nil && of == mainTree && from != Old && s.isFree(node.page) {
			s.lost = true
			s.problem(node.page, "is free: the record that leads to it is older than it should be")
			return nil
		}
		if err != nil && from == InTree {
			s.problem(node.page, "%v", err)
		}
		if err == nil && from != Old {
			s.seen.addRun(node.page, pages)
		}
	}
	s.value = s.file.value(n, node)
	if of == mainTree {
		return s.visit(from, node.key, &s.value)
	}
	s.commits, s.newest = s.commits+1, max(s.newest, ne.Uint64(node.key))
	previous := noPage
	return s.value.numbers(func(at int64, page uint64) error {
		if page >= previous {
			s.problem(n, "free page %d after %d", page, previous)
		}
		if previous = page; page < s.wreck.Pages {
			s.free.add(page)
		}
		return nil
	}, func(format string, args ...any) { s.problem(n, format, args...) })
}

// scan calls fn with each page that has its own number and the flags, and that no
// tree leads to.
func (s *salvage) scan(flags uint16, fn func(n uint64, page []byte) error) error {
	page := make([]byte, s.file.PageSize)
	for n := uint64(metaPages); n < s.wreck.Pages; n++ {
		if n%1024 == metaPages && s.ctx.Err() != nil {
			return s.ctx.Err()
		}
		if s.seen.has(n) || s.latest != nil && s.latest.seen.has(n) {
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

// orphanLeaf passes on the records of a leaf page. It may be one of the free list's
// tree: then their keys are none of ours.
func (s *salvage) orphanLeaf(n uint64, page []byte) error {
	nodes, err := s.check.page(page, n, flagLeaf, mainTree)
	if err != nil {
		nodes = s.remains(page, mainTree)
	}
	for i := range nodes {
		from := Old
		if s.unfree && !s.free.has(n) && s.inGap(nodes[i].key) {
			from = s.from(Orphan)
		} else if s.latest != nil {
			continue
		}
		if err := s.leaf(n, &nodes[i], mainTree, from); err != nil {
			return err
		}
	}
	return nil
}

func (s *salvage) inGap(key []byte) bool {
	return slices.ContainsFunc(s.gaps, func(r Range) bool { return r.Has(key) })
}

// orphanRun passes on a run that no record leads to.
func (s *salvage) orphanRun(n uint64, page []byte) error {
	pages := min(uint64(ne.Uint32(page[runPagesAt:])), s.wreck.Pages-n)
	if pages == 0 || s.free.has(n) || !s.unfree {
		return nil
	}
	s.value = Value{file: s.file, offset: int64(n)*s.file.PageSize + headerBytes, size: int64(pages)*s.file.PageSize - headerBytes}
	return s.visit(s.from(Orphan), nil, &s.value)
}
