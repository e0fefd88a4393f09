package hannoy

import (
	"context"
	"fmt"
	"runtime/trace"
	"slices"
	"sync"

	"github.com/hannoydb/hannoy/codec"
	"github.com/hannoydb/hannoy/distance"
	"github.com/hannoydb/hannoy/writer"
	"github.com/hannoydb/hannoy/writer/fold"
)

// Batch collects changes that are committed together. It belongs to the function
// that Index.Update called and to one goroutine.
type Batch struct {
	index *Index
	*recorded
}

// recorded is what a batch shares with those that On returns.
type recorded struct {
	changes []writer.Change
	keys    writer.Room     // for copies of keys: together, since they are gone through again and again
	rows    writer.Room     // for rows
	auto    []*fold.Builder // of the indexes that get items, if they have one
}

// recordedPool has room for one batch after another: an import has as many changes each time.
var recordedPool = sync.Pool{New: func() any { return &recorded{} }}

func (r *recorded) giveBack() {
	clear(r.changes) // of what else they refer to
	clear(r.auto)
	r.keys.Empty()
	r.rows.Empty()
	r.changes, r.auto = r.changes[:0], r.auto[:0]
	recordedPool.Put(r)
}

// PutOption adds something to an item.
type PutOption func(*writer.Change)

// Value stores bytes of the user's with the item, 1 GiB at most. They are copied.
func Value(value []byte) PutOption {
	return func(c *writer.Change) {
		if c.Value = value; len(value) <= codec.MaxValueBytes { // else they are refused
			c.Value = append([]byte{}, value...)
		}
	}
}

// Labels gives the item labels, by which a [Filter] finds it: any number of texts of 1
// to 255 bytes without control characters, such as "lang:en". They are stored once
// each, in sorted order, and stay until the item is replaced or deleted. Together
// they may take about 16 KB.
func Labels(labels ...string) PutOption {
	return func(c *writer.Change) {
		c.Labels = append(c.Labels, labels...)
		slices.Sort(c.Labels)
		c.Labels = slices.Compact(c.Labels)
	}
}

// Put stores a vector under a key of 1 to 480 bytes (or one that ID made), in place
// of what was there. Both are copied. The error wraps ErrInvalid, and nothing is
// recorded, when the key, the vector, the value or a label cannot be stored.
func (b *Batch) Put(key []byte, vector []float32, opts ...PutOption) error {
	kernel := b.index.kernel.Load()
	if err := b.index.checkVector(kernel, vector); err != nil {
		return fmt.Errorf("put %s: %w", codec.QuoteKey(b.index.ids, key), err)
	}
	return b.put(key, kernel, kernel.AppendRow(b.rows.Take(kernel.RowBytes()), vector), opts)
}

// PutBits is Put for an index with the metric Hamming: bits has (dimensions+7)/8
// bytes, and all their bits count.
func (b *Batch) PutBits(key, bits []byte, opts ...PutOption) error {
	kernel := b.index.kernel.Load()
	if err := b.index.checkBits(kernel, bits); err != nil {
		return fmt.Errorf("put %s: %w", codec.QuoteKey(b.index.ids, key), err)
	}
	return b.put(key, kernel, kernel.AppendBitsRow(b.rows.Take(kernel.RowBytes()), bits), opts)
}

func (b *Batch) put(key []byte, kernel *distance.Kernel, row []byte, opts []PutOption) error {
	if err := b.index.checkKey(key); err != nil {
		return err
	}
	c := writer.Change{Index: b.index.id, Key: append(b.keys.Take(len(key)), key...), Kernel: kernel, Row: row}
	for _, opt := range opts {
		if opt == nil {
			return fmt.Errorf("put %s: %w: an option is nil", codec.QuoteKey(b.index.ids, key), ErrInvalid)
		}
		opt(&c)
	}
	if err := checkLabels(c.Labels); err != nil {
		return fmt.Errorf("put %s: %w", codec.QuoteKey(b.index.ids, key), err)
	}
	if len(c.Value) > codec.MaxValueBytes {
		return fmt.Errorf("put %s: %w: its value has %d bytes, at most %d are allowed", codec.QuoteKey(b.index.ids, key), ErrInvalid, len(c.Value), codec.MaxValueBytes)
	}
	if auto := b.index.auto; auto != nil && !slices.Contains(b.auto, auto) {
		b.auto = append(b.auto, auto)
	}
	b.changes = append(b.changes, c)
	return nil
}

