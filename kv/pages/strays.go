package pages

import (
	"context"
	"slices"
)

// InDoubt reports whether a meta page is damaged, or not of the commit before or after
// that of the other: the latest commit may be one that no meta page leads to.
func (f *File) InDoubt() bool {
	return !f.usable[0] || !f.usable[1] || max(f.Metas[0].Txn, f.Metas[1].Txn)-min(f.Metas[0].Txn, f.Metas[1].Txn) > 1
}

// Before returns the meta page of the commit before the latest, nil if there is none that can
// be believed. Nothing that it leads to has been written over since.
func (f *File) Before() *Meta {
	if f.InDoubt() || f.Metas[0].Txn == f.Metas[1].Txn {
		return nil
	}
	if f.Metas[0].Txn < f.Metas[1].Txn {
		return &f.Metas[0]
	}
	return &f.Metas[1]
}

// Find returns the value of a key in the tree, nil if that has it not. The error is ErrCorrupt where the tree is broken.
func (f *File) Find(t *Tree, key []byte) (*Value, error) {
	if t.Root == noPage {
		return nil, nil
	}
	s := stray{file: f, page: make([]byte, f.PageSize)}
	value, depth, found := s.find(t.Root, key)
	switch {
	case depth != t.Depth:
		return nil, corruptf("the tree at page %d is broken on the way to a record", t.Root)
	case !found:
		return nil, nil
	}
	return &value, nil
}

// Strays takes each page of the file for the root of a tree, whether or not anything leads
// there, and calls visit with those that lead to a record with the key.
func (f *File) Strays(ctx context.Context, key []byte, visit func(t *Tree, value *Value) error) error {
	s := stray{file: f, page: make([]byte, f.PageSize)}
	for n := uint64(metaPages); n < uint64(f.src.Size()/f.PageSize); n++ {
		if n%1024 == metaPages && ctx.Err() != nil {
			return ctx.Err()
		}
		value, depth, found := s.find(n, key)
		if !found {
			continue
		}
		if err := visit(&Tree{Root: n, Depth: depth}, &value); err != nil {
			return err
		}
	}
	return nil
}

// stray looks for records of trees that nothing is known of.
type stray struct {
	file  *File
	check checker
	page  []byte
}

// find returns the value of a key in the tree at page n, if that has it, and how deep it lies, or
// would; 0 if sound pages do not lead there.
func (s *stray) find(n uint64, key []byte) (value Value, depth uint16, found bool) {
	for depth = 1; depth <= maxDepth; depth++ {
		if _, err := s.file.src.ReadAt(s.page, int64(n)*s.file.PageSize); err != nil {
			break
		}
		flags := pageFlags(s.page)
		if flags != flagBranch && flags != flagLeaf {
			break
		}
		nodes, err := s.check.page(s.page, n, flags, mainTree)
		if err != nil {
			break
		}
		i, found := slices.BinarySearchFunc(nodes, key, func(n node, key []byte) int { return mainTree.compare(n.key, key) })
		if flags == flagLeaf {
			if !found {
				return Value{}, depth, false
			}
			return s.file.value(n, &nodes[i]), depth, true
		}
		if !found {
			i--
		}
		// The first key of a branch means nothing: what is below the second is under it.
		if n = nodes[max(i, 0)].page; n >= uint64(s.file.src.Size()/s.file.PageSize) {
			break
		}
	}
	return Value{}, 0, false
}
