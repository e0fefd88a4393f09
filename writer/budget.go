package writer

import "time"

// There are two ways to publish what a build has changed. In place, the records that
// have changed are written over in one transaction, and LMDB holds every page of which
// they change anything in memory until it commits: links that are added all over the
// graph take nearly a page each. Whole, level 0 is written anew into its other edition
// (see codec.Edition), in the order of the file and in as many transactions as it takes,
// of which each holds little. So the first is for few changes, and the second for when
// the memory would not hold the pages of many.

const (
	// A page of the file holds about so many lists of level 0.
	listsPerPage = 10
	pageBytes    = 4096

	// What is for neither changes nor pages: the runtime, tables, the searches of a
	// round; and a share of the memory for the garbage collector to work in, and for what
	// LMDB keeps of commits before the build.
	fixedBytes = 20 << 20
	spareShare = 4
	leastShare = 4 // of a memory that is too small for this, so much all the same

	// After a whole publication the lists stay in memory, so that they need not be read
	// again, unless they leave less than this share of it for others.
	roomShare = 4

	// A transaction of a whole publication holds this share of the memory.
	partShare = 16

	// A page that is written in its turn costs half of one that is read, copied and
	// written out of turn.
	inTurn = 2

	// A build publishes after this time too, if publishing took less than a twentieth
	// of it: the file keeps the room that the last two publications took, so a short
	// interval costs disk.
	defaultCommitEvery = 5 * time.Minute
	publishShare       = 20
)

// budget says when a build publishes, and how, so that it keeps to its memory and a
// crash costs no more than some time.
type budget struct {
	bytes int64 // for changes and for pages that LMDB holds
	part  int64 // of pages, in a transaction of a whole publication
	every time.Duration

	todo  int   // slots to link or to repair in all
	pool  int64 // bytes of pages that LMDB has held at once so far: it keeps the memory
	last  int64 // what publishing in place would have taken at the last look
	whole bool  // the next publication is whole: its changes are more than in place could be

	done       int // slots linked or repaired until the last publication
	published  time.Time
	publishing time.Duration // how long it took
}

func newBudget(memory int64, every time.Duration) budget {
	return budget{
		bytes: max(memory-fixedBytes-memory/spareShare, memory/leastShare), part: max(memory/partShare, 1),
		every: every, published: time.Now(),
	}
}

// load is what there is to publish.
type load struct {
	changes int64 // bytes that the changes take
	pages   int64 // of level 0, in bytes, of which they change something
	level   int64 // all pages of level 0
	done    int   // slots linked and repaired so far
}

func (b *build) load() load {
	level := int64(b.graph.Linked()/listsPerPage + 1)
	return load{
		changes: b.graph.Bytes(), pages: min(int64(b.graph.ChangedLists()), level) * pageBytes, level: level * pageBytes,
		done: b.report.Linked + b.report.Removed,
	}
}

// inPlace is how much memory a publication in place would take.
func (m *budget) inPlace(l load) int64 { return l.changes + max(l.pages, m.pool) }

// isDue reports whether to publish now.
func (m *budget) isDue(l load) bool {
	if time.Since(m.published) >= max(m.every, publishShare*m.publishing) {
		return true
	}
	bytes := m.inPlace(l)
	grown := max(bytes-m.last, 0) // and so again in the next round
	m.last = bytes
	if bytes+grown > m.bytes && m.paysWhole(l) {
		m.whole = true
	}
	if m.whole {
		bytes, grown = m.inParts(l), 0
	}
	return bytes+grown > m.bytes
}

// inParts is how much memory a whole publication would take.
func (m *budget) inParts(l load) int64 { return l.changes + max(m.part, m.pool) }

// paysWhole reports whether less is written if changes go on until they fill the memory
// themselves and are then published whole; and once more, in the end, to be back in the
// first edition.
func (m *budget) paysWhole(l load) bool {
	gain := float64(m.bytes-m.part) / float64(max(l.changes, 1))
	if done := l.done - m.done; done > 0 {
		gain = min(gain, float64(m.todo-m.done)/float64(done))
	}
	gain = max(gain, 1)
	return float64(l.level)*(1+1/gain) <= inTurn*float64(l.pages)*gain
}

// isWhole reports whether a publication now is to be whole.
func (m *budget) isWhole(l load) bool { return m.whole || m.inPlace(l) > m.bytes && m.paysWhole(l) }

// note takes down a publication that began at some time, and reports whether the lists
// can stay in memory. Then the next publication is whole too.
func (m *budget) note(l load, whole bool, began time.Time) (stay bool) {
	held := l.pages
	if whole {
		held = m.part
	}
	m.pool = min(max(m.pool, held), m.bytes/2) // of one that was too large, what is left would be too little to work
	m.done, m.last, m.whole = l.done, 0, whole && m.inParts(l) <= m.bytes-m.bytes/roomShare
	m.published = time.Now()
	m.publishing = m.published.Sub(began)
	return m.whole
}
