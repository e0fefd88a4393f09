package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/hannoydb/hannoy"
	"github.com/hannoydb/hannoy/internal/vecfile"
)

// readPoints reads a whole file of vectors into memory.
func readPoints(ctx context.Context, r *vecfile.Reader) ([]point, error) {
	var points []point
	for ctx.Err() == nil {
		row, err := r.Next()
		if err == io.EOF {
			return points, nil
		}
		if err != nil {
			return nil, err
		}
		points = append(points, point{append([]float32(nil), row.Vector...), bytes.Clone(row.Bits)})
	}
	return nil, ctx.Err()
}

// parseVector reads 0.1,0.2,0.3, with brackets or without.
func parseVector(text string) ([]float32, error) {
	text = strings.TrimSuffix(strings.TrimPrefix(strings.TrimSpace(text), "["), "]")
	var vector []float32
	for i, number := range strings.Split(text, ",") {
		v, err := strconv.ParseFloat(strings.TrimSpace(number), 32)
		if err != nil {
			return nil, withHint(usagef("--vector: number %d is %q", i, strings.TrimSpace(number)), "write --vector 0.1,0.2,0.3")
		}
		vector = append(vector, float32(v))
	}
	return vector, nil
}

// search is a query of either kind.
func (p point) search(ctx context.Context, s *hannoy.Snapshot, k int, opts *hannoy.SearchOptions) ([]hannoy.Hit, error) {
	if p.bits != nil {
		return s.SearchBits(ctx, p.bits, k, opts)
	}
	return s.Search(ctx, p.vector, k, opts)
}

// A truth is the exact nearest rows of each query.
type truth struct {
	file string
	rows [][]uint32
}

// readTruth reads the k nearest of each of n queries from an ivecs, ibin or npy file.
func readTruth(name string, n, k int) (*truth, error) {
	r, err := vecfile.Open(name, nil)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	if r.Rows() >= 0 && r.Rows() != int64(n) {
		return nil, fmt.Errorf("%s has neighbours of %s queries, the input has %s", name, thousands(r.Rows()), thousands(n))
	}
	if d := r.Dimensions(); d > 0 && d < k {
		return nil, withHint(fmt.Errorf("%s has %d neighbours of each query, -k is %d", name, d, k), "choose a smaller -k, or make the truth with a larger one")
	}
	t := &truth{file: name}
	for {
		ids, err := r.NextIDs(nil)
		switch {
		case err == io.EOF && len(t.rows) == n:
			return t, nil
		case err == io.EOF || len(t.rows) == n:
			return nil, fmt.Errorf("%s has not neighbours of exactly %s queries", name, thousands(n))
		case err != nil:
			return nil, err
		}
		t.rows = append(t.rows, ids[:k])
	}
}

// rowKeys gives the keys of row numbers: the numbers themselves, or the lines of a file.
type rowKeys struct {
	style keyStyle
	names [][]byte // nil: numbers
}

func readRowKeys(style keyStyle, name string) (*rowKeys, error) {
	keys := &rowKeys{style: style}
	if name == "" {
		return keys, nil
	}
	file, err := openKeys(name, -1)
	if err != nil {
		return nil, err
	}
	defer file.close()
	for {
		line, err := file.next()
		if err == io.EOF {
			return keys, nil
		}
		if err != nil {
			return nil, err
		}
		key, err := style.parse(bytes.Clone(line))
		if err != nil {
			return nil, fmt.Errorf("%s, line %s: %w", name, thousands(file.read), err)
		}
		keys.names = append(keys.names, key)
	}
}

func (r *rowKeys) key(row uint32) ([]byte, error) {
	if r.names == nil {
		return r.style.ofRow(int64(row))
	}
	if int64(row) >= int64(len(r.names)) {
		return nil, fmt.Errorf("the truth names row %s, the file of keys has %s lines", thousands(int64(row)), thousands(len(r.names)))
	}
	return r.names[row], nil
}

// recall scores the hits of every query against the truth: by distance, as ann-benchmarks does, and by key.
func (t *truth) recall(s *hannoy.Snapshot, metric hannoy.Metric, keys *rowKeys, queries []point, found [][]hannoy.Hit, k int) (byDistance, byID float64, err error) {
	k = min(k, s.Len())
	var near, same int
	for q, rows := range t.rows {
		wanted := map[string]bool{}
		for _, row := range rows[:k] {
			key, err := keys.key(row)
			if err != nil {
				return 0, 0, err
			}
			wanted[string(key)] = true
		}
		kth, err := keys.key(rows[k-1])
		if err != nil {
			return 0, 0, err
		}
		item, err := s.Get(kth)
		if errors.Is(err, hannoy.ErrNotFound) {
			return 0, 0, withHint(fmt.Errorf("%s names row %s, and the index has no key %s", t.file, thousands(int64(rows[k-1])), strconv.Quote(keys.style.text(kth))),
				"is it the truth of this index? With keys of its own, add --keys FILE")
		}
		if err != nil {
			return 0, 0, err
		}
		limit := within(metric, distanceOf(metric, queries[q], point{item.Vector, item.Bits}))
		for _, hit := range found[q] {
			if float64(hit.Distance) <= limit {
				near++
			}
			if wanted[string(hit.Key)] {
				same++
			}
		}
	}
	total := float64(len(t.rows) * k)
	return float64(near) / total, float64(same) / total, nil
}
