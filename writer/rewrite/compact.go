package rewrite

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/RoaringBitmap/roaring/v2"

	"github.com/hannoydb/hannoy/codec"
	"github.com/hannoydb/hannoy/graph"
	"github.com/hannoydb/hannoy/graph/layout"
	"github.com/hannoydb/hannoy/kv"
	"github.com/hannoydb/hannoy/writer"
)

// CompactReport says what a compaction did.
type CompactReport struct {
	BytesBefore int64         `json:"bytes_before"` // of the data file
	BytesAfter  int64         `json:"bytes_after"`  //
	CaughtUp    int           `json:"caught_up"`    // changes that others committed meanwhile
	Elapsed     time.Duration `json:"-"`
}

const (
	// What others commit meanwhile is carried over in passes, each shorter than the one
	// before, until so few changes are left; the last pass keeps writers waiting.
	fewChanges   = 256
	mostPasses   = 8
	catchUpBytes = 8 << 20 // of changes that are applied at a time
)

// Compact writes the environment anew, densely and with slots that are linked close to
// each other, and puts it in the place of the old: see kv.Successor. Others read and
// write meanwhile; builds wait. With wait it waits for a build that runs.
func Compact(ctx context.Context, env *kv.Env, wait bool) (r *CompactReport, err error) {
	unlock, err := env.LockBuild(ctx, wait)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, unlock()) }()
	return rewrite(ctx, env, env, nil)
}

// CopyTo writes a compacted copy of a snapshot into another environment, which must
// have no index and which nobody else uses.
func CopyTo(ctx context.Context, env, to *kv.Env) (*CompactReport, error) {
	snap, err := to.Acquire()
	if err != nil {
		return nil, err
	}
	names, err := snap.IndexNames()
	snap.Release()
	if err == nil && len(names) > 0 {
		err = fmt.Errorf("copy to %s: %w: it has an index already (give a directory that has none)", to.Dir(), kv.ErrInvalid)
	}
	if err != nil {
		return nil, err
	}
	return rewrite(ctx, env, to, nil)
}

// rewrite makes a compacted copy of an environment, with one index altered if a is not
// nil, and puts it in the place of old, which is the same or an empty one.
func rewrite(ctx context.Context, env, old *kv.Env, a *alteration) (r *CompactReport, err error) {
	started := time.Now()
	if env == old {
		done, noteErr := env.NoteRewrite()
		if noteErr != nil {
			return nil, noteErr
		}
		defer func() { err = errors.Join(err, done()) }()
	}
	next, err := old.NewSuccessor()
	if err != nil {
		return nil, err
	}
	c := &compaction{ctx: ctx, env: env, to: next.Env, altered: a}
	defer func() {
		if c.covered != nil {
			c.covered.Release()
		}
	}()
	if err = c.copy(); err == nil {
		err = a.finish(ctx, next.Env)
	}
	for pass := 0; err == nil && env == old && pass < mostPasses; pass++ {
		var changes int
		if changes, err = c.catchUp(); changes <= fewChanges || err != nil {
			break
		}
		err = a.link(ctx, next.Env)
	}
	if err == nil {
		// Now, so that little is left to be written while writers wait.
		err = next.Sync()
	}
	if err != nil {
		return nil, c.named(errors.Join(err, next.Discard()), old)
	}
	last := func() error { return nil }
	if env == old {
		last = func() error { _, err := c.catchUp(); return err }
	}
	if err := next.TakePlace(ctx, last); err != nil {
		return nil, err
	}
	c.report.Elapsed = time.Since(started)
	if c.report.BytesBefore, err = c.fileBytes(c.covered); err != nil {
		return nil, err
	}
	now, err := old.Acquire() // the new files
	if err != nil {
		return nil, err
	}
	defer now.Release()
	c.report.BytesAfter, err = c.fileBytes(now)
	return &c.report, err
}

// compaction is a compaction at work.
type compaction struct {
	ctx     context.Context
	env     *kv.Env
	to      *kv.Env
	altered *alteration  // nil: nothing
	covered *kv.Snapshot // what the copy holds
	report  CompactReport
}

