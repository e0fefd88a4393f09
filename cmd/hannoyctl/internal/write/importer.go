package write

import (
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
	maxBatchBytes    = 8 << 20
	batchMemoryShare = 24
)

// An importer puts the rows of a file into an index, batch by batch: while one is committed, the next is made ready for it and the one
// after that is read.
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
	committing []*commit // in order, at most maxCommits; each touches what follows after the one before it has ended
	spare      []*batch  // whose commits have ended
	sequence   uint64    // of the index after the latest commit; the commits'
	begun      bool      // there is an index, and what it holds is known
	alone      bool      // all that the index holds is rows of this import under their numbers, so that no later one is there

	row  []byte    // a row as the index stores it,
	kept []float32 // and what it returns of it

	counts // of commits that have ended
}

// run imports until the end of the file. When the context ends, what has been read is still committed.
func (im *importer) run(ctx context.Context) (err error) {
	defer im.bar.Clear()
	im.filling = im.newBatch()
	defer func() { err = cmp.Or(err, im.awaitAll()) }()
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
		if err := im.take(row); err != nil {
			return err
		}
		if im.filling.bytes >= im.batchBytes {
			if err := im.flush(ctx); err != nil {
				return err
			}
		}
	}
	if err := cmp.Or(im.flush(context.WithoutCancel(ctx)), im.awaitAll()); err != nil {
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

// take copies a row into the batch, if it is sound.
func (im *importer) take(row *vecfile.Row) error {
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
		return terminal.WithHint(err, "cosine needs vectors other than zero: drop the row, or choose another metric")
	case !errors.As(err, &bad):
		return err
	case math.IsNaN(float64(bad.Value)) || math.IsInf(float64(bad.Value), 0):
		return terminal.WithHint(err, "vectors must be finite: drop the row or repair it")
	case kernel.Type() != hannoy.F32:
		return terminal.WithHint(err, "the type of an index is chosen when it is created: build --type f16 holds whole numbers up to 2,048 exactly, f32 every number")
	}
	return err
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
