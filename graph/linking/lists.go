package linking

import (
	"iter"
	"unsafe"

	"github.com/hannoydb/hannoy/graph"
)

// lists are the changed lists of one level, kept apart from the committed graph.
// Memory and time are in proportion to what changed: entries of fixed stride in
// chunks, found through a paged index.
type lists struct {
	stride int // 1 for the count, then room for the longest list
	index  pages
	chunks [][]uint32
	used   uint32   // entries handed out so far
	free   []uint32 // entries handed back
}

const (
	entriesPerChunk = 256

	// Values of the index: 0 is "as committed", others are entries counted from 1.
	removed = ^uint32(0)
)

func newLists(longest int) *lists { return &lists{stride: longest + 1} }

// entry is where the slot's list lies: 0 when it is as committed, or removed.
func (l *lists) entry(slot graph.Slot) uint32 { return l.index.get(slot) }

// links is the list in an entry; it has room for the longest list. It is valid
// until the entry is written or handed back.
func (l *lists) links(entry uint32) []graph.Slot {
	at := int((entry-1)%entriesPerChunk) * l.stride
	row := l.chunks[(entry-1)/entriesPerChunk][at : at+l.stride]
	return row[1 : 1+row[0]]
}

// address is where the list in an entry begins.
func (l *lists) address(entry uint32) unsafe.Pointer {
	return unsafe.Pointer(&l.chunks[(entry-1)/entriesPerChunk][int((entry-1)%entriesPerChunk)*l.stride])
}

// write stores a sorted list in an entry. Goroutines may write different entries.
func (l *lists) write(entry uint32, links []graph.Slot) {
	at := int((entry-1)%entriesPerChunk) * l.stride
	row := l.chunks[(entry-1)/entriesPerChunk][at : at+l.stride]
	row[0] = uint32(len(links))
	if copy(row[1:], links) < len(links) {
		panic("graph: a list is longer than its cap")
	}
}

// own gives the slot an entry of its own, empty if it is fresh.
func (l *lists) own(slot graph.Slot) (entry uint32, fresh bool) {
	if e := l.index.get(slot); e != 0 && e != removed {
		return e, false
	}
	if n := len(l.free); n > 0 {
		entry = l.free[n-1]
		l.free = l.free[:n-1]
	} else {
		if int(l.used) == len(l.chunks)*entriesPerChunk {
			l.chunks = append(l.chunks, make([]uint32, entriesPerChunk*l.stride))
		}
		l.used++
		entry = l.used
	}
	l.index.set(slot, entry)
	l.write(entry, nil)
	return entry, true
}

// drop forgets the slot's list; committed tells whether there is one to remove in
// the committed graph.
func (l *lists) drop(slot graph.Slot, committed bool) {
	if e := l.index.get(slot); e != 0 && e != removed {
		l.free = append(l.free, e)
	}
	if committed {
		l.index.set(slot, removed)
	} else {
		l.index.set(slot, 0)
	}
}

// reset forgets all lists and keeps their memory for the next.
func (l *lists) reset() {
	l.index.reset()
	l.used, l.free = 0, l.free[:0]
}

func (l *lists) bytes() int64 {
	chunks := (int64(l.used) + entriesPerChunk - 1) / entriesPerChunk
	return l.index.bytes() + chunks*int64(4*entriesPerChunk*l.stride) + 4*int64(len(l.free))
}

// pages map slots to numbers other than 0.
type pages struct {
	pages []*page
	held  int     // pages in use
	count int     // slots with a number
	spare []*page // zeroed
}

type page [slotsPerPage]uint32

const slotsPerPage = 128

func (p *pages) get(slot graph.Slot) uint32 {
	at := int(slot / slotsPerPage)
	if at >= len(p.pages) || p.pages[at] == nil {
		return 0
	}
	return p.pages[at][slot%slotsPerPage]
}

func (p *pages) set(slot graph.Slot, value uint32) {
	at := int(slot / slotsPerPage)
	if at >= len(p.pages) {
		if value == 0 {
			return
		}
		more := make([]*page, at+1+at/4)
		copy(more, p.pages)
		p.pages = more
	}
	if p.pages[at] == nil {
		if value == 0 {
			return
		}
		if n := len(p.spare); n > 0 {
			p.pages[at], p.spare = p.spare[n-1], p.spare[:n-1]
		} else {
			p.pages[at] = new(page)
		}
		p.held++
	}
	was := &p.pages[at][slot%slotsPerPage]
	if *was == 0 && value != 0 {
		p.count++
	} else if *was != 0 && value == 0 {
		p.count--
	}
	*was = value
}

// reset forgets all numbers and keeps the memory.
func (p *pages) reset() {
	for at, page := range p.pages {
		if page != nil {
			clear(page[:])
			p.spare = append(p.spare, page)
			p.pages[at] = nil
		}
	}
	p.held, p.count = 0, 0
}

// all yields the slots that have a number, in ascending order.
func (p *pages) all() iter.Seq2[graph.Slot, uint32] {
	return func(yield func(graph.Slot, uint32) bool) {
		for at, page := range p.pages {
			if page == nil {
				continue
			}
			for i, value := range page {
				if value != 0 && !yield(graph.Slot(at*slotsPerPage+i), value) {
					return
				}
			}
		}
	}
}

func (p *pages) bytes() int64 { return int64(p.held)*4*slotsPerPage + 8*int64(len(p.pages)) }
