package writer

import (
	"context"
	"errors"
	"fmt"
	"runtime/trace"
	"time"

	"github.com/hannoydb/hannoy/codec"
	"github.com/hannoydb/hannoy/kv"
)

// publishIfDue publishes when the changes fill the memory, or when much time has passed.
func (b *build) publishIfDue(ctx context.Context) error {
	if !b.budget.isDue(b.load()) {
		return nil
	}
	if err := b.publish(ctx, 0); err != nil {
		return err
	}
	return b.rebase()
}

// finish publishes the rest. Equal items have equal records, so the links must not stay
// in the other edition.
func (b *build) finish(ctx context.Context) error {
	if err := b.publish(ctx, b.covers); err != nil || b.edition == 0 {
		return err
	}
	if err := b.rebase(); err != nil {
		return err
	}
	b.budget.whole = true
	return b.publish(ctx, b.covers)
}

// publish commits what has changed since the last publication. covers, unless 0, is
// the sequence up to which the graph now covers the items.
func (b *build) publish(ctx context.Context, covers uint64) error {
	defer trace.StartRegion(ctx, "hannoy publish").End()
	began, l := time.Now(), b.load()
	whole, before := b.budget.isWhole(l), b.edition
	if whole {
		if err := b.writeEdition(ctx, before.Other()); err != nil {
			return fmt.Errorf("publish links: %w", err)
		}
	}
	b.progress("publish", 0, 0)
	longest, err := b.longest()
	if err != nil {
		return fmt.Errorf("publish links: %w", err)
	}
	err = b.update(ctx, func(txn *kv.Txn) error {
		s, err := newStage(txn, b.id)
		if err != nil {
			return err
		}
		s.meta.Spread, s.meta.SpreadFor = b.spread, b.spreadFor
		s.meta.Longest = longest
		if whole {
			s.meta.Edition = before.Other()
		} else if err := s.publishLinks(ctx, b.graph); err != nil {
			return err
		}
		if err := b.codes.put(txn, b.id, s.meta.CodeSlab); err != nil {
			return err
		}
		return s.publish(b.graph, b.removed, covers)
	})
	if err != nil {
		return fmt.Errorf("publish links: %w", err)
	}
	b.removed, b.codes = b.removed[:0], nil
	if whole {
		b.edition = before.Other()
		// Before the next base is taken, which would keep the pages from being used again.
		if err := b.clearEdition(ctx, before); err != nil {
			return err
		}
	}
	b.report.Distances = b.graph.Distances()
	b.stay = b.budget.note(l, whole, began)
	return nil
}

// update runs one of the build's transactions.
func (b *build) update(ctx context.Context, fn func(*kv.Txn) error) error {
	var records int
	var bytes int64
	err := b.env.Update(ctx, func(txn *kv.Txn) error {
		err := fn(txn)
		records, bytes = txn.Written()
		return err
	})
	if err == nil {
		b.report.Commits++
		b.report.RecordsWritten += records
		b.report.BytesWritten += bytes
	}
	return err
}

// writeEdition writes level 0, as it is with the changes, into an edition that is empty or
// was being written by a build that was cut off.
func (b *build) writeEdition(ctx context.Context, edition codec.Edition) error {
	if err := b.clearEdition(ctx, edition); err != nil {
		return err
	}
	slots := b.base.index.Meta.NextSlot
	blocks := codec.Blocks(slots)
	for next := uint32(0); next < blocks; {
		b.progress("publish", int(next*codec.BlockSlots), int(slots))
		from := next // a function may not change what it would need if it were run again
		err := b.update(ctx, func(txn *kv.Txn) (err error) {
			next, err = b.writeBlocks(ctx, txn, edition, from, blocks)
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// writeBlocks writes blocks from one number on, up to another or as many as a transaction
// takes, and returns the number of the next.
func (b *build) writeBlocks(ctx context.Context, txn *kv.Txn, edition codec.Edition, from, to uint32) (next uint32, err error) {
	var arena, key, value []byte
	var links []uint32
	for next = from; next < to; next++ {
		if _, written := txn.Written(); written >= b.budget.part {
			break
		}
		var block [codec.BlockSlots][]byte
		arena = arena[:0]
		for i := range block {
			slot := next*codec.BlockSlots + uint32(i)
			if !b.graph.Has(slot, 0) {
				continue
			}
			links = b.graph.AppendLinks(links[:0], slot, 0)
			at := len(arena)
			arena = codec.AppendList(arena, links)
			block[i] = arena[at:len(arena):len(arena)]
		}
		if isEmpty(&block) {
			continue
		}
		key = codec.AppendLinksKey(key[:0], b.id, edition, next)
		value = codec.AppendBlock(value[:0], &block)
		if err := errors.Join(ctx.Err(), txn.Put(key, value)); err != nil {
			return next, err
		}
	}
	return next, b.base.err()
}

// clearEdition removes what is in an edition that nobody reads.
func (b *build) clearEdition(ctx context.Context, edition codec.Edition) error {
	return deleteAll(ctx, b.env, codec.AppendLinksPrefix(nil, b.id, edition), max(1, int(b.budget.part/pageBytes)))
}

// rebase puts the builder on the commit that was published last, or a later one.
func (b *build) rebase() error {
	next, err := newBase(b.env, b.id)
	if err != nil {
		return err
	}
	b.base.release()
	b.base = next
	if b.stay {
		b.graph.Advance(next, next.points)
	} else {
		b.graph.Rebase(next, next.points)
	}
	return nil
}
