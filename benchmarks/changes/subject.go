package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"time"

	"github.com/hannoydb/hannoy"
	"github.com/hannoydb/hannoy/benchmarks/harness"
)

var ctx = context.Background()

const (
	// warmups are changes, and queries, that nobody measures: the first of a process
	// wait for pages.
	warmups       = 5
	warmupQueries = 1000

	batchOfFirst = 10_000
)

// subject is an index of the first rows, under their numbers.
type subject struct {
	index  *hannoy.Index
	rows   *harness.Rows
	size   int
	next   int   // the row that is put next
	keys   []int // numbers that are in the index, to be deleted from the end
	random *rand.Rand
}

// openSubject opens the index of a size, after building it if it is not there.
func openSubject(o *options, rows *harness.Rows, size int) (*subject, error) {
	dir := filepath.Join(o.scratch, fmt.Sprintf("changes-%s-%d", o.name(), size))
	if _, err := os.Stat(dir); errors.Is(err, fs.ErrNotExist) {
		fmt.Fprintf(o.log, "building an index of %d rows\n", size)
		if err := build(o, dir, rows, size); err != nil {
			return nil, err
		}
	}
	ix, err := hannoy.Open(dir, nil)
	if err != nil {
		return nil, err
	}
	s := &subject{index: ix, rows: rows, size: size, next: rows.Count - o.spare(), random: rand.New(rand.NewPCG(uint64(size), 1))}
	return s, s.settle()
}

func build(o *options, dir string, rows *harness.Rows, size int) error {
	metric, err := hannoy.ParseMetric(o.metric)
	if err != nil {
		return err
	}
	ix, err := hannoy.Open(dir+".new", &hannoy.Options{Dimensions: rows.Width, Metric: metric, IDs: true})
	if err != nil {
		return err
	}
	s := &subject{index: ix, rows: rows}
	for s.next < size && err == nil {
		_, err = s.put(min(batchOfFirst, size-s.next))
	}
	if err == nil {
		_, err = ix.Build(ctx, nil)
	}
	if err := errors.Join(err, ix.Close()); err != nil {
		return err
	}
	return os.Rename(dir+".new", dir)
}

// settle removes what an earlier run has put, so that all begin with the same number of
// items, and brings the pages of the file into memory.
func (s *subject) settle() error {
	var extra []uint32
	err := s.index.View(func(v *hannoy.Snapshot) error {
		for item, err := range v.Items() {
			if err != nil {
				return err
			}
			id, err := hannoy.ParseID(item.Key)
			if err != nil {
				return err
			}
			if int(id) >= s.size {
				extra = append(extra, id)
			} else {
				s.keys = append(s.keys, int(id))
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	s.random.Shuffle(len(s.keys), func(i, j int) { s.keys[i], s.keys[j] = s.keys[j], s.keys[i] })
	_, err = s.index.Update(ctx, func(b *hannoy.Batch) error {
		for _, id := range extra {
			if err := b.Delete(hannoy.ID(id)); err != nil {
				return err
			}
		}
		return nil
	})
	if err == nil {
		_, err = s.index.Build(ctx, nil)
	}
	for i := 0; i < warmupQueries && err == nil; i++ {
		_, err = s.index.Search(ctx, s.rows.Row(s.random.IntN(s.rows.Count)).F32, 10, &hannoy.SearchOptions{Ef: 200})
	}
	return err
}

// put puts the next n rows and returns how long the commit took.
func (s *subject) put(n int) (time.Duration, error) {
	start := time.Now()
	_, err := s.index.Update(ctx, func(b *hannoy.Batch) error {
		for i := s.next; i < s.next+n; i++ {
			if err := b.Put(hannoy.ID(uint32(i)), s.rows.Row(i).F32); err != nil {
				return err
			}
		}
		return nil
	})
	s.next += n
	return time.Since(start), err
}

// remove deletes a random item of the first ones.
func (s *subject) remove() (time.Duration, error) {
	id := uint32(s.keys[len(s.keys)-1])
	s.keys = s.keys[:len(s.keys)-1]
	start := time.Now()
	_, err := s.index.Update(ctx, func(b *hannoy.Batch) error { return b.Delete(hannoy.ID(id)) })
	return time.Since(start), err
}

// change makes a change, builds, and tells what that cost.
func (s *subject) change(do func() (time.Duration, error)) (c cost, err error) {
	written := harness.WrittenBytes()
	commit, err := do()
	if err != nil {
		return c, err
	}
	start := time.Now()
	report, err := s.index.Build(ctx, nil)
	if err != nil {
		return c, err
	}
	return cost{
		CommitMS: milliseconds(commit), BuildMS: milliseconds(time.Since(start)),
		Distances: float64(report.Distances), Records: float64(report.RecordsWritten), RecordBytes: float64(report.BytesWritten),
		WrittenBytes: float64(harness.WrittenBytes() - written),
	}, nil
}

func milliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