// Delete removes the item with the key, if there is one.
func (b *Batch) Delete(key []byte) error {
	if err := b.index.checkKey(key); err != nil {
		return err
	}
	b.changes = append(b.changes, writer.Change{Index: b.index.id, Key: append(b.keys.Take(len(key)), key...)})
	return nil
}

// On returns a batch that changes another index of the same directory in the same
// transaction: for items that have several vectors. It panics if other is of another
// directory.
func (b *Batch) On(other *Index) *Batch {
	if other.env != b.index.env {
		panic(fmt.Sprintf("hannoy: indexes %q and %q are not of the same directory and cannot change in one transaction", b.index.name, other.name))
	}
	_ = other.followLatest() // what comes of it, Update will say
	return &Batch{index: other, recorded: b.recorded}
}

// Len is the number of changes recorded so far.
func (b *Batch) Len() int { return len(b.changes) }

// Update calls fn to record changes and commits them: all or none, durable and
// visible to searches when Update returns. Of several changes of one key the last
// counts. If fn returns an error, nothing is changed and Update returns that error.
//
// It returns how many items were put, or deleted and were there. New items answer
// queries at once, by comparison; Build links them into the graph. With
// Options.AutoBuild, Update may wait for that.
func (ix *Index) Update(ctx context.Context, fn func(b *Batch) error) (changed int, err error) {
	defer trace.StartRegion(ctx, "hannoy update").End()
	if err := ix.usable(); err != nil {
		return 0, err
	}
	if err := ix.followLatest(); err != nil {
		return 0, err
	}
	r := recordedPool.Get().(*recorded)
	defer r.giveBack()
	if err := fn(&Batch{index: ix, recorded: r}); err != nil {
		return 0, err
	}
	if err := ctx.Err(); err != nil || len(r.changes) == 0 {
		return 0, err
	}
	for _, auto := range r.auto {
		if err := auto.Admit(ctx); err != nil {
			return 0, err
		}
	}
	changed, err = writer.Apply(ctx, ix.env, r.changes)
	for _, auto := range r.auto {
		auto.Notify()
	}
	return changed, err
}

func (ix *Index) checkKey(key []byte) error {
	if ix.ids {
		if len(key) != 4 {
			return fmt.Errorf("%w: key %q has %d bytes, index %q has uint32 ids (make keys with ID)", ErrInvalid, key, len(key), ix.name)
		}
		return nil
	}
	if len(key) == 0 || len(key) > codec.MaxKeyBytes {
		return fmt.Errorf("%w: key has %d bytes, 1 to %d are allowed", ErrInvalid, len(key), codec.MaxKeyBytes)
	}
	return nil
}

func checkLabels(labels []string) error {
	for _, label := range labels {
		if err := codec.CheckLabel(label); err != nil {
			return fmt.Errorf("%w: %w", ErrInvalid, err)
		}
	}
	if n := codec.LabelsBytes(labels); n > codec.MaxLabelsBytes {
		return fmt.Errorf("%w: %d labels take %d bytes, at most %d are allowed", ErrInvalid, len(labels), n, codec.MaxLabelsBytes)
	}
	return nil
}

func (ix *Index) checkVector(kernel *distance.Kernel, vector []float32) error {
	if kernel.Type() == distance.Bits {
		return fmt.Errorf("%w: index %q holds bits (use PutBits and SearchBits)", ErrInvalid, ix.name)
	}
	if len(vector) != kernel.Dimensions() {
		return &DimensionError{Index: ix.name, Got: len(vector), Want: kernel.Dimensions()}
	}
	if err := kernel.Check(vector); err != nil {
		return fmt.Errorf("%w: %w", ErrInvalid, err)
	}
	return nil
}

func (ix *Index) checkBits(kernel *distance.Kernel, bits []byte) error {
	if kernel.Type() != distance.Bits {
		return fmt.Errorf("%w: index %q holds vectors of numbers (use Put and Search)", ErrInvalid, ix.name)
	}
	if want := (kernel.Dimensions() + 7) / 8; len(bits) != want {
		return &DimensionError{Index: ix.name, Got: 8 * len(bits), Want: ix.Dimensions()}
	}
	return nil
}
