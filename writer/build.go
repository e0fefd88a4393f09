package writer

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"runtime/trace"
	"slices"
	"time"

	"github.com/hannoydb/hannoy/codec"
	"github.com/hannoydb/hannoy/distance"
	"github.com/hannoydb/hannoy/graph/linking"
	"github.com/hannoydb/hannoy/kv"
)

// BuildOptions tunes a build.
type BuildOptions struct {
	Threads      int           // goroutines that compute; 0: one per CPU
	MemoryBytes  int64         // for changed links, search state and commits; 0: 1 GiB
	CommitEvery  time.Duration // time between commits while memory lasts; 0: 5 minutes
	KeepWithin   time.Duration // when the context is done, commit what is linked if that takes no longer; 0: leave it
	LargestRound int           // slots that are linked at a time; 0: 1,024
	Wait         bool          // for another build that runs on the environment
	Progress     func(Progress)
}

// Report says what a build did.
type Report struct {
	Linked         int           // slots linked
	Removed        int           // dead slots whose links were repaired
	Rounds         int           // rounds of linking
	Commits        int           // write transactions
	RecordsWritten int           // records put or deleted
	BytesWritten   int64         // of their keys and values
	Distances      uint64        // distances computed
	Threads        int           // goroutines that computed
	Elapsed        time.Duration // from start to end
}

const (
	defaultMemoryBytes = 1 << 30

	// Dead slots are repaired so many at a time, new slots round by round, with a
	// look at the memory and the clock after each.
	repairBatch = 512
)

// build is a build at work.
type build struct {
	env *kv.Env
	id  codec.IndexID
	o   BuildOptions

	pending []uint32      // slots to link, ascending
	covers  uint64        // the sequence of the commit in which they were pending
	base    *base         // the committed graph that the builder stands on
	edition codec.Edition // where its links of level 0 are
	graph   *linking.Builder
	stay    bool     // the lists that were published last stay in memory
	codes   fewCodes // of pending slots, to be published
	removed []uint32 // dead slots that were repaired around since the last publication

	spread    float32
	spreadFor uint32 // see codec.Meta

	started time.Time
	budget  budget
	pace    pace
	report  Report
}

// Build links the slots that are pending and repairs around those that are dead
// when it begins. Others may write meanwhile; what they change waits for the next
// build. When ctx is done it returns within one search, or with KeepWithin when a
// round has ended and that time has passed; what was published stays, and the next
// build goes on from there.
func Build(ctx context.Context, env *kv.Env, id codec.IndexID, o BuildOptions) (r *Report, err error) {
	unlock, err := env.LockBuild(ctx, o.Wait)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, unlock()) }()
	return BuildLocked(ctx, env, id, o)
}

// BuildLocked is Build for who holds the builder's lock.
func BuildLocked(ctx context.Context, env *kv.Env, id codec.IndexID, o BuildOptions) (r *Report, err error) {
	if o.Threads <= 0 {
		o.Threads = runtime.GOMAXPROCS(0)
	}
	if o.MemoryBytes <= 0 {
		o.MemoryBytes = defaultMemoryBytes
	}
	if o.CommitEvery <= 0 {
		o.CommitEvery = defaultCommitEvery
	}
	b := &build{env: env, id: id, o: o, started: time.Now(), budget: newBudget(o.MemoryBytes, o.CommitEvery)}
	b.report.Threads = o.Threads
	m, err := env.Meta(id)
	if err != nil {
		return nil, err
	}
	if !m.HasGraph() {
		err := b.freeDead(ctx)
		b.report.Elapsed = time.Since(b.started)
		return &b.report, err
	}
	if err := b.prepare(ctx); err != nil {
		return nil, err
	}
	defer func() {
		if b.base != nil {
			b.base.release()
		}
	}()
	if err := b.begin(ctx); err != nil {
		return nil, err
	}
	if err = b.run(ctx); errors.Is(err, linking.ErrDamaged) {
		err = fmt.Errorf("%w: %w", codec.ErrCorrupt, err)
	}
	if err != nil && errors.Is(err, ctx.Err()) && b.base.err() == nil {
		err = errors.Join(err, b.keep(ctx))
	}
	b.report.Elapsed = time.Since(b.started)
	return &b.report, err
}

