package pages

import "math/bits"

// bitmap is a set of page numbers. Its memory is in proportion to the parts of the
// file that have members.
type bitmap struct {
	chunks  map[uint64]*[chunkWords]uint64
	members uint64
}

const (
	chunkWords = 512
	chunkPages = 64 * chunkWords
)

// add adds a page and reports whether it is new.
func (b *bitmap) add(page uint64) bool { return b.addRun(page, 1) }

// addRun adds n pages from the first on and reports whether all are new.
func (b *bitmap) addRun(first, n uint64) bool {
	if b.chunks == nil {
		b.chunks = map[uint64]*[chunkWords]uint64{}
	}
	members := b.members
	for page, end := first, first+n; page < end; {
		chunk := b.chunks[page/chunkPages]
		if chunk == nil {
			chunk = new([chunkWords]uint64)
			b.chunks[page/chunkPages] = chunk
		}
		// A damaged page may name one of the last numbers there are, behind which the next chunk would begin at 0.
		for stop := page + min(end-page, chunkPages-page%chunkPages); page < stop; {
			here := min(64-page%64, stop-page) // pages of this word
			mask := ^uint64(0) >> (64 - here) << (page % 64)
			word := &chunk[page%chunkPages/64]
			b.members += uint64(bits.OnesCount64(mask &^ *word))
			*word |= mask
			page += here
		}
	}
	return b.members == members+n
}

func (b *bitmap) has(page uint64) bool {
	chunk := b.chunks[page/chunkPages]
	return chunk != nil && chunk[page%chunkPages/64]&(1<<(page%64)) != 0
}
