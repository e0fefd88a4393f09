package kv

import "time"

// lingerFor is how long a snapshot is held after its last user has left, unless another
// takes its place before. The next one can then inherit from it however much other
// processes commit in between; the pages that it keeps from being used again are few. It is
// a variable for tests.
var lingerFor = 100 * time.Millisecond

// lingering is the hold of an environment on its current snapshot after all users have
// left. It counts as one of its users.
type lingering struct {
	snapshot *Snapshot // nil: none is held
	until    time.Time
	timer    *time.Timer // calls settle; nil until first needed
}

// linger holds the snapshot for a while, whose last user leaves. The caller holds e.mu.
func (e *Env) linger(s *Snapshot) {
	l := &e.lingering
	l.until = time.Now().Add(lingerFor)
	if l.snapshot == s {
		return
	}
	s.users++
	s.files.users++
	l.snapshot = s
	if l.timer == nil {
		l.timer = time.AfterFunc(lingerFor, e.settle)
	} else {
		l.timer.Reset(lingerFor)
	}
}

// settle lets the snapshot go that has been held for long enough.
func (e *Env) settle() {
	e.mu.Lock()
	defer e.mu.Unlock()
	l := &e.lingering
	switch left := time.Until(l.until); {
	case l.snapshot == nil:
	case left > 0:
		l.timer.Reset(left)
	default:
		e.unlinger()
	}
}

// unlinger lets the held snapshot go, if there is one. The caller holds e.mu.
func (e *Env) unlinger() {
	if s := e.lingering.snapshot; s != nil {
		e.lingering.snapshot = nil
		s.leave()
	}
}