func (c *compaction) fileBytes(s *kv.Snapshot) (int64, error) {
	usage, err := s.Usage()
	return usage.Pages * usage.PageBytes, err
}

// named adds what room a copy takes to the error of a full disk, on which nothing is left of
// it.
func (c *compaction) named(err error, to *kv.Env) error {
	if !errors.Is(err, kv.ErrDiskFull) || c.covered == nil {
		return err
	}
	usage, failed := c.covered.Usage()
	free, unknown := to.DiskFree()
	if failed != nil || unknown != nil {
		return err
	}
	return fmt.Errorf("%w (a copy of %d bytes is made, the disk has %d free)", err, usage.TreePages*usage.PageBytes, free)
}

// copy copies all indexes as of the latest commit.
func (c *compaction) copy() error {
	snap, err := c.env.Acquire()
	if err != nil {
		return err
	}
	c.covered = snap
	names, err := snap.IndexNames()
	if err != nil {
		return err
	}
	to := &sink{ctx: c.ctx, env: c.to}
	for _, name := range slices.Sorted(maps.Keys(names)) {
		if err := to.put(codec.NameKey(name), codec.AppendNumber(nil, uint32(names[name]))); err != nil {
			return err
		}
	}
	for _, id := range slices.Sorted(maps.Values(names)) {
		x, err := snap.Index(id)
		if err != nil {
			return err
		}
		if err := c.copyIndex(x, to); err != nil {
			return err
		}
	}
	return to.flush()
}

func (c *compaction) copyIndex(x *kv.Index, to *sink) error {
	if !c.altered.keepsGraph(x) {
		return copyIndex(x, to, c.altered.metaOf(x), nil)
	}
	linked, err := linkedSlots(x)
	if err != nil {
		return err
	}
	if roots := x.Meta.Roots; len(roots) > 0 {
		links := &committedLinks{ctx: c.ctx, index: x}
		linked = layout.Order(links, linked, roots[len(roots)-1])
		if links.err != nil {
			return links.err
		}
	}
	return copyIndex(x, to, c.altered.metaOf(x), linked)
}

// committedLinks are the links of a snapshot, for one goroutine.
type committedLinks struct {
	ctx   context.Context
	index *kv.Index
	err   error // the first of a read or of the context; from then on nothing is read
}

// AppendLinks implements graph.Links.
func (l *committedLinks) AppendLinks(dst []graph.Slot, slot graph.Slot, level int) []graph.Slot {
	if l.err == nil {
		l.err = l.ctx.Err()
	}
	if l.err == nil {
		dst, l.err = l.index.AppendLinks(dst, slot, level)
	}
	return dst
}

// catchUp carries over what was committed since the last pass, and returns how many
// changes that were.
func (c *compaction) catchUp() (changes int, err error) {
	snap, err := c.env.Acquire()
	if err != nil {
		return 0, err
	}
	before := c.covered
	if snap == before {
		snap.Release()
		return 0, nil
	}
	defer before.Release()
	c.covered = snap
	names, err := snap.IndexNames()
	if err != nil {
		return 0, err
	}
	for _, name := range slices.Sorted(maps.Keys(names)) {
		now, err := snap.Index(names[name])
		if err != nil {
			return 0, err
		}
		was, err := before.Index(names[name])
		if errors.Is(err, kv.ErrNotFound) {
			was, err = nil, c.create(name, now)
		}
		if err != nil {
			return 0, err
		}
		if was != nil && was.Meta.Sequence == now.Meta.Sequence && was.Meta.Ef == now.Meta.Ef {
			continue
		}
		n, err := c.carryOver(was, now)
		changes += n
		if err != nil {
			return changes, err
		}
	}
	c.report.CaughtUp += changes
	return changes, nil
}

// create makes an index that was created meanwhile, under its name and id and empty.
func (c *compaction) create(name string, x *kv.Index) error {
	m := x.Meta.Emptied()
	return c.to.Update(c.ctx, func(txn *kv.Txn) error {
		err := txn.Put(codec.NameKey(name), codec.AppendNumber(nil, uint32(x.ID())))
		return errors.Join(err, txn.Put(codec.MetaKey(x.ID()), codec.AppendMeta(nil, &m)))
	})
}