// freeDead is the build of an index without a graph: nothing leads to what was deleted.
func (b *build) freeDead(ctx context.Context) error {
	return b.env.Update(ctx, func(txn *kv.Txn) error {
		s, err := newStage(txn, b.id)
		if err != nil || s.meta.Dead == 0 {
			return err
		}
		b.report.Removed, b.report.Commits = int(s.meta.Dead), 1
		for ; s.meta.Dead > 0; s.meta.Dead-- {
			slot, ok := s.dead.take(0, s.meta.NextSlot-1)
			if !ok || !s.free.add(slot) {
				return fmt.Errorf("index %d: %d dead slots are missing, or free too: %w", b.id, s.meta.Dead, codec.ErrCorrupt)
			}
			s.meta.Free++
		}
		err = s.flushSets()
		b.report.RecordsWritten, b.report.BytesWritten = txn.Written()
		return err
	})
}

// keep publishes what is linked when the build was cancelled, if there is time to.
func (b *build) keep(cancelled context.Context) error {
	if b.o.KeepWithin == 0 {
		return nil
	}
	ctx, stop := context.WithTimeout(context.WithoutCancel(cancelled), b.o.KeepWithin)
	defer stop()
	err := b.publish(ctx, 0)
	if err != nil && errors.Is(err, ctx.Err()) {
		return nil // the items stay pending
	}
	return err
}

// prepare notes what is to be linked, makes sure that there are ranks for it, and writes
// its codes, which must be there before links lead to it, unless they are few.
func (b *build) prepare(ctx context.Context) error {
	base, err := newBase(b.env, b.id)
	if err != nil {
		return err
	}
	defer base.release()
	if err := b.clearEdition(ctx, base.index.Meta.Edition.Other()); err != nil {
		return err
	}
	b.pending, b.covers = base.index.Pending.ToArray(), base.index.Meta.Sequence
	if err := b.renumber(ctx, base); err != nil {
		return err
	}
	mean, settled, err := b.suitCodes(ctx, base)
	m := &base.index.Meta
	if err != nil || settled || m.Codes == 0 || len(b.pending) == 0 {
		return err
	}
	e, err := newEncoder(base, distance.VectorType(m.Codes), m.CodeSlab, mean)
	if err != nil {
		return err
	}
	if areFew(b.pending, m.CodeSlab) {
		b.codes, err = e.few(ctx, b.pending)
		return err
	}
	b.progress("encode", 0, 0)
	return e.encode(ctx, b.pending)
}

// suitCodes makes codes suit the vectors, whenever these may be unlike those that there were: as
// often as the spread is taken, and when another build was cut off at it. It returns the vector about which codes are
// taken now, and whether that settles it: all slots have got other codes, or there are none any more.
func (b *build) suitCodes(ctx context.Context, base *base) (mean []float32, settled bool, err error) {
	m, mean := &base.index.Meta, base.index.Mean
	codes := distance.VectorType(m.WantedCodes())
	if m.AutoCodes {
		codes = distance.I8
	}
	first, cutOff := len(m.Roots) == 0, m.NextCodes != 0
	if codes == 0 || !cutOff && (codes == distance.Bits && !first || uint64(m.Pending)+uint64(m.Dead) < uint64(m.SpreadFor)) {
		return mean, false, nil
	}
	f, err := base.fit(ctx, codes)
	switch {
	case err != nil:
		return nil, false, err
	case m.AutoCodes && !f.Good:
		if m.WantedCodes() == 0 {
			return nil, false, clearCodes(ctx, b.env, b.id) // of which a build that was cut off may have left some
		}
		return nil, true, dropCodes(ctx, b.env, b.id, true, 0)
	case f.Kept:
		return mean, false, nil
	case first && m.Codes != 0:
		// No slot is linked, so no code is in use yet.
		if f.Mean == nil && mean == nil {
			return nil, false, nil
		}
		return f.Mean, false, putMean(ctx, b.env, b.id, f.Mean)
	}
	return nil, true, replaceCodes(ctx, b.env, b.id, codes, m.AutoCodes, f.Mean)
}

