package measure

import (
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/hannoydb/hannoy"
	"github.com/hannoydb/hannoy/cmd/hannoyctl/internal/operand"
	"github.com/hannoydb/hannoy/cmd/hannoyctl/internal/terminal"
	"github.com/hannoydb/hannoy/internal/vecfile"
)

// A Truth is who the exact k nearest of each query are, and how far a hit may be that counts as one of them.
type Truth struct {
	keys   []map[string]bool
	limits []float64
	k      int
}

// Within is the largest distance that still counts as the k-th true one: ann-benchmarks' 1e-3, relative. Cosine
// distances near 0 are the difference of two numbers near 1, hence the absolute part.
func Within(metric hannoy.Metric, kth float64) float64 {
	limit := kth + 1e-3*math.Abs(kth)
	if metric == hannoy.Cosine {
		limit += 1e-6
	}
	return limit
}

// TruthOf takes the answers of an exact scan for the truth.
func TruthOf(metric hannoy.Metric, exact [][]hannoy.Hit) *Truth {
	t := &Truth{k: len(exact[0])}
	for _, hits := range exact {
		keys := map[string]bool{}
		for _, h := range hits {
			keys[string(h.Key)] = true
		}
		t.keys = append(t.keys, keys)
		t.limits = append(t.limits, Within(metric, float64(hits[len(hits)-1].Distance)))
	}
	return t
}

// Score fills in the recall: by distance, as ann-benchmarks does, and by key. Nil, there is none.
func (t *Truth) Score(found [][]hannoy.Hit, f *Figures) {
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
	byDistance, byID := terminal.Rounded(float64(near)/total, 6), terminal.Rounded(float64(same)/total, 6)
	f.Recall, f.RecallByID = &byDistance, &byID
}

// TruthFlags name the file that holds the truth as row numbers.
type TruthFlags struct {
	Truth string
	keys  string
}

// AddTo declares --truth, with its help, and --keys.
func (f *TruthFlags) AddTo(cmd *cobra.Command, text string) {
	cmd.Flags().StringVar(&f.Truth, "truth", "", text)
	cmd.Flags().StringVar(&f.keys, "keys", "", "file of keys, one a line, that the truth's row numbers stand for")
}

// Read reads the k nearest of each query from an ivecs, ibin or npy file and looks up how far the last of them is.
func (f *TruthFlags) Read(s *hannoy.Snapshot, ix *hannoy.Index, queries []Point, k int) (*Truth, error) {
	r, err := vecfile.Open(f.Truth, &vecfile.Options{Part: "neighbors"})
	if err != nil {
		return nil, err
	}
	defer r.Close()
	if r.Rows() >= 0 && r.Rows() != int64(len(queries)) {
		return nil, fmt.Errorf("%s has neighbours of %s queries, the input has %s", f.Truth, terminal.Thousands(r.Rows()), terminal.Thousands(len(queries)))
	}
	if d := r.Dimensions(); d > 0 && d < k {
		return nil, terminal.WithHint(fmt.Errorf("%s has %d neighbours of each query, -k is %d", f.Truth, d, k), "choose a smaller -k, or make the truth with a larger one")
	}
	style := operand.StyleOf(ix)
	names, err := operand.ReadKeys(style, f.keys)
	if err != nil {
		return nil, err
	}
	t := &Truth{k: min(k, s.Len())}
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
			return nil, terminal.WithHint(fmt.Errorf("%s names row %s, and the index has no key %s", f.Truth, terminal.Thousands(int64(rows[t.k-1])), strconv.Quote(style.Text(last))),
				"is it the truth of this index? With keys of its own, add --keys FILE")
		}
		if err != nil {
			return nil, err
		}
		t.keys = append(t.keys, keys)
		t.limits = append(t.limits, Within(ix.Metric(), DistanceOf(ix.Metric(), query, Point{Vector: item.Vector, Bits: item.Bits})))
	}
	if _, err := r.NextIDs(nil); err != io.EOF || len(t.keys) != len(queries) {
		return nil, fmt.Errorf("%s has not neighbours of exactly %s queries", f.Truth, terminal.Thousands(len(queries)))
	}
	return t, nil
}

// keyOfRow is the key of a row number: the line of a file of keys, or without one the number itself.
func keyOfRow(style operand.KeyStyle, names [][]byte, row uint32) ([]byte, error) {
	switch {
	case names == nil:
		return style.OfRow(int64(row))
	case int(row) >= len(names):
		return nil, fmt.Errorf("the truth names row %s, the file of keys has %s lines", terminal.Thousands(int64(row)), terminal.Thousands(len(names)))
	}
	return names[row], nil
}
