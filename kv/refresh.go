package kv

import "github.com/hannoydb/hannoy/codec"

// prepare is called before a commit, by its writer. If there are readers, it returns the
// snapshot that they read, held; they stay with it until refresh has made one of the
// commit, which would cost the first of them more than a search.
func (e *Env) prepare(f *files, commit uint64) *Snapshot {
	e.mu.Lock()
	inUse := e.current != nil && e.current.files == f && e.current.inUse()
	e.mu.Unlock()
	if !inUse {
		return nil
	}
	base, err := e.Acquire()
	if err != nil {
		return nil // they find out themselves
	}
	info, err := f.raw.Info()
	e.mu.Lock()
	defer e.mu.Unlock()
	if base.files == f {
		e.preparing = commit
		if base.outline == nil && err == nil { // there was none before it to inherit from
			base.outline = f.memory.Grown(info.LastPNO+1).Outline(base.id, nil)
		}
	}
	return base
}

// refresh is called after a commit, with what prepare returned, and has readers go on
// with a snapshot of it.
func (e *Env) refresh(base *Snapshot, committed bool) {
	if base == nil {
		return
	}
	defer base.Release()
	var next *Snapshot
	if committed {
		next = e.after(base)
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.preparing = 0
	if next == nil {
		return
	}
	old := e.current
	if old == nil || old.files != next.files || old.id >= next.id {
		next.free()
		next.files.idle = append(next.files.idle, next.txn)
		return
	}
	if old.users == 0 {
		old.free()
		old.files.idle = append(old.files.idle, old.txn)
	}
	e.current = next
	next.files.adviseRandom(e.mapSizeBytes.Load())
	e.unlinger()
}

// after returns a snapshot of the latest commit that has inherited from base, which is
// held, and looked up what base had and has changed. It has no users, its transaction is
// reset. It returns nil if there is none, or if other files have taken the place of these.
func (e *Env) after(base *Snapshot) *Snapshot {
	e.mu.Lock()
	if e.files != base.files {
		e.mu.Unlock()
		return nil
	}
	txn, err := e.begin(nil)
	if err == nil {
		if err = base.files.steady(txn); err != nil {
			base.files.idle = append(base.files.idle, txn)
		}
	}
	e.mu.Unlock()
	if err != nil {
		return nil
	}
	next := &Snapshot{env: e, files: base.files, id: uint64(txn.ID()), txn: txn, indexes: map[codec.IndexID]*Index{}}
	err = next.succeed(base, true)
	successor := ""
	if err == nil {
		successor, err = next.files.successor(e, txn)
	}
	if err != nil || successor != "" || next.id == base.id {
		next.free()
		e.mu.Lock()
		defer e.mu.Unlock()
		txn.Reset()
		next.files.idle = append(next.files.idle, txn)
		return nil
	}
	for id, x := range next.indexes {
		base.mu.Lock()
		old := base.indexes[id]
		base.mu.Unlock()
		x.LookUp(old.Index)
	}
	txn.Reset()
	return next
}
