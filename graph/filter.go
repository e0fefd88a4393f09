package graph

import (
	"math"
	"math/bits"
	"slices"
	"sync/atomic"
)

// Filter is the set of slots that filtered searches may return, and what these have
// found out about how its members lie to each other. It is safe for concurrent use.
type Filter struct {
	words   []uint64
	members int
	sample  []Slot
	// near holds, for members that searches expanded, the members within two links. Each
	// of these lists is the work of some twenty reads, and a search needs dozens, so what
	// one has made the next ones use. A page is made when its first list is.
	near []atomic.Pointer[nearPage]
	room *Room        // what near takes is taken from; nil: nothing is kept
	kept atomic.Int64 // bytes of it that near has taken; below 0 once the filter may take no more
}

// Room is how many bytes more the lists of many filters may take together.
type Room struct{ bytes atomic.Int64 }

// NewRoom returns room for so many bytes.
func NewRoom(bytes int64) *Room {
	r := new(Room)
	r.bytes.Store(bytes)
	return r
}

// take takes the bytes, if there are as many.
func (r *Room) take(bytes int64) bool {
	if r.bytes.Add(-bytes) < 0 {
		r.bytes.Add(bytes)
		return false
	}
	return true
}

// nearPage holds the lists of consecutive slots.
type nearPage [nearSlots]atomic.Pointer[[]Slot]

const (
	nearSlots     = 256
	nearPageBytes = 8 * nearSlots
	nearListBytes = 32 // of a list beside its members
)

// NewFilter returns the filter of the slots whose bits are set in words, lowest first:
// members of them. The words reach as far as the slots of the graph, and must not change.
// What searches find out about them takes from the room.
func NewFilter(words []uint64, members int, room *Room) *Filter {
	f := &Filter{words: words, members: members, sample: sampleOf(words, members), room: room}
	f.near = make([]atomic.Pointer[nearPage], (64*len(words)+nearSlots-1)/nearSlots)
	return f
}

// Leave gives what the filter has taken of its room back to others. Who still has the filter keeps
// what was found out so far, and no more is added.
func (f *Filter) Leave() { f.room.bytes.Add(f.kept.Swap(math.MinInt64 / 2)) }

// Unkept returns the same set without what searches have found out, and which keeps nothing
// either.
func (f *Filter) Unkept() *Filter {
	return &Filter{words: f.words, members: f.members, sample: f.sample, near: make([]atomic.Pointer[nearPage], len(f.near))}
}

// sampleSize is how many members stand for all of them: as many as two steps of a walk
// look at, and enough for the nearest of them to be where one member in some hundred is.
const sampleSize = 256

// sampleOf returns members from all over the numbers.
func sampleOf(words []uint64, members int) []Slot {
	n := min(sampleSize, members)
	sample := make([]Slot, 0, n)
	before := 0 // members in the words before
	for i, word := range words {
		for count := bits.OnesCount64(word); len(sample) < n && len(sample)*members/n < before+count; {
			rest := word
			for range len(sample)*members/n - before {
				rest &= rest - 1
			}
			sample = append(sample, Slot(64*i+bits.TrailingZeros64(rest)))
		}
		before += bits.OnesCount64(word)
	}
	return sample
}

// Sample returns members from all over, in ascending order: few of them, and if there are no
// more, all. They must not be changed.
func (f *Filter) Sample() []Slot { return f.sample }

// Len is the number of members.
func (f *Filter) Len() int { return f.members }

// Has reports whether the slot is a member.
func (f *Filter) Has(slot Slot) bool { return f.bit(slot) != 0 }

// bit is 1 for a member, else 0.
func (f *Filter) bit(slot Slot) uint64 { return f.words[slot>>6] >> (slot & 63) & 1 }

// appendMembers appends those slots that are members. Whether one is, is anybody's guess:
// so there is no branch on it.
func (f *Filter) appendMembers(dst, slots []Slot) []Slot {
	n := len(dst)
	dst = slices.Grow(dst, len(slots))[:n+len(slots)]
	for _, slot := range slots {
		dst[n] = slot
		n += int(f.bit(slot))
	}
	return dst[:n]
}

// nearMembers appends the members within two links of the slot on level 0: those among
// its links, and those among the links of the others. A member's are kept.
func (s *Search) nearMembers(dst []Slot, l Links, f *Filter, slot Slot) []Slot {
	page := &f.near[slot/nearSlots]
	if p := page.Load(); p != nil {
		if list := p[slot%nearSlots].Load(); list != nil {
			s.Hops++
			return append(dst, *list...)
		}
	}
	start := len(dst)
	s.Hops++
	s.first = l.AppendLinks(s.first[:0], slot, 0)
	prefetcher, _ := l.(Prefetcher)
	if prefetcher != nil {
		for _, other := range s.first {
			prefetcher.Prefetch(other, 0)
		}
	}
	for _, other := range s.first {
		if f.bit(other) != 0 {
			dst = append(dst, other)
			continue
		}
		s.Hops++
		s.second = l.AppendLinks(s.second[:0], other, 0)
		dst = f.appendMembers(dst, s.second)
	}
	found := dst[start:]
	slices.Sort(found)
	found = slices.Compact(found)
	if failing, _ := l.(Failing); f.bit(slot) != 0 && (failing == nil || !failing.Failed()) {
		f.keep(page, slot, found)
	}
	return dst[:start+len(found)]
}

// keep keeps a list, if there is room.
func (f *Filter) keep(page *atomic.Pointer[nearPage], slot Slot, list []Slot) {
	need := int64(4*len(list) + nearListBytes)
	p := page.Load()
	if p == nil {
		need += nearPageBytes
	}
	if f.room == nil || !f.room.take(need) {
		return
	}
	if f.kept.Add(need) < 0 {
		f.room.bytes.Add(need)
		return
	}
	if p == nil {
		page.CompareAndSwap(nil, new(nearPage))
		p = page.Load()
	}
	kept := slices.Clone(list)
	p[slot%nearSlots].Store(&kept)
}

// Share is the share of members among the slots within two links of a slot on level 0,
// by a sample of two hundred of them.
func (s *Search) Share(l Links, f *Filter, slot Slot) float64 {
	const lists = 8
	s.Hops++
	s.first = l.AppendLinks(s.first[:0], slot, 0)
	if prefetcher, _ := l.(Prefetcher); prefetcher != nil {
		for _, other := range s.first[:min(lists, len(s.first))] {
			prefetcher.Prefetch(other, 0)
		}
	}
	seen, members := 1+len(s.first), int(f.bit(slot))
	for i, other := range s.first {
		members += int(f.bit(other))
		if i >= lists {
			continue
		}
		s.Hops++
		s.second = l.AppendLinks(s.second[:0], other, 0)
		seen += len(s.second)
		for _, second := range s.second {
			members += int(f.bit(second))
		}
	}
	return float64(members) / float64(seen)
}
