package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"slices"
	"strconv"
	"syscall"

	"github.com/hannoydb/hannoy"
	"github.com/hannoydb/hannoy/internal/faults/trace"
	"github.com/hannoydb/hannoy/internal/fixture"
)

// work is what the processes do that are killed, starved or cut off: batch after batch,
// with builds, compactions and new indexes among them. What batch n changes follows
// from the seed and n, so the sequence of an index says exactly what it must hold.
type work struct {
	seed uint64
	keys int
}

const (
	workDims = 16  // so that there are codes
	workPool = 500 // vectors
)

func workOptions() *hannoy.Options {
	return &hannoy.Options{Dimensions: workDims, M: 4, EfConstruction: 16}
}

// stored is what a batch puts under a key.
type stored struct {
	vector int // number in the pool; -1 for a key that is deleted
	form   form
	value  []byte
	label  string
}

// changes is what batch n changes, by key.
func (w *work) changes(n uint64) map[int]stored {
	r := random(w.seed^0xc0ffee, int(n))
	all, f := map[int]stored{}, formOf(n)
	if f != formOf(n-1) {
		for k := range min(w.keys, mostTurned) {
			all[k] = stored{vector: r.IntN(workPool), form: f, value: []byte{byte(n)}, label: "turned"}
		}
	}
	for range 1 + r.IntN(24) {
		s := stored{vector: r.IntN(workPool), form: f, label: "l" + strconv.Itoa(r.IntN(5))}
		if s.value = bytes.Repeat([]byte{byte(n)}, 1+r.IntN(200)); r.IntN(30) == 0 {
			s.value = bytes.Repeat(s.value, 50)
		}
		all[r.IntN(w.keys)] = s
	}
	for range r.IntN(16) {
		all[r.IntN(w.keys)] = stored{vector: -1}
	}
	// No batch is without effect, and each says which it was.
	all[w.keys] = stored{vector: r.IntN(workPool), form: f, value: strconv.AppendUint(nil, n, 10), label: "last"}
	return all
}

// model is what an index holds after n batches.
type model struct {
	work  *work
	n     uint64
	items map[string]stored
}

func (m *model) at(n uint64) map[string]stored {
	if m.items == nil || n < m.n {
		m.n, m.items = 0, map[string]stored{}
	}
	for ; m.n < n; m.n++ {
		for k, s := range m.work.changes(m.n + 1) {
			if s.vector < 0 {
				delete(m.items, string(key(k)))
			} else {
				m.items[string(key(k))] = s
			}
		}
	}
	return m.items
}

// commit commits the next batch and returns its number.
func (w *work) commit(ix *hannoy.Index) (n uint64, err error) {
	err = ix.View(func(s *hannoy.Snapshot) error { n = s.Sequence() + 1; return nil })
	if err != nil {
		return 0, err
	}
	_, err = ix.Update(ctx, func(b *hannoy.Batch) error {
		for k, s := range w.changes(n) {
			if s.vector < 0 {
				if err := b.Delete(key(k)); err != nil {
					return err
				}
			} else if err := b.Put(key(k), s.form.vector(s.vector), hannoy.Value(s.value), hannoy.Labels(s.label)); err != nil {
				return err
			}
		}
		return nil
	})
	return n, err
}

// step does one thing to the index: number at of the work. It tells out what is
// acknowledged.
func (w *work) step(ix *hannoy.Index, at int, out io.Writer) error {
	r := random(w.seed^0x57e9, at)
	var err error
	switch r.IntN(8) {
	case 0, 1:
		o := &hannoy.BuildOptions{}
		if at%2 == 0 {
			o.MemoryBudget = int64(littleMemory * w.keys)
		}
		if err = turning(ix, out); err == nil {
			_, err = ix.Build(ctx, o)
		}
		if err == nil {
			fmt.Fprintln(out, "built")
		}
	case 2:
		if err = w.rewrite(ix, at); err == nil {
			fmt.Fprintln(out, "rewritten")
		}
	default:
		var n uint64
		if n, err = w.commit(ix); err == nil {
			fmt.Fprintln(out, "ack", n)
		}
	}
	if errors.Is(err, hannoy.ErrBusy) {
		return nil
	}
	return err
}

// littleMemory, in bytes a key, is so little that many builds write all links anew, in
// several transactions, into the other edition.
const littleMemory = 850

// rewrite makes another index in the environment, or new files of what there is, as it is or altered.
func (w *work) rewrite(ix *hannoy.Index, at int) (err error) {
	switch at % 6 {
	case 0:
		_, err = ix.Compact(ctx)
	case 1:
		_, err = ix.Alter(ctx, &hannoy.AlterOptions{Rebuild: true})
	case 2:
		if !w.choosesCodes() { // whoever has chosen them is not chosen for
			_, err = ix.Alter(ctx, &hannoy.AlterOptions{Rebuild: true})
			break
		}
		_, err = ix.Alter(ctx, &hannoy.AlterOptions{Codes: new([]hannoy.Codes{hannoy.CodesNone, hannoy.CodesInt8}[at/6%2])})
	default:
		o := workOptions()
		o.Index = "extra" + strconv.Itoa(at%7)
		var extra *hannoy.Index
		if extra, err = hannoy.Open(ix.Path(), o); err == nil {
			err = extra.Close()
		}
	}
	return err
}

