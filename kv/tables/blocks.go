package tables

import (
	"sync/atomic"
	"unsafe"

	"github.com/hannoydb/hannoy/codec"
)

// blocks is a table of the addresses of blocks within the map, of links or of keys. An
// address is nil until it is looked up, then constant. Chunks are made when one of their
// blocks is first touched, and snapshots share those in which they are the same.
type blocks []atomic.Pointer[chunk]

// chunk holds addresses as numbers: what lies in the map is not the garbage collector's,
// and emptyBlock is not collected.
type chunk [chunkBlocks]uintptr

const chunkBlocks = 512

func newBlocks(n int) blocks { return make(blocks, (n+chunkBlocks-1)/chunkBlocks) }

// at returns the address of block n, nil if it was not looked up yet.
func (b blocks) at(n uint32) unsafe.Pointer {
	c := b[n/chunkBlocks].Load()
	if c == nil {
		return nil
	}
	address := atomic.LoadUintptr(&c[n%chunkBlocks])
	// Valid: set has stored the pointer to what does not move.
	return *(*unsafe.Pointer)(unsafe.Pointer(&address))
}

func (b blocks) set(n uint32, address unsafe.Pointer) {
	at := &b[n/chunkBlocks]
	c := at.Load()
	if c == nil {
		at.CompareAndSwap(nil, new(chunk))
		c = at.Load()
	}
	atomic.StoreUintptr(&c[n%chunkBlocks], uintptr(address))
}

// share makes b, of which nothing was touched, the table that old is.
func (b blocks) share(old blocks) {
	for i := range min(len(b), len(old)) {
		b[i].Store(old[i].Load())
	}
}

// forget takes the addresses of the blocks out again, while nobody else uses b. Tables
// that share chunks with old keep theirs.
func (b blocks) forget(old blocks, from, to uint32) {
	for from < to {
		i := from / chunkBlocks
		end := min(to, (i+1)*chunkBlocks)
		if c := b[i].Load(); c != nil {
			if int(i) < len(old) && c == old[i].Load() {
				c = c.clone()
				b[i].Store(c)
			}
			clear(c[from%chunkBlocks : end-i*chunkBlocks])
		}
		from = end
	}
}

// clone copies a chunk that others may still fill.
func (c *chunk) clone() *chunk {
	var mine chunk
	for i := range c {
		mine[i] = atomic.LoadUintptr(&c[i])
	}
	return &mine
}

// missing calls fn with the blocks that old has and b has not.
func (b blocks) missing(old blocks, fn func(block uint32)) {
	for i := range min(len(b), len(old)) {
		had, has := old[i].Load(), b[i].Load()
		if had == has || had == nil {
			continue
		}
		for n := uint32(i) * chunkBlocks; n < uint32(i+1)*chunkBlocks; n++ {
			if old.at(n) != nil && b.at(n) == nil {
				fn(n)
			}
		}
	}
}

// blockEntry is the slot's entry of a block in the map.
func blockEntry(head unsafe.Pointer, slot uint32) []byte {
	// Valid: who stored the address has verified that the value is as long as its header
	// says.
	n := codec.BlockBytes((*[codec.BlockHeadBytes]byte)(head))
	return codec.BlockEntry(unsafe.Slice((*byte)(head), n), slot)
}
