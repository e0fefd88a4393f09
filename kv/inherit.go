package kv

import (
	"time"

	"github.com/hannoydb/hannoy/codec"
	"github.com/hannoydb/hannoy/kv/pages"
)

// inheritFor is how long the tables of an index are handed on, commit by commit, while
// nobody asks for it.
const inheritFor = 10 * time.Second

// inherit makes the tables of s, which nobody uses yet, what those of the snapshot
// before have become: most of what a commit does not change lies where it lay. What
// has changed is looked up anew when it is touched, as everything is if old cannot be
// inherited from, or if this fails.
func (s *Snapshot) inherit(old *Snapshot) {
	if poisoning {
		return // what the old one lent is about to be spoiled
	}
	if s.outline == nil || old.outline == nil {
		return
	}
	heirs := map[codec.IndexID]*Index{}
	var changed []func(*pages.Change)
	now := time.Now()
	old.mu.Lock()
	for id, from := range old.indexes {
		asked := from.asked
		if from.used.Load() {
			asked = now
		}
		if now.Sub(asked) > inheritFor {
			continue
		}
		// An index that cannot be opened says so to who asks for it.
		if x, err := s.openIndex(id); err == nil {
			x.asked = asked
			heirs[id] = x
			changed = append(changed, x.Inherit(from.Index))
		}
	}
	old.mu.Unlock()
	whole := s.outline.Changes(old.outline, func(c *pages.Change) {
		for _, tell := range changed {
			tell(c)
		}
	})
	if whole {
		s.indexes = heirs
		return
	}
	for _, x := range heirs {
		x.Free()
	}
}
