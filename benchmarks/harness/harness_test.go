package harness

import (
	"encoding/binary"
	"math"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"
)

func TestRowsAreReadAsWritten(t *testing.T) {
	dir := t.TempDir()
	rows := &Rows{Count: 2, Width: 3, F32: []float32{1, 2.5, -3, 4, math.Pi, 6}}
	if err := WriteRows(filepath.Join(dir, "base.fbin"), rows); err != nil {
		t.Fatal(err)
	}
	got, err := ReadRows(dir, "base", "euclidean", 0)
	if err != nil || !slices.Equal(got.F32, rows.F32) || got.Width != 3 {
		t.Fatalf("%+v, %v", got, err)
	}
	if got, err = ReadRows(dir, "base", "euclidean", 1); err != nil || got.Count != 1 || len(got.F32) != 3 {
		t.Fatalf("limited to 1: %+v, %v", got, err)
	}
	if _, err := ReadRows(dir, "base", "hamming", 0); err == nil {
		t.Error("numbers were read as bits")
	}
}

func TestBytesAreNumbersOrBits(t *testing.T) {
	dir := t.TempDir()
	raw := binary.LittleEndian.AppendUint32(nil, 1)
	raw = append(binary.LittleEndian.AppendUint32(raw, 2), 7, 255)
	if err := os.WriteFile(filepath.Join(dir, "base.u8bin"), raw, 0o600); err != nil {
		t.Fatal(err)
	}
	numbers, err := ReadRows(dir, "base", "euclidean", 0)
	if err != nil || !slices.Equal(numbers.F32, []float32{7, 255}) {
		t.Errorf("%+v, %v", numbers, err)
	}
	bits, err := ReadRows(dir, "base", "hamming", 0)
	if err != nil || !slices.Equal(bits.Row(0).Bits, []byte{7, 255}) {
		t.Errorf("%+v, %v", bits, err)
	}
}

// echo finds the row whose number is the query's first number, and no other.
type echo struct{}

func (echo) SetEf(int) error { return nil }
func (echo) Close() error    { return nil }
func (echo) Search(found []int32, query Vector, _ int) ([]int32, error) {
	return append(found, int32(query.F32[0])), nil
}

func TestMeasureKeepsTheAnswersOfAllQueries(t *testing.T) {
	queries := &Rows{Count: 3, Width: 1, F32: []float32{5, 6, 7}}
	point, answers, err := measure(echo{}, queries, 2, 2, time.Millisecond)
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(answers, []int32{5, -1, 6, -1, 7, -1}) {
		t.Errorf("answers %v", answers)
	}
	if point.Queries < 3 || point.Seconds < 0.001 || point.P99US < point.P50US {
		t.Errorf("%+v", point)
	}
}
