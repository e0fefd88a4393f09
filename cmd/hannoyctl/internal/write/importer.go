package write

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"

	"github.com/hannoydb/hannoy"
	"github.com/hannoydb/hannoy/cmd/hannoyctl/internal/operand"
	"github.com/hannoydb/hannoy/cmd/hannoyctl/internal/terminal"
	"github.com/hannoydb/hannoy/codec"
	"github.com/hannoydb/hannoy/distance"
	"github.com/hannoydb/hannoy/internal/vecfile"
)

// maxBatchBytes of vectors, keys and values go into one commit: enough that commits cost little beside what they
// commit, little enough that a batch is no burden on memory. A build that may use little memory takes less.
const (
	maxBatchBytes    = 12 << 20
	batchMemoryShare = 16
)

// An importer puts the rows of a file into an index, batch by batch: while one is committed, the next is read.
type importer struct {
	rows   *vecfile.Reader
	keys   *operand.KeyFile // nil: the row's own key, or its number
	labels *operand.KeyFile // labels of the rows beside their own; nil: none
	kernel *distance.Kernel // of the index, or of the one to be created
	style  operand.KeyStyle
	// create makes the index when the first batch is whole and sound: a file that cannot be read leaves no index
	// behind. Nil when the index exists.
	create func(dimensions int) (*hannoy.Index, error)
	ix     *hannoy.Index
	bar    *terminal.Bar
	named  bool // every row must bring its key

	skipped *skipped // what takes bad rows; nil: they are errors

	batchBytes int
	filling    *batch
	committing *batch     // nil: none
	committed  chan error // of committing; what follows is its commit's until it has ended
	stored     int64      // rows committed or found equal
	sequence   uint64     // of the index after the latest commit
	alone      bool       // all that the index holds is rows of this import under their numbers, so that no later one is there

	row  []byte    // a row as the index stores it,
	kept []float32 // and what it returns of it

	added, updated, unchanged int64
}

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
	b := &batch{numbered: true}
	if row := int64(im.rows.Dimensions()) * 4; im.rows.Rows() > 0 && im.kernel.Type() != hannoy.Bits {
		n := min(im.rows.Rows(), int64(im.batchBytes)/(row+rowOverheadBytes)+1)
		b.rows, b.numbers = make([]vecfile.Row, 0, n), make([]float32, 0, n*row/4)
	}
	return b
}

