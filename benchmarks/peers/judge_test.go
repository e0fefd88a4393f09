package main

import (
	"encoding/binary"
	"os"
	"path/filepath"
	"testing"

	"github.com/hannoydb/hannoy/benchmarks/harness"
)

// TestScore covers a tie at the k-th place, which counts by distance and not by
// identity, a row found twice and a row that is missing.
func TestScore(t *testing.T) {
	j := &judge{
		metric: "euclidean", k: 2,
		base:     &harness.Rows{Count: 4, Width: 1, F32: []float32{0, 1, -1, 5}},
		queries:  &harness.Rows{Count: 3, Width: 1, F32: []float32{0, 0, 0}},
		nearest:  [][]int32{{0, 1}, {0, 1}, {0, 1}},
		farthest: []float64{1, 1, 1},
	}
	path := filepath.Join(t.TempDir(), "answers")
	var raw []byte
	for _, found := range []int32{0, 2, 0, 0, 3, -1} {
		raw = binary.LittleEndian.AppendUint32(raw, uint32(found))
	}
	if err := os.WriteFile(path, raw, 0o600); err != nil {
		t.Fatal(err)
	}
	got, err := j.score(path, []int{10})
	if err != nil {
		t.Fatal(err)
	}
	if want := (recall{Ef: 10, WithDistance: 3. / 6, WithID: 2. / 6}); got[0] != want {
		t.Errorf("%+v, want %+v", got[0], want)
	}
}

func TestFindNearestSortsByDistanceAndRow(t *testing.T) {
	j := &judge{
		metric: "hamming", k: 3,
		base:    &harness.Rows{Count: 4, Width: 1, Bits: []byte{0b1111, 0b0001, 0b0010, 0b0000}},
		queries: &harness.Rows{Count: 1, Width: 1, Bits: []byte{0}},
	}
	j.findNearest()
	if got := j.nearest[0]; got[0] != 3 || got[1] != 1 || got[2] != 2 {
		t.Errorf("nearest %v, want 3, 1, 2", got)
	}
}
