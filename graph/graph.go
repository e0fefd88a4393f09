package graph

// Slot is the number of one stored vector.
type Slot = uint32

// MaxLevel is the highest level that a slot may have.
const MaxLevel = 15

// Neighbor is a slot and its distance from the origin of the search.
type Neighbor struct {
	Slot     Slot
	Distance float32
}

// Links gives the neighbours of slots. It is asked once per hop.
//
// A view that cannot read a list returns dst unchanged and keeps the error for
// its owner, who asks for it when the call into this package has returned.
type Links interface {
	// AppendLinks appends the links of slot on level, in ascending order. A slot
	// that is not on the level has none. A search keeps a bit for every number up
	// to the greatest it is given, so a view must not pass on a damaged one.
	AppendLinks(dst []Slot, slot Slot, level int) []Slot
}

// Failing is Links that tell whether they could not read a list: what was read since is not
// kept for other searches.
type Failing interface {
	Failed() bool
}

// Prefetcher is Links that can have a list brought nearer to the processor: a search
// says which it will most likely read next. See [Prefetch].
type Prefetcher interface {
	Prefetch(slot Slot, level int)
}

// Space gives distances from a fixed origin. It is asked once per hop.
type Space interface {
	// Distances sets dst[i] to the distance of slots[i]; the lengths are equal.
	// Smaller is nearer. NaN is not a distance; a slot whose vector cannot be
	// read is at +Inf.
	Distances(dst []float32, slots []Slot)
}

// Mask tells which slots may not be results though a search may walk over them
// (dead slots, filters). It is asked once per hop.
type Mask interface {
	// Mask sets dst[i] to whether slots[i] is hidden; the lengths are equal.
	Mask(dst []bool, slots []Slot)
}

// View is a whole graph to read.
type View interface {
	Links
	// Rank is the slot's rank, 0 when it is not linked.
	Rank(slot Slot) uint32
	// Has reports whether the slot is on the level, be it without links.
	Has(slot Slot, level int) bool
}
