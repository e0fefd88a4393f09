package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/hannoydb/hannoy"
	"github.com/hannoydb/hannoy/benchmarks/harness"
)

// hannoyIndex is an index in a directory of its own; the key of a row is its number.
type hannoyIndex struct {
	index   *hannoy.Index
	dir     string
	threads int
	rows    *harness.Rows
	queries *harness.Rows
}

func openHannoy(o *options, rows, queries *harness.Rows) (system, error) {
	metric, err := hannoy.ParseMetric(o.metric)
	if err != nil {
		return nil, err
	}
	codes, err := hannoy.ParseCodes(o.codes)
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp(o.scratch, "churn-hannoy-")
	if err != nil {
		return nil, err
	}
	dimensions := rows.Width
	if rows.Bits != nil {
		dimensions *= 8
	}
	ix, err := hannoy.Open(dir, &hannoy.Options{
		Dimensions: dimensions, Metric: metric, IDs: true, Codes: codes,
		M: o.m, EfConstruction: o.efConstruction,
	})
	if err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	return &hannoyIndex{index: ix, dir: dir, threads: o.threads, rows: rows, queries: queries}, nil
}

func (h *hannoyIndex) apply(remove, insert []int32) (c cost, err error) {
	ctx := context.Background()
	written := harness.WrittenBytes()
	start := time.Now()
	_, err = h.index.Update(ctx, func(b *hannoy.Batch) error {
		for _, row := range remove {
			if err := b.Delete(hannoy.ID(uint32(row))); err != nil {
				return err
			}
		}
		for _, row := range insert {
			if err := h.put(b, row); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return c, err
	}
	committed := time.Now()
	report, err := h.index.Build(ctx, &hannoy.BuildOptions{Threads: h.threads})
	if err != nil {
		return c, err
	}
	return cost{
		CommitMS: milliseconds(committed.Sub(start)), BuildMS: milliseconds(time.Since(committed)),
		Distances: report.Distances, Records: report.RecordsWritten, LinkBytes: report.BytesWritten,
		WrittenBytes: harness.WrittenBytes() - written,
	}, nil
}

func milliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

func (h *hannoyIndex) put(b *hannoy.Batch, row int32) error {
	v := h.rows.Row(int(row))
	if v.Bits != nil {
		return b.PutBits(hannoy.ID(uint32(row)), v.Bits)
	}
	return b.Put(hannoy.ID(uint32(row)), v.F32)
}

func (h *hannoyIndex) search(ef, k int) (found [][]int32, distances float64, err error) {
	var stats hannoy.SearchStats
	o := &hannoy.SearchOptions{Ef: ef, Stats: &stats}
	err = h.index.View(func(s *hannoy.Snapshot) error {
		for q := range h.queries.Count {
			var hits []hannoy.Hit
			var err error
			if v := h.queries.Row(q); v.Bits != nil {
				hits, err = s.SearchBits(context.Background(), v.Bits, k, o)
			} else {
				hits, err = s.Search(context.Background(), v.F32, k, o)
			}
			if err != nil {
				return err
			}
			rows := make([]int32, len(hits))
			for i, hit := range hits {
				id, err := hannoy.ParseID(hit.Key)
				if err != nil {
					return err
				}
				rows[i] = int32(id)
			}
			found = append(found, rows)
			distances += float64(stats.Distances)
		}
		return nil
	})
	return found, distances / float64(h.queries.Count), err
}

func (h *hannoyIndex) inspect() (state, error) {
	stats, err := h.index.Stats()
	if err != nil {
		return state{}, err
	}
	report, err := h.index.Check(context.Background())
	if err != nil {
		return state{}, err
	}
	if !report.Sound {
		return state{}, fmt.Errorf("check of %s: %v", h.dir, report.Problems[0])
	}
	s := state{Unreachable: report.Unreachable, Problems: report.Found, FileBytes: stats.Bytes.File, DataBytes: stats.Bytes.Data}
	if len(stats.Levels) > 0 {
		s.MeanDegree = stats.Levels[0].MeanDegree
	}
	return s, nil
}

func (h *hannoyIndex) close() error {
	return errors.Join(h.index.Close(), os.RemoveAll(h.dir))
}