// carryOver applies to the copy what happened to an index between two snapshots; was
// is nil if there was no index. No build ran in between, so what is linked now was
// linked then.
func (c *compaction) carryOver(was, now *kv.Index) (int, error) {
	var batch []writer.Change
	changes, size := 0, 0
	flush := func() error {
		if len(batch) == 0 {
			return nil
		}
		_, err := writer.Apply(c.ctx, c.to, batch)
		batch, size = batch[:0], 0
		return err
	}
	meta := c.altered.metaOf(now)
	rows, err := newRowsOf(&now.Meta, &meta)
	if err != nil {
		return 0, err
	}
	err = eachChange(was, now, func(change writer.Change) error {
		changes++
		if rows != nil && change.Row != nil {
			var err error
			if change.Row, err = rows.appendRow(nil, change.Row, change.Key); err != nil {
				return err
			}
			change.Kernel = rows.to
		}
		batch = append(batch, change)
		if size += len(change.Key) + len(change.Row) + len(change.Value); size < catchUpBytes {
			return nil
		}
		return flush()
	})
	if err == nil {
		err = flush()
	}
	if err != nil {
		return changes, err
	}
	return changes, writer.EditMeta(c.ctx, c.to, now.ID(), func(m *codec.Meta) {
		if m.Sequence = now.Meta.Sequence; was != nil && was.Meta.Ef != now.Meta.Ef {
			m.Ef = now.Meta.Ef // else it is as metaOf says
		}
	})
}

// eachChange calls fn with the changes that lead from one snapshot of an index to
// another.
func eachChange(was, now *kv.Index, fn func(writer.Change) error) error {
	items, err := itemSlots(now)
	if err != nil {
		return err
	}
	pending := roaring.New()
	if was != nil {
		pending = was.Pending
		had, err := itemSlots(was)
		if err != nil {
			return err
		}
		// Gone, or pending and perhaps another item's by now.
		for it := roaring.Or(roaring.AndNot(had, items), pending).Iterator(); it.HasNext(); {
			key, err := was.AppendKey(nil, it.Next())
			if err != nil {
				return err
			}
			if _, ok, err := now.Slot(key); err != nil {
				return err
			} else if ok {
				continue
			}
			if err := fn(writer.Change{Index: now.ID(), Key: key}); err != nil {
				return err
			}
		}
	}
	for it := now.Pending.Iterator(); it.HasNext(); {
		slot := it.Next()
		change, err := changeOf(now, slot)
		if err != nil {
			return err
		}
		if pending.Contains(slot) {
			old, err := changeOf(was, slot)
			if err != nil {
				return err
			}
			if bytes.Equal(old.Key, change.Key) && bytes.Equal(old.Row, change.Row) && bytes.Equal(old.Value, change.Value) && slices.Equal(old.Labels, change.Labels) {
				continue
			}
		}
		if err := fn(change); err != nil {
			return err
		}
	}
	return nil
}

// changeOf is the change that puts the item of a slot.
func changeOf(x *kv.Index, slot uint32) (c writer.Change, err error) {
	c.Index = x.ID()
	if c.Key, err = x.AppendKey(nil, slot); err != nil {
		return c, err
	}
	if c.Row, err = x.Vectors.Row(slot); err != nil {
		return c, err
	}
	if c.Kernel, err = writer.KernelFor(&x.Meta); err != nil {
		return c, err
	}
	if c.Labels, err = x.Labels(slot); err != nil {
		return c, err
	}
	c.Value, err = x.Value(slot)
	return c, err
}

// itemSlots returns the slots that have items.
func itemSlots(x *kv.Index) (*roaring.Bitmap, error) {
	free, err := x.ReadSet(codec.SetFree, x.Meta.Free)
	if err != nil {
		return nil, err
	}
	items := roaring.New()
	items.AddRange(0, uint64(x.Meta.NextSlot))
	items.AndNot(free)
	items.AndNot(x.Dead)
	return items, nil
}
