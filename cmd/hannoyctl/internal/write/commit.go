package write

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"slices"

	"github.com/hannoydb/hannoy"
	"github.com/hannoydb/hannoy/internal/vecfile"
)

// A batch is rows that are committed together.
type batch struct {
	rows     []vecfile.Row // their slices lie in the two buffers
	buffer   []byte
	numbers  []float32
	bytes    int
	numbered bool // all keys are row numbers, so no two are equal
}

// newBatch returns a batch with room for what it will hold, if that is likely to be much.
func (im *importer) newBatch() *batch {
	if n := len(im.spare); n > 0 {
		b := im.spare[n-1]
		im.spare = im.spare[:n-1]
		*b = batch{rows: b.rows[:0], buffer: b.buffer[:0], numbers: b.numbers[:0], numbered: true}
		return b
	}
	b := &batch{numbered: true}
	if row := int64(im.rows.Dimensions()) * 4; im.rows.Rows() > 0 && im.kernel.Type() != hannoy.Bits {
		n := min(im.rows.Rows(), int64(im.batchBytes)/(row+rowOverheadBytes)+1)
		b.rows, b.numbers = make([]vecfile.Row, 0, n), make([]float32, 0, n*row/4)
	}
	return b
}

// maxCommits are under way at a time: one has LMDB's writer, the other is recorded meanwhile.
const maxCommits = 2

// A commit is a batch on its way into the index.
type commit struct {
	*batch
	alone bool          // its rows need not be looked up; at its end, whether that was so
	after *commit       // nil: the first
	ended chan struct{} // closed when it has
	err   error
	counts
}

// counts are of rows.
type counts struct{ added, updated, unchanged, stored int64 }

func (c *counts) count(of *counts) {
	c.added += of.added
	c.updated += of.updated
	c.unchanged += of.unchanged
	c.stored += of.stored
}

// flush begins to commit the batch that has been filled, once there is room for one more commit.
func (im *importer) flush(ctx context.Context) error {
	if len(im.filling.rows) == 0 {
		return nil
	}
	if len(im.committing) == maxCommits {
		if err := im.await(); err != nil {
			return err
		}
	}
	if err := im.begin(); err != nil {
		return err
	}
	im.alone = im.alone && im.filling.numbered
	c := &commit{batch: im.filling, alone: im.alone, ended: make(chan struct{})}
	if n := len(im.committing); n > 0 {
		c.after = im.committing[n-1]
	}
	im.committing = append(im.committing, c)
	go func() {
		defer close(c.ended)
		c.err = im.commit(ctx, c)
	}()
	im.filling = im.newBatch()
	return nil
}

// begin sees to it, before the first commit, that there is an index, and looks at what it holds.
func (im *importer) begin() error {
	if im.begun {
		return nil
	}
	im.begun = true
	if im.ix == nil {
		ix, err := im.create(im.rows.Dimensions())
		if err != nil {
			return err
		}
		im.ix = ix
	}
	return im.ix.View(func(s *hannoy.Snapshot) error {
		im.alone, im.sequence = s.Len() == 0, s.Sequence()
		return nil
	})
}

// await waits for the oldest commit under way.
func (im *importer) await() error {
	c := im.committing[0]
	<-c.ended
	im.committing = slices.Delete(im.committing, 0, 1)
	im.spare, im.alone, c.after = append(im.spare, c.batch), im.alone && c.alone, nil
	im.count(&c.counts)
	im.bar.Set("storing", im.stored, im.rows.Rows(), im.rows.Fraction())
	return c.err
}

// awaitAll waits for all commits under way and returns the first error.
func (im *importer) awaitAll() (err error) {
	for len(im.committing) > 0 {
		err = cmp.Or(err, im.await())
	}
	return err
}

// wait waits for the commit before this one. What that did is then for this one to go on from.
func (c *commit) wait() error {
	if c.after == nil {
		return nil
	}
	<-c.after.ended
	return c.after.err
}

