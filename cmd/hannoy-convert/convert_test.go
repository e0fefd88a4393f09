package main

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/parquet-go/parquet-go"
)

// read runs the command and decodes what it writes.
func read(t *testing.T, args ...string) (header, []row, error) {
	t.Helper()
	var out bytes.Buffer
	if err := run(append([]string{"read"}, args...), nil, &out); err != nil {
		return header{}, nil, err
	}
	r, err := newRowReader(bufio.NewReader(&out))
	if err != nil {
		t.Fatal(err)
	}
	var rows []row
	for {
		x, err := r.next()
		if err == io.EOF {
			return r.h, rows, nil
		}
		if err != nil {
			t.Fatal(err)
		}
		rows = append(rows, x)
	}
}

// TestHDF5 reads what h5py has written: testdata/tiny.py.
func TestHDF5(t *testing.T) {
	for _, part := range []string{"train", "packed"} {
		h, rows, err := read(t, "-part", part, "testdata/tiny.hdf5")
		if err != nil || h != (header{Dimensions: 3, Rows: 40, Kind: "f32", Metric: "cosine"}) || len(rows) != 40 {
			t.Fatalf("%s: %+v, %d rows, %v", part, h, len(rows), err)
		}
		for i, r := range rows {
			var want []float32
			for j := range 3 {
				want = append(want, float32((3*i+j)%17)+float32(i)/64)
			}
			if !reflect.DeepEqual(r.vector, want) {
				t.Errorf("%s row %d is %v, want %v", part, i, r.vector, want)
			}
		}
	}
	for part, want := range map[string]string{"flat": "not of two dimensions", "none": "the file has distances, flat"} {
		if _, _, err := read(t, "-part", part, "testdata/tiny.hdf5"); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", part, err, want)
		}
	}
}

// TestHDF5Damage cuts the file everywhere and flips bits: an error or rows, no panic.
func TestHDF5Damage(t *testing.T) {
	whole, err := os.ReadFile("testdata/tiny.hdf5")
	if err != nil {
		t.Fatal(err)
	}
	name := filepath.Join(t.TempDir(), "x.hdf5")
	for cut := 0; cut < len(whole); cut += 97 {
		for _, file := range [][]byte{whole[:cut], flipped(whole, cut)} {
			if err := os.WriteFile(name, file, 0o600); err != nil {
				t.Fatal(err)
			}
			var out bytes.Buffer
			_ = run([]string{"read", name}, nil, &out)
		}
	}
}

func flipped(whole []byte, at int) []byte {
	file := bytes.Clone(whole)
	file[at] ^= 0x40
	return file
}

type plainRow struct {
	ID        int64     `parquet:"id"`
	Embedding []float64 `parquet:"embedding,list,dict"`
	Label     string    `parquet:"label"`
}

type nullableRow struct {
	Key    *string    `parquet:"key,optional"`
	Vector []*float32 `parquet:"vector,list"`
	Value  *int64     `parquet:"value,optional"`
}

func writeFile[T any](t *testing.T, rows []T, options ...parquet.WriterOption) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "x.parquet")
	if err := parquet.WriteFile(name, rows, options...); err != nil {
		t.Fatal(err)
	}
	return name
}

func TestParquet(t *testing.T) {
	var plain []plainRow
	for i := range 1000 {
		plain = append(plain, plainRow{int64(i), []float64{float64(i % 7), 0.5, -1}, fmt.Sprintf("l%d", i%3)})
	}
	for _, options := range [][]parquet.WriterOption{
		{parquet.MaxRowsPerRowGroup(300), parquet.PageBufferSize(512), parquet.Compression(&parquet.Zstd)},
		{parquet.DataPageVersion(1), parquet.PageBufferSize(1000), parquet.Compression(&parquet.Gzip)},
	} {
		h, rows, err := read(t, writeFile(t, plain, options...))
		if err != nil || h.Rows != 1000 || h.Dimensions != 3 || len(rows) != 1000 {
			t.Fatalf("%+v, %d rows, %v", h, len(rows), err)
		}
		for i, r := range rows {
			want := row{key: fmt.Append(nil, i), numeric: true, labels: []string{fmt.Sprintf("l%d", i%3)}, vector: []float32{float32(i % 7), 0.5, -1}}
			if !reflect.DeepEqual(r, want) {
				t.Fatalf("row %d is %+v, want %+v", i, r, want)
			}
		}
	}
	key, one, seven := "a", float32(1), int64(7)
	_, rows, err := read(t, writeFile(t, []nullableRow{{Key: &key, Vector: []*float32{&one, &one}, Value: &seven}, {Vector: []*float32{&one, &one}}}))
	if want := []row{{key: []byte("a"), value: []byte("7"), vector: []float32{1, 1}}, {vector: []float32{1, 1}}}; err != nil || !reflect.DeepEqual(rows, want) {
		t.Errorf("%+v, %v", rows, err)
	}
}

// TestParquetBadRows hands rows of other dimensions on as such.
func TestParquetBadRows(t *testing.T) {
	one := float32(1)
	name := writeFile(t, []nullableRow{{Vector: []*float32{&one, &one}}, {Vector: []*float32{&one, nil}}})
	var out bytes.Buffer
	if err := run([]string{"read", name}, nil, &out); err != nil || !strings.Contains(out.String(), "the vector has 1 dimensions, the first row's has 2") {
		t.Errorf("%q, %v", out.String(), err)
	}
	if _, _, err := read(t, "-columns", "vector=emb", name); err == nil || !strings.Contains(err.Error(), "no column emb: the file has key, value, vector") && !strings.Contains(err.Error(), "no column emb: the file has key, vector, value") {
		t.Error(err)
	}
}

func TestUsage(t *testing.T) {
	for _, args := range [][]string{nil, {"read"}, {"frob", "x"}, {"read", "-nope", "x"}} {
		if err := run(args, nil, io.Discard); err == nil || !strings.HasPrefix(err.Error(), "usage: ") {
			t.Errorf("%q: %v", args, err)
		}
	}
}
