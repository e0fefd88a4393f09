package pages

import (
	"bytes"
	"fmt"
)

// The layout of pages and nodes (mdb.c, MDB_page and MDB_node, 64-bit).
const (
	headerBytes = 16 // u64 number, u16, u16 flags, u16 lower, u16 upper; or u32 pages of the run
	flagsAt     = 10
	lowerAt     = 12
	upperAt     = 14
	runPagesAt  = 12

	nodeBytes   = 8 // u32 size or page, u16 flags or more of the page, u16 bytes of the key, key, data
	maxKeyBytes = 511

	flagBranch   = 0x01
	flagLeaf     = 0x02
	flagOverflow = 0x04
	flagMeta     = 0x08

	nodeBig = 0x01 // the data is the number of an overflow page

	// A value has 32 bits of length.
	maxRunPages = 1 << 32 / 512
)

// kind says which of the two trees a page belongs to.
type kind uint8

const (
	mainTree kind = iota
	freeTree
)

// node is an entry of a page. Its slices borrow from the page.
type node struct {
	key  []byte
	page uint64 // of a branch: the child; of a leaf: where the run begins, or 0
	size uint32 // of a leaf: bytes of the value
	data []byte // of a leaf: the value; nil if it has a run
	at   int    // of a leaf: where in the page data is
}

// number returns the page number that stands in a page.
func number(page []byte) uint64 { return ne.Uint64(page) }

func pageFlags(page []byte) uint16 { return ne.Uint16(page[flagsAt:]) }

// count returns how many nodes a page says to have, 0 if that cannot be.
func count(page []byte) int {
	lower, upper := int(ne.Uint16(page[lowerAt:])), int(ne.Uint16(page[upperAt:]))
	if lower < headerBytes || lower > upper || upper > len(page) {
		return 0
	}
	return (lower - headerBytes) / 2
}

// nodeAt reads node i of a page that has more than i, and returns where it begins
// and how many bytes of the page it takes.
func nodeAt(page []byte, i int) (n node, at, bytes int, ok bool) {
	at = int(ne.Uint16(page[headerBytes+2*i:]))
	if at < headerBytes || at+nodeBytes > len(page) {
		return n, at, 0, false
	}
	head := page[at:]
	low, flags, keyBytes := ne.Uint32(head), ne.Uint16(head[4:]), int(ne.Uint16(head[6:]))
	bytes = nodeBytes + keyBytes
	if keyBytes > maxKeyBytes || at+bytes > len(page) {
		return n, at, 0, false
	}
	n.key = head[nodeBytes:bytes:bytes]
	if pageFlags(page) == flagBranch {
		n.page = uint64(low) | uint64(flags)<<32
		return n, at, bytes + bytes&1, true
	}
	n.size = low
	rest := uint64(len(page) - at - bytes)
	switch {
	case flags == nodeBig && rest >= 8:
		n.page = ne.Uint64(head[bytes:])
		bytes += 8
	case flags == 0 && rest >= uint64(low):
		n.data, n.at = head[bytes:bytes+int(low):bytes+int(low)], at+bytes
		bytes += int(low)
	default:
		return n, at, 0, false
	}
	bytes += bytes & 1
	return n, at, bytes, at+bytes <= len(page)
}

// checker verifies pages; it holds what that needs, once.
type checker struct {
	tiles []uint16 // by half the offset: bytes of the node that begins there
	nodes []node
}

// page verifies a page by itself, and returns its nodes in order: they fill the page
// from upper to its end without gap or overlap, as LMDB keeps them, which moves
// them about without looking.
func (c *checker) page(page []byte, n uint64, flags uint16, of kind) ([]node, error) {
	if number(page) != n {
		return nil, fmt.Errorf("has number %d", number(page))
	}
	if pageFlags(page) != flags {
		return nil, fmt.Errorf("has flags %#x, not %#x", pageFlags(page), flags)
	}
	lower, upper := ne.Uint16(page[lowerAt:]), ne.Uint16(page[upperAt:])
	keys, least := count(page), 1
	if flags == flagBranch && of == mainTree {
		least = 2
	}
	if lower&1 != 0 || upper&1 != 0 || keys < least {
		return nil, fmt.Errorf("has %d nodes between %d and %d", keys, lower, upper)
	}
	if len(c.tiles) < len(page)/2 {
		c.tiles = make([]uint16, len(page)/2)
	}
	clear(c.tiles)
	c.nodes = c.nodes[:0]
	for i := range keys {
		node, at, bytes, ok := nodeAt(page, i)
		if !ok && isDatabase(page, at) {
			return nil, fmt.Errorf("%w of ours: it has named databases", ErrForeign)
		}
		if !ok || at&1 != 0 || at < int(upper) || c.tiles[at/2] != 0 {
			return nil, fmt.Errorf("node %d at %d is out of bounds", i, at)
		}
		c.tiles[at/2] = uint16(bytes)
		if err := keyFits(node.key, i, flags, of); err != nil {
			return nil, err
		}
		c.nodes = append(c.nodes, node)
	}
	for at := int(upper); at < len(page); at += int(c.tiles[at/2]) {
		if c.tiles[at/2] == 0 {
			return nil, fmt.Errorf("nodes do not fill it: none begins at %d", at)
		}
		keys--
	}
	if keys != 0 {
		return nil, fmt.Errorf("nodes overlap")
	}
	return c.nodes, nil
}

// isDatabase reports whether the node at an offset is the root of a named database,
// which other programs have.
func isDatabase(page []byte, at int) bool {
	const nodeDatabase = 0x02
	return at >= headerBytes && at+nodeBytes <= len(page) && ne.Uint16(page[at+4:]) == nodeDatabase && ne.Uint32(page[at:]) == treeBytes
}

// keyFits checks the length of the key of node i. The first key of a branch means
// nothing and may be empty.
func keyFits(key []byte, i int, flags uint16, of kind) error {
	first := flags == flagBranch && i == 0
	if !first && (len(key) == 0 || of == freeTree && len(key) != 8) {
		return fmt.Errorf("node %d has a key of %d bytes", i, len(key))
	}
	return nil
}

// compare orders the keys of a tree.
func (k kind) compare(a, b []byte) int {
	if k == freeTree && len(a) == 8 && len(b) == 8 {
		x, y := ne.Uint64(a), ne.Uint64(b)
		switch {
		case x < y:
			return -1
		case x > y:
			return 1
		}
		return 0
	}
	return bytes.Compare(a, b)
}
