package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/hannoydb/hannoy"
	"github.com/hannoydb/hannoy/benchmarks/harness"
)

// What a build of one thread takes for a slot, in seconds, and when AutoBuild begins one.
const (
	repairSeconds = .0002
	linkSeconds   = .00035
	foldAt        = 683
)

// file prints the size of the data file, over that of an index freshly built, while items
// are replaced and folded in, without readers and with one that holds a snapshot for a
// second and then takes the next. Time is counted in replacements and not taken from a
// clock, so that the outcome does not depend on what else the machine has to do.
func (b *bench) file() error {
	for _, held := range []bool{false, true} {
		for _, rate := range b.rates {
			if err := b.grow(rate, held); err != nil {
				return err
			}
		}
	}
	return nil
}

func (b *bench) grow(rate int, held bool) (err error) {
	ix, dir, err := b.open(hannoy.Options{})
	if err != nil {
		return err
	}
	defer ix.Close()
	c := &counted{b: b, ix: ix, rate: rate, total: int(b.seconds * float64(rate)), dir: dir}
	if held {
		c.reader = newRotating(ix)
		defer func() { err = errors.Join(err, c.reader.close()) }()
	}
	fmt.Printf("%4d replaced a second, %d in a commit, a reader: %-5t: file over fresh", rate, b.batch, held)
	folds, foldBytes := 0, int64(0)
	for c.put(); c.err == nil && c.replaced < c.total; c.put() {
		if c.unfolded < min(foldAt, rate) { // so many, or a second old
			continue
		}
		c.unfolded = 0
		written, byPuts := harness.WrittenBytes(), c.written
		if err := c.fold(); err != nil {
			return err
		}
		folds++
		foldBytes += harness.WrittenBytes() - written - (c.written - byPuts)
	}
	if c.err != nil {
		return c.err
	}
	s, err := ix.Stats()
	if err != nil {
		return err
	}
	fmt.Printf("; in use %.1f MB, free %.1f MB; written per replacement %.1f KB and per fold %.1f MB, %d folds\n",
		mb(s.Bytes.Data), mb(s.Bytes.Free), mb(c.written)/float64(c.replaced)*1000, mb(foldBytes)/float64(max(1, folds)), folds)
	return nil
}

// counted replaces items in a time that is counted.
type counted struct {
	b      *bench
	ix     *hannoy.Index
	dir    string
	rate   int // replacements to a second
	total  int
	reader *rotating

	replaced, unfolded int
	written            int64 // bytes, by the replacements
	err                error
}

// put replaces items, in one commit. Each key gets the vector of another row.
func (c *counted) put() {
	if c.err != nil || c.replaced >= c.total {
		return
	}
	written, before := harness.WrittenBytes(), c.replaced
	_, c.err = c.ix.Update(ctx, func(batch *hannoy.Batch) error {
		for i := before; i < before+c.b.batch; i++ {
			id := i * 7919 % c.b.linked
			if err := batch.Put(hannoy.ID(uint32(id)), c.b.rows.Row((id+i+1)%c.b.rows.Count).F32); err != nil {
				return err
			}
		}
		return nil
	})
	c.written += harness.WrittenBytes() - written
	c.replaced += c.b.batch
	c.unfolded += c.b.batch
	if c.reader != nil && c.replaced/c.rate > before/c.rate {
		c.reader.rotate()
	}
	if part := max(1, c.total/8); c.replaced/part > before/part {
		fmt.Printf(" %.2f", size(c.dir)/size(c.b.template()))
	}
}

// fold builds while items go on being replaced.
func (c *counted) fold() error {
	owed, done := 0., map[string]int{}
	_, err := c.ix.Build(ctx, &hannoy.BuildOptions{Threads: 1, Progress: func(p hannoy.BuildProgress) {
		slots := float64(p.Done - done[p.Phase])
		done[p.Phase] = p.Done
		switch p.Phase {
		case "repair":
			owed += slots * repairSeconds * float64(c.rate)
		case "link":
			owed += slots * linkSeconds * float64(c.rate)
		}
		for ; owed >= float64(c.b.batch); owed -= float64(c.b.batch) {
			c.put()
		}
	}})
	return errors.Join(err, c.err)
}

// rotating is a reader that holds a snapshot until it is told to take the next.
type rotating struct {
	next chan chan struct{} // answered when the new snapshot is taken
	done chan error
}

func newRotating(ix *hannoy.Index) *rotating {
	r := &rotating{make(chan chan struct{}), make(chan error, 1)}
	go func() {
		var taken chan struct{}
		for more := true; more; {
			err := ix.View(func(*hannoy.Snapshot) error {
				if taken != nil {
					close(taken)
				}
				taken, more = <-r.next
				return nil
			})
			if err != nil {
				r.done <- err
				return
			}
		}
		r.done <- nil
	}()
	return r
}

func (r *rotating) rotate() {
	taken := make(chan struct{})
	select {
	case r.next <- taken:
	case err := <-r.done:
		r.done <- err
		return
	}
	select {
	case <-taken:
	case err := <-r.done:
		r.done <- err
	}
}

func (r *rotating) close() error {
	close(r.next)
	return <-r.done
}

// size is that of the data file in a directory.
func size(dir string) float64 {
	info, err := os.Stat(filepath.Join(dir, "data.mdb"))
	if err != nil {
		return 0
	}
	return float64(info.Size())
}

func mb(n int64) float64 { return float64(n) / 1e6 }