func (im *importer) commit(ctx context.Context, c *commit) error {
	if c.alone {
		if err := im.add(ctx, c); err != errOthers {
			return err
		}
		c.alone = false
	}
	if err := c.wait(); err != nil {
		return err
	}
	changed, err := im.changed(c)
	if err == nil && len(changed) > 0 {
		_, err = im.ix.Update(ctx, func(to *hannoy.Batch) error { return im.put(to, changed) })
	}
	if err == nil {
		c.stored = int64(len(c.rows))
	}
	return err
}

// errOthers is the outcome of an add for which others have changed the index meanwhile.
var errOthers = errors.New("others write too")

// add commits rows that are not there yet: it records them before the commit ahead has ended.
func (im *importer) add(ctx context.Context, c *commit) error {
	rows := make([]*vecfile.Row, len(c.rows))
	for i := range rows {
		rows[i] = &c.rows[i]
	}
	_, err := im.ix.Update(ctx, func(to *hannoy.Batch) error {
		putErr := im.put(to, rows)
		if err := cmp.Or(c.wait(), putErr); err != nil {
			return err
		}
		return im.ix.View(func(s *hannoy.Snapshot) error {
			if s.Sequence() != im.sequence {
				return errOthers
			}
			return nil
		})
	})
	if err == nil {
		c.added, c.stored = int64(len(rows)), int64(len(rows))
		im.sequence++
	}
	return err
}

// changed returns the rows of the batch that the index does not hold yet as they are, and counts all of them.
func (im *importer) changed(c *commit) (changed []*vecfile.Row, err error) {
	err = im.ix.View(func(s *hannoy.Snapshot) (err error) {
		changed, err = im.compared(c, s)
		return err
	})
	return changed, err
}

// compared looks the rows up.
func (im *importer) compared(c *commit, s *hannoy.Snapshot) (changed []*vecfile.Row, err error) {
	last := map[string]int{}
	for i := range c.rows {
		last[string(c.rows[i].Key)] = i
	}
	for i := range c.rows {
		row := &c.rows[i]
		if last[string(row.Key)] != i {
			c.updated++ // by a later row of this very batch
			continue
		}
		item, err := s.Get(row.Key)
		switch {
		case errors.Is(err, hannoy.ErrNotFound):
			c.added++
		case errors.Is(err, hannoy.ErrInvalid):
			return nil, im.rows.RowError(row, err, "")
		case err != nil:
			return nil, err
		case im.holds(item, row):
			c.unchanged++
			continue
		default:
			c.updated++
		}
		changed = append(changed, row)
	}
	return changed, nil
}

func (im *importer) put(b *hannoy.Batch, rows []*vecfile.Row) error {
	for _, row := range rows {
		var opts []hannoy.PutOption
		if row.Value != nil {
			opts = append(opts, hannoy.Value(row.Value))
		}
		if len(row.Labels) > 0 {
			opts = append(opts, hannoy.Labels(row.Labels...))
		}
		var err error
		if im.kernel.Type() == hannoy.Bits {
			err = b.PutBits(row.Key, row.Bits, opts...)
		} else {
			err = b.Put(row.Key, row.Vector, opts...)
		}
		if err != nil {
			return im.rows.RowError(row, err, "")
		}
	}
	return nil
}

// holds reports whether the item is the row: what would be stored of it, or the very vector that is stored, which may
// not be what is stored of itself (scaling to length 1 rounds).
func (im *importer) holds(item hannoy.Item, row *vecfile.Row) bool {
	if !slices.Equal(item.Labels, row.Labels) || !bytes.Equal(item.Value, row.Value) || !bytes.Equal(item.Bits, row.Bits) || len(item.Vector) != len(row.Vector) {
		return false
	}
	if len(row.Vector) == 0 || slices.Equal(item.Vector, row.Vector) {
		return true
	}
	im.row = im.kernel.AppendRow(im.row[:0], row.Vector)
	im.kept = im.kernel.Vector(im.kept[:0], im.row)
	return slices.Equal(item.Vector, im.kept)
}