// run imports until the end of the file. When the context ends, what has been read is still committed.
func (im *importer) run(ctx context.Context) (err error) {
	defer im.bar.Clear()
	im.filling = im.newBatch()
	defer func() { err = cmp.Or(err, im.await()) }()
	for ctx.Err() == nil {
		row, err := im.rows.Next()
		if err == io.EOF {
			break
		}
		if errors.Is(err, context.Canceled) {
			break
		}
		if err != nil {
			return err
		}
		if err := im.add(row); err != nil {
			return err
		}
		if im.filling.bytes >= im.batchBytes {
			if err := im.flush(ctx); err != nil {
				return err
			}
		}
	}
	if err := cmp.Or(im.flush(context.WithoutCancel(ctx)), im.await()); err != nil {
		return err
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if err := im.skipped.finish(); err != nil {
		return err
	}
	return errors.Join(im.checkUsed(im.keys, "keys"), im.checkUsed(im.labels, "lines"))
}

// add copies a row into the batch, if it is sound.
func (im *importer) add(row *vecfile.Row) error {
	held, err := im.sound(row)
	if err != nil {
		bad := im.rows.RowError(row, err, terminal.HintFor(err))
		if im.skipped == nil || errors.Is(err, errOtherFile) {
			return bad
		}
		im.skipped.add(bad)
		return nil
	}
	b := im.filling
	b.rows = append(b.rows, held)
	b.numbered = b.numbered && im.keys == nil && row.Key == nil
	b.bytes += 4*len(held.Vector) + len(held.Bits) + len(held.Key) + len(held.Value) + labelBytes*len(held.Labels) + rowOverheadBytes
	return nil
}

// sound checks all of a row that can be checked before it is put, and returns a copy.
func (im *importer) sound(row *vecfile.Row) (vecfile.Row, error) {
	labels, err := im.labelsOf(row) // first the lines of other files, so that they stay in step
	if errors.Is(err, errOtherFile) {
		return vecfile.Row{}, err
	}
	key, keyErr := im.key(row)
	if err := cmp.Or(keyErr, err, checkVector(im.kernel, row.Vector)); err != nil {
		return vecfile.Row{}, err
	}
	held, b := *row, im.filling
	held.Key, held.Labels, held.Value = hold(&b.buffer, key), labels, hold(&b.buffer, row.Value)
	held.Vector, held.Bits = hold(&b.numbers, row.Vector), hold(&b.buffer, row.Bits)
	return held, nil
}

// errOtherFile marks the errors of a file of keys or labels, which no passing over of rows mends.
var errOtherFile = errors.New("")

func otherFile(k *operand.KeyFile, noun string, err error) error {
	if err == io.EOF {
		err = fmt.Errorf("%s has only %s", k.Name, terminal.Plural(int(k.Read), noun))
	}
	return fmt.Errorf("%w%w", errOtherFile, err)
}

// hold copies to the end of the buffer. When that moves, what it held before stays valid.
func hold[T any](buffer *[]T, from []T) []T {
	if from == nil {
		return nil
	}
	start := len(*buffer)
	*buffer = append(*buffer, from...)
	return (*buffer)[start:len(*buffer):len(*buffer)]
}

// rowOverheadBytes is what a row costs in memory beside its contents, so that tiny rows do not add up unseen.
const rowOverheadBytes = 160

// labelBytes is about what a label costs in memory.
const labelBytes = 48

// labelsOf is what the row and its line in the file of labels say, sorted and each once.
func (im *importer) labelsOf(row *vecfile.Row) ([]string, error) {
	labels := row.Labels
	if im.labels != nil {
		line, err := im.labels.Of(row.Number)
		if err != nil {
			return nil, otherFile(im.labels, "line", err)
		}
		if len(line) > 0 {
			labels = append(labels, strings.Split(string(line), "\t")...)
		}
	}
	for _, label := range labels {
		if err := codec.CheckLabel(label); err != nil {
			return nil, err
		}
	}
	slices.Sort(labels)
	return slices.Compact(labels), nil
}

func (im *importer) key(row *vecfile.Row) ([]byte, error) {
	switch {
	case im.keys != nil:
		key, err := im.keys.Of(row.Number)
		if err != nil {
			return nil, otherFile(im.keys, "key", err)
		}
		return im.style.Parse(key)
	case row.Key != nil:
		return im.style.Parse(row.Key)
	case im.named:
		return nil, errors.New("the row has no key")
	}
	return im.style.OfRow(row.Number)
}

// checkVector finds what the index would refuse, before the index is there to refuse it.
func checkVector(kernel *distance.Kernel, vector []float32) error {
	err := kernel.Check(vector)
	var bad *hannoy.ValueError
	switch {
	case errors.Is(err, distance.ErrZeroVector):
		return terminal.WithHint(err, "cosine needs vectors other than zero: leave such rows out with build --skip-bad, or choose another metric")
	case !errors.As(err, &bad):
		return err
	case math.IsNaN(float64(bad.Value)) || math.IsInf(float64(bad.Value), 0):
		return terminal.WithHint(err, "vectors must be finite: repair the row, or leave such rows out with build --skip-bad")
	case kernel.Type() != hannoy.F32:
		return terminal.WithHint(err, "the type of an index is chosen when it is created: build --type f16 holds whole numbers up to 2,048 exactly, f32 every number")
	}
	return err
}

// flush begins to commit the batch, once the one before it is committed.
func (im *importer) flush(ctx context.Context) error {
	if len(im.filling.rows) == 0 {
		return nil
	}
	next := im.committing
	if err := im.await(); err != nil {
		return err
	}
	if im.ix == nil {
		ix, err := im.create(im.rows.Dimensions())
		if err != nil {
			return err
		}
		im.ix = ix
	}
	if next == nil {
		next = im.newBatch()
	}
	*next = batch{rows: next.rows[:0], buffer: next.buffer[:0], numbers: next.numbers[:0], numbered: true}
	full, committed := im.filling, make(chan error, 1)
	go func() { committed <- im.commit(ctx, full) }()
	im.committing, im.filling, im.committed = full, next, committed
	return nil
}

// await waits for the commit under way, if there is one.
func (im *importer) await() error {
	if im.committing == nil {
		return nil
	}
	err := <-im.committed
	im.committing = nil
	im.bar.Set("storing", im.stored, im.rows.Rows(), im.rows.Fraction())
	return err
}

func (im *importer) commit(ctx context.Context, b *batch) error {
	changed, err := im.changed(b)
	if err != nil {
		return err
	}
	if len(changed) > 0 {
		if _, err := im.ix.Update(ctx, func(to *hannoy.Batch) error { return im.put(to, changed) }); err != nil {
			return err
		}
		im.sequence++
	}
	im.stored += int64(len(b.rows))
	return nil
}

// changed returns the rows of the batch that the index does not hold yet as they are, and counts all of them.
func (im *importer) changed(b *batch) ([]*vecfile.Row, error) {
	var changed []*vecfile.Row
	err := im.ix.View(func(s *hannoy.Snapshot) (err error) {
		im.alone = b.numbered && (s.Len() == 0 || im.alone && s.Sequence() == im.sequence)
		im.sequence = s.Sequence()
		if im.alone {
			for i := range b.rows {
				changed = append(changed, &b.rows[i])
			}
			im.added += int64(len(changed))
			return nil
		}
		changed, err = im.compared(b, s)
		return err
	})
	return changed, err
}

// compared looks the rows up.
func (im *importer) compared(b *batch, s *hannoy.Snapshot) (changed []*vecfile.Row, err error) {
	last := make(map[string]int, len(b.rows))
	for i := range b.rows {
		last[string(b.rows[i].Key)] = i
	}
	for i := range b.rows {
		row := &b.rows[i]
		if last[string(row.Key)] != i {
			im.updated++ // by a later row of this very batch
			continue
		}
		there, err := s.Has(row.Key)
		var item hannoy.Item
		if err == nil && there {
			item, err = s.Get(row.Key)
		}
		switch {
		case errors.Is(err, hannoy.ErrInvalid):
			return nil, im.rows.RowError(row, err, "")
		case err != nil:
			return nil, err
		case !there:
			im.added++
		case im.holds(item, row):
			im.unchanged++
			continue
		default:
			im.updated++
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

// checkUsed refuses a file of keys or labels that goes on behind the last row.
func (im *importer) checkUsed(f *operand.KeyFile, noun string) error {
	if f == nil {
		return nil
	}
	// Behind the last rows, if they were bad, lines have not been read yet.
	if _, err := f.Of(im.rows.Seen()); err == io.EOF {
		return nil
	}
	return fmt.Errorf("%s has more %s than the input has rows, %s; the rows are stored with the first ones", f.Name, noun, terminal.Thousands(im.stored))
}
