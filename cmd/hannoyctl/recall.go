package main

import (
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/hannoydb/hannoy"
	"github.com/hannoydb/hannoy/internal/vecfile"
)

// A truth is who the exact k nearest of each query are, and how far a hit may be that counts as one of them.
type truth struct {
	keys   []map[string]bool
	limits []float64
	k      int
}

// within is the largest distance that still counts as the k-th true one: ann-benchmarks' 1e-3, relative. Cosine
// distances near 0 are the difference of two numbers near 1, hence the absolute part.
func within(metric hannoy.Metric, kth float64) float64 {
	limit := kth + 1e-3*math.Abs(kth)
	if metric == hannoy.Cosine {
		limit += 1e-6
	}
	return limit
}

// truthOf takes the answers of an exact scan for the truth.
func truthOf(metric hannoy.Metric, exact [][]hannoy.Hit) *truth {
	t := &truth{k: len(exact[0])}
	for _, hits := range exact {
		keys := map[string]bool{}
		for _, h := range hits {
			keys[string(h.Key)] = true
		}
		t.keys = append(t.keys, keys)
		t.limits = append(t.limits, within(metric, float64(hits[len(hits)-1].Distance)))
	}
	return t
}

// score fills in the recall: by distance, as ann-benchmarks does, and by key. Nil, there is none.
func (t *truth) score(found [][]hannoy.Hit, f *figures) {
	if t == nil {
		return
	}
	var near, same int
	for q, hits := range found {
		for _, h := range hits {
			if float64(h.Distance) <= t.limits[q] {
				near++
			}
			if t.keys[q][string(h.Key)] {
				same++
			}
		}
	}
	total := float64(len(found) * t.k)
	byDistance, byID := rounded(float64(near)/total, 6), rounded(float64(same)/total, 6)
	f.Recall, f.RecallByID = &byDistance, &byID
}

// truthFlags name the file that holds the truth as row numbers.
type truthFlags struct {
	truth string
	keys  string
}

func (f *truthFlags) addTo(cmd *cobra.Command, text string) {
	cmd.Flags().StringVar(&f.truth, "truth", "", text)
	cmd.Flags().StringVar(&f.keys, "keys", "", "file of keys, one a line, that the truth's row numbers stand for")
}

// read reads the k nearest of each query from an ivecs, ibin or npy file and looks up how far the last of them is.
func (f *truthFlags) read(s *hannoy.Snapshot, ix *hannoy.Index, queries []point, k int) (*truth, error) {
	r, err := vecfile.Open(f.truth, &vecfile.Options{Part: "neighbors"})
	if err != nil {
		return nil, err
	}
	defer r.Close()
	if r.Rows() >= 0 && r.Rows() != int64(len(queries)) {
		return nil, fmt.Errorf("%s has neighbours of %s queries, the input has %s", f.truth, thousands(r.Rows()), thousands(len(queries)))
	}
	if d := r.Dimensions(); d > 0 && d < k {
		return nil, withHint(fmt.Errorf("%s has %d neighbours of each query, -k is %d", f.truth, d, k), "choose a smaller -k, or make the truth with a larger one")
	}
	style := styleOf(ix)
	names, err := readKeys(style, f.keys)
	if err != nil {
		return nil, err
	}
	t := &truth{k: min(k, s.Len())}
	var rows []uint32
	for _, query := range queries {
		if rows, err = r.NextIDs(rows[:0]); err == io.EOF {
			break
		}
		if err != nil {
			return nil, err
		}
		keys := map[string]bool{}
		var last []byte
		for _, row := range rows[:t.k] {
			if last, err = keyOfRow(style, names, row); err != nil {
				return nil, err
			}
			keys[string(last)] = true
		}
		item, err := s.Get(last)
		if errors.Is(err, hannoy.ErrNotFound) {
			return nil, withHint(fmt.Errorf("%s names row %s, and the index has no key %s", f.truth, thousands(int64(rows[t.k-1])), strconv.Quote(style.text(last))),
				"is it the truth of this index? With keys of its own, add --keys FILE")
		}
		if err != nil {
			return nil, err
		}
		t.keys = append(t.keys, keys)
		t.limits = append(t.limits, within(ix.Metric(), distanceOf(ix.Metric(), query, point{vector: item.Vector, bits: item.Bits})))
	}
	if _, err := r.NextIDs(nil); err != io.EOF || len(t.keys) != len(queries) {
		return nil, fmt.Errorf("%s has not neighbours of exactly %s queries", f.truth, thousands(len(queries)))
	}
	return t, nil
}

// keyOfRow is the key of a row number: the line of a file of keys, or without one the number itself.
func keyOfRow(style keyStyle, names [][]byte, row uint32) ([]byte, error) {
	switch {
	case names == nil:
		return style.ofRow(int64(row))
	case int(row) >= len(names):
		return nil, fmt.Errorf("the truth names row %s, the file of keys has %s lines", thousands(int64(row)), thousands(len(names)))
	}
	return names[row], nil
}