// begin makes a builder over the latest commit.
func (b *build) begin(ctx context.Context) (err error) {
	if b.base, err = newBase(b.env, b.id); err != nil {
		return err
	}
	if len(b.codes) > 0 {
		if err := b.base.with(b.codes); err != nil {
			return err
		}
	}
	// Only what is still pending: a slot that was deleted since prepare is among the
	// dead, and may hold another vector before it could be linked.
	b.pending = slices.DeleteFunc(b.pending, func(slot uint32) bool { return !b.base.index.Pending.Contains(slot) })
	m := &b.base.index.Meta
	for level, root := range m.Roots {
		if b.base.Rank(root) == 0 || !b.base.Has(root, level) {
			return errors.Join(b.base.err(), fmt.Errorf("index %d: root %d of level %d is not linked there: %w", b.id, root, level, codec.ErrCorrupt))
		}
	}
	params := linking.Params{
		M: int(m.M), M0: int(m.M0), EfConstruction: int(m.EfConstruction),
		Alpha: rankingAlpha(distance.Metric(m.Metric), m.Alpha), Seed: m.Seed, Threads: b.o.Threads,
		LargestRound: b.o.LargestRound, WholeRounds: b.o.KeepWithin != 0,
	}
	linked := int(m.Live) // and those dead slots that have links
	for it := b.base.index.Dead.Iterator(); it.HasNext() && ctx.Err() == nil; {
		if b.base.Rank(it.Next()) != 0 {
			linked++
		}
	}
	b.spread, b.spreadFor, b.edition = m.Spread, m.SpreadFor, m.Edition
	b.graph, err = linking.NewBuilder(params, b.base, m.Roots, m.NextRank, linked, b.base.points)
	return errors.Join(err, b.base.err(), ctx.Err())
}

// rankingAlpha is the slack of the neighbour choice in terms of the distances that links
// are chosen by: squared where those are squares.
func rankingAlpha(metric distance.Metric, alpha float32) float32 {
	switch metric {
	case distance.Euclidean, distance.Cosine, distance.InnerProduct:
		return alpha * alpha
	}
	return alpha
}

func (b *build) run(ctx context.Context) error {
	dead := b.base.index.Dead.ToArray()
	if m := &b.base.index.Meta; len(dead) == 0 && len(b.pending) == 0 && m.GraphSequence == b.covers && m.Edition == 0 {
		return nil
	}
	b.budget.todo = len(dead) + len(b.pending)
	if err := b.repair(ctx, dead); err != nil {
		return err
	}
	if err := b.link(ctx); err != nil {
		return err
	}
	if err := b.measure(ctx); err != nil {
		return err
	}
	return b.finish(ctx)
}

// repair takes the dead slots out of the graph.
func (b *build) repair(ctx context.Context, dead []uint32) error {
	defer trace.StartRegion(ctx, "hannoy repair").End()
	all := b.base.index.Dead
	for done := 0; done < len(dead); {
		batch := dead[done:min(done+repairBatch, len(dead))]
		var placed []linking.Placed
		for _, slot := range batch {
			if b.graph.Rank(slot) != 0 {
				placed = append(placed, linking.Placed{Slot: slot, Level: b.levelOf(slot)})
			}
		}
		if err := errors.Join(b.graph.Remove(ctx, placed, all.Contains), b.base.err()); err != nil {
			return err
		}
		b.removed = append(b.removed, batch...)
		b.report.Removed += len(batch)
		done += len(batch)
		b.progress("repair", done, len(dead))
		if err := b.publishIfDue(ctx); err != nil {
			return err
		}
	}
	return nil
}

// levelOf returns the highest level that a linked slot is on.
func (b *build) levelOf(slot uint32) (level uint8) {
	for b.graph.Has(slot, int(level)+1) {
		level++
	}
	return level
}

// link puts the pending slots into the graph.
func (b *build) link(ctx context.Context) error {
	defer trace.StartRegion(ctx, "hannoy link").End()
	m := &b.base.index.Meta
	placed := make([]linking.Placed, 0, len(b.pending))
	var key []byte
	for _, slot := range b.pending {
		var err error
		if key, err = b.base.index.AppendKey(key[:0], slot); err != nil {
			return err
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		placed = append(placed, linking.Placed{Slot: slot, Level: linking.Level(m.Seed, key, int(m.M))})
	}
	b.graph.Add(placed)
	for b.graph.Queued() > 0 {
		linked, err := b.graph.Round(ctx)
		if err := errors.Join(err, b.base.err()); err != nil {
			return err
		}
		b.report.Linked += linked
		b.report.Rounds++
		b.progress("link", b.report.Linked, len(placed))
		if err := b.publishIfDue(ctx); err != nil {
			return err
		}
	}
	return nil
}

// measure takes the spread of the graph, if it is not known, or if half as many slots have
// been linked or removed since as there were: what comes may be unlike what has left.
func (b *build) measure(ctx context.Context) error {
	m := &b.base.index.Meta
	if changed := uint64(b.report.Linked + b.report.Removed); changed < uint64(b.spreadFor) {
		b.spreadFor -= uint32(changed)
		return nil
	}
	b.spreadFor = uint32(b.graph.Linked()) / 2
	if distance.Metric(m.Metric) == distance.InnerProduct {
		return nil
	}
	spread, err := b.graph.Spread(ctx, m.NextSlot)
	b.spread = min(spread, codec.MaxSpread)
	return errors.Join(err, b.base.err())
}
