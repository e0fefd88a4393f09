package writer

import (
	"testing"
	"time"
)

// Where memory would not hold the pages of what has changed, a build publishes early and in
// place if little is to be done, and late and whole if all of the graph is changing.
func TestBudget(t *testing.T) {
	const listBytes = 136
	loadOf := func(linked, changed, done int64) load {
		level := linked/listsPerPage + 1
		return load{changes: changed * listBytes, pages: min(changed, level) * pageBytes, level: level * pageBytes, done: int(done)}
	}
	for _, c := range []struct {
		name                 string
		memory               int64
		todo                 int
		linked, changed      int64
		done                 int64
		old                  bool // the last publication
		due, whole, goesLate bool
	}{
		{name: "one put in a large graph", memory: 64 << 20, todo: 1, linked: 1e6, changed: 30, done: 1},
		{name: "many pages, room for them", memory: 1 << 30, todo: 2e5, linked: 2e5, changed: 2e5, done: 2e5},
		{name: "after a long time", memory: 1 << 30, todo: 2e5, linked: 1e5, changed: 1e5, done: 1e5, old: true, due: true},
		{name: "a graph from nothing, in the middle", memory: 256 << 20, todo: 1e6, linked: 6e5, changed: 6e5, done: 6e5, whole: true, goesLate: true},
		{name: "a graph from nothing, after a long time", memory: 256 << 20, todo: 1e6, linked: 6e5, changed: 6e5, done: 6e5, old: true, due: true, whole: true},
		{name: "changes that fill the memory", memory: 256 << 20, todo: 1e7, linked: 5e6, changed: 16e5, done: 1e6, due: true, whole: true, goesLate: true},
		{name: "the last of some changes in a huge graph", memory: 64 << 20, todo: 1000, linked: 1e8, changed: 2e4, done: 1000, due: true},
		{name: "the last of many changes in a large graph", memory: 256 << 20, todo: 2730, linked: 1e6, changed: 7e4, done: 2730, due: true},
		{name: "no memory to speak of", memory: 1, todo: 5000, linked: 4000, changed: 4000, done: 4000, due: true, whole: true, goesLate: true},
		{name: "too little memory for anything", memory: 1 << 20, todo: 5000, linked: 4000, changed: 4000, done: 4000, due: true, whole: true, goesLate: true},
	} {
		m := newBudget(c.memory, time.Hour)
		m.todo = c.todo
		if m.part < 1 {
			t.Errorf("%s: a transaction may hold %d bytes", c.name, m.part)
		}
		if c.old {
			m.published = m.published.Add(-2 * time.Hour)
		}
		l := loadOf(c.linked, c.changed, c.done)
		due, late := m.isDue(l), m.whole
		if due != c.due || m.isWhole(l) != c.whole || late != c.goesLate {
			t.Errorf("%s: due %t, whole %t, goes on %t, want %t, %t, %t", c.name, due, m.isWhole(l), late, c.due, c.whole, c.goesLate)
		}
		m.note(l, m.isWhole(l), time.Now())
		if m.isDue(loadOf(c.linked, 0, c.done)) {
			t.Errorf("%s: due again with nothing to publish", c.name)
		}
	}
}

// The pages of a publication in place stay LMDB's: the next changes have less room.
func TestBudgetCountsWhatLMDBKeeps(t *testing.T) {
	m := newBudget(256<<20, time.Hour)
	m.todo = 1e6
	first := load{changes: 10 << 20, pages: 60 << 20, level: 400 << 20, done: 1e5}
	if m.isDue(first) || m.isWhole(first) {
		t.Fatal("the first changes do not fit")
	}
	m.note(first, false, time.Now())
	if next := (load{changes: 60 << 20, pages: 20 << 20, level: 400 << 20, done: 2e5}); !m.isDue(next) {
		t.Errorf("%d MiB of changes beside %d MiB that LMDB keeps are in %d MiB", next.changes>>20, m.pool>>20, m.bytes>>20)
	}
}