// serveWork is the child that works: work DIR SEED KEYS STEPS FIRST [-traced] [-tolerant].
// It stops by itself after that many steps. A tolerant one opens the index again
// after an error, and tells whether that had a type.
func serveWork(args []string) error {
	if len(args) < 5 {
		return fmt.Errorf("work of %d arguments", len(args))
	}
	dir := args[0]
	seed, _ := strconv.ParseUint(args[1], 10, 64)
	keys, _ := strconv.Atoi(args[2])
	steps, _ := strconv.Atoi(args[3])
	first, _ := strconv.Atoi(args[4])
	tolerant := slices.Contains(args, "-tolerant")
	if slices.Contains(args, "-traced") {
		if err := trace.AskToBeTraced(); err != nil {
			return err
		}
	}
	w := &work{seed: seed, keys: keys}
	for at, failures := first, 0; ; failures++ {
		next, err := w.run(dir, at, first+steps, os.Stdout)
		if err == nil {
			return nil
		}
		kind := "bare"
		if hasType(err) {
			kind = "typed"
		}
		fmt.Println("fail", kind, strconv.Quote(err.Error()))
		if !tolerant || failures == 5 {
			return err
		}
		at = next
	}
}

// run opens the index and works until step end. It returns the step that failed.
func (w *work) run(dir string, at, end int, out io.Writer) (int, error) {
	ix, err := hannoy.Open(dir, workOptions())
	if err != nil {
		return at, err
	}
	// A commit that the last process was killed behind may have become known only now.
	err = ix.View(func(s *hannoy.Snapshot) error {
		_, err := fmt.Fprintln(out, "open", s.Sequence())
		return err
	})
	for ; at < end && err == nil; at++ {
		if err = w.step(ix, at, out); err != nil {
			break
		}
	}
	return at, errors.Join(err, ix.Close())
}

// hasType reports whether a program can tell what went wrong: by an error of the
// library, or by that of the operating system.
func hasType(err error) bool {
	for _, t := range append([]error{
		hannoy.ErrNotFound, hannoy.ErrMapFull, hannoy.ErrReadersFull, hannoy.ErrDiskFull, hannoy.ErrReadOnly, hannoy.ErrBusy,
	}, typed...) {
		if errors.Is(err, t) {
			return true
		}
	}
	var number syscall.Errno
	return errors.As(err, &number)
}

// verify compares the index with the model and returns how many batches it holds,
// which must be from least to most. The index must pass Check, and answer as a scan of
// it does.
func (m *model) verify(ix *hannoy.Index, least, most uint64) (n uint64, err error) {
	report, err := ix.Check(ctx)
	if err != nil {
		return 0, fmt.Errorf("check: %w", err)
	}
	if !report.Sound {
		return 0, fmt.Errorf("check finds %d problems, the first: %+v", report.Found, report.Problems[0])
	}
	err = ix.View(func(s *hannoy.Snapshot) error {
		if n = s.Sequence(); n < least || n > most {
			return fmt.Errorf("%d batches are committed, %d were acknowledged, %d begun", n, least, most)
		}
		return compare(s, m.at(n), int(n))
	})
	return n, err
}

// compare compares the items of a snapshot with what they should be, and the answer to
// a query with the nearest of them.
func compare(s *hannoy.Snapshot, want map[string]stored, n int) error {
	query := formOf(uint64(n)).vector(n * 31 % workPool)
	var all []float64
	for item, err := range s.Items() {
		if err != nil {
			return err
		}
		w, ok := want[string(item.Key)]
		if !ok || !slices.Equal(item.Vector, w.form.vector(w.vector)) || !bytes.Equal(item.Value, w.value) || !slices.Equal(item.Labels, []string{w.label}) {
			return fmt.Errorf("item %q after batch %d is not what was put (known: %t)", item.Key, n, ok)
		}
		all = append(all, fixture.Distance(hannoy.Euclidean, query, item.Vector))
	}
	if len(all) != len(want) || s.Len() != len(want) {
		return fmt.Errorf("%d items after batch %d, Len is %d, want %d", len(all), n, s.Len(), len(want))
	}
	const k = 5
	for _, exact := range []bool{false, true} {
		hits, err := s.Search(ctx, query, k, &hannoy.SearchOptions{Ef: 64, WithValues: true, Exact: exact})
		if err != nil {
			return err
		}
		nearest := fixture.Nearest(all, k)
		if len(hits) != len(nearest) {
			return fmt.Errorf("%d hits after batch %d, want %d", len(hits), n, len(nearest))
		}
		for i, h := range hits {
			w, ok := want[string(h.Key)]
			if !ok || !bytes.Equal(h.Value, w.value) {
				return fmt.Errorf("hit %q after batch %d is not what was put", h.Key, n)
			}
			d := fixture.Distance(hannoy.Euclidean, query, w.form.vector(w.vector))
			if math.Abs(d-float64(h.Distance)) > rounding(d) {
				return fmt.Errorf("hit %q after batch %d at distance %v, it is at %v", h.Key, n, h.Distance, d)
			}
			if exact && math.Abs(nearest[i]-float64(h.Distance)) > rounding(d) {
				return fmt.Errorf("hit %d of a scan after batch %d at distance %v, want %v", i, n, h.Distance, nearest[i])
			}
		}
	}
	return nil
}

// rounding is how far from d a distance may be.
func rounding(d float64) float64 { return 1e-3 + 1e-6*d }
