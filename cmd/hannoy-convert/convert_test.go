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

// rowsOf runs the command and decodes what it writes.
func rowsOf(t *testing.T, args ...string) (header, []row, error) {
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
	for _, file := range []string{"tiny", "v108", "latest"} {
		parts := []string{"train"}
		switch file {
		case "tiny":
			parts = append(parts, "packed", "narrow", "lzf", "growing", "big")
		case "v108":
			parts = append(parts, "packed")
		}
		for _, part := range parts {
			h, rows, err := rowsOf(t, "-part", part, "testdata/"+file+".hdf5")
			if err != nil || h.Dimensions != 3 || h.Rows != 40 || h.Kind != kindFloats || len(rows) != 40 {
				t.Fatalf("%s %s: %+v, %d rows, %v", file, part, h, len(rows), err)
			}
			if file == "tiny" && h.Metric != "cosine" {
				t.Errorf("metric %q", h.Metric)
			}
			for i, r := range rows {
				if want := tiny(i); !reflect.DeepEqual(r.vector, want) {
					t.Errorf("%s %s row %d is %v, want %v", file, part, i, r.vector, want)
				}
			}
		}
	}
}

// tiny is a row of train.
func tiny(i int) (v []float32) {
	for j := range 3 {
		v = append(v, float32((3*i+j)%17)+float32(i)/64)
	}
	return v
}

// TestHDF5Integers reads whole numbers as such, as bits and as ids.
func TestHDF5Integers(t *testing.T) {
	_, rows, err := rowsOf(t, "-part", "small", "testdata/tiny.hdf5")
	if err != nil || len(rows) != 40 {
		t.Fatal(len(rows), err)
	}
	for i, r := range rows {
		if want := []float32{64*tiny(i)[0] - 300, 64*tiny(i)[1] - 300}; !reflect.DeepEqual(r.vector, want) {
			t.Errorf("row %d is %v, want %v", i, r.vector, want)
		}
	}
	h, rows, err := rowsOf(t, "-bits", "-part", "bytes", "testdata/tiny.hdf5")
	if err != nil || h.Kind != kindBits || len(rows) != 40 || !bytes.Equal(rows[39].raw, []byte{117, 118, 119}) {
		t.Errorf("%+v, %d rows, %v", h, len(rows), err)
	}
	if _, _, err := rowsOf(t, "-bits", "-part", "small", "testdata/tiny.hdf5"); err == nil || !strings.Contains(err.Error(), "row 0: number 0 is -300, not a byte") {
		t.Error(err)
	}
	var out bytes.Buffer
	if err := run([]string{"read", "-part", "neighbors", "testdata/tiny.hdf5"}, nil, &out); err != nil || !strings.Contains(out.String(), `"rows":5,"kind":"ids"`) {
		t.Error(err)
	}
}

// TestHDF5Refused: what is not read says what it is and what to do, rather than being read as if it were something else.
func TestHDF5Refused(t *testing.T) {
	for _, x := range []struct{ file, part, want string }{
		{"tiny", "flat", "dataset flat: it is not of two dimensions, but of 1"},
		{"tiny", "none", "the file has big, bytes, distances, flat"},
		{"tiny", "scaled", "filter 6 of HDF5 is not read (gzip, lzf, shuffle and fletcher32 are): h5repack -f NONE OLD NEW takes it out"},
		{"tiny", "holes", "row 0: the chunk with number 0 of it was never written"},
		{"latest", "packed", "its layout (class 2, version 4) is not read: h5repack -l CONTI OLD NEW writes one that is"},
	} {
		if _, _, err := rowsOf(t, "-part", x.part, "testdata/"+x.file+".hdf5"); err == nil || !strings.Contains(err.Error(), x.want) {
			t.Errorf("%s %s: %v, want %q", x.file, x.part, err, x.want)
		}
	}
}

// TestHDF5Damage cuts the files everywhere and flips bits: an error or rows, no panic.
func TestHDF5Damage(t *testing.T) {
	name := filepath.Join(t.TempDir(), "x.hdf5")
	for _, file := range []string{"tiny", "v108"} {
		whole, err := os.ReadFile("testdata/" + file + ".hdf5")
		if err != nil {
			t.Fatal(err)
		}
		for cut := 0; cut < len(whole); cut += 151 {
			for _, damaged := range [][]byte{whole[:cut], flipped(whole, cut)} {
				if err := os.WriteFile(name, damaged, 0o600); err != nil {
					t.Fatal(err)
				}
				for _, part := range []string{"train", "packed", "narrow", "lzf"} {
					var out bytes.Buffer
					_ = run([]string{"read", "-part", part, name}, nil, &out)
				}
			}
		}
	}
}

// TestLZF expands what other programs may have written, or damaged.
func TestLZF(t *testing.T) {
	for _, x := range []struct {
		data string
		want string // "": damaged
	}{
		{"\x02abc", "abc"},
		{"\x00a\x20\x00", "aaaa"},              // three more, from one back
		{"\x01ab\xe0\x01\x01", "abababababab"}, // 7 + 1 + 2
		{"\x03abc", ""},
		{"\x00a\x20\x01", ""},
		{"\x00a\xe0", ""},
		{"\x00a\xe0\xff\x00", ""}, // more than there is room for
	} {
		dst := make([]byte, 16)
		if n, err := expandLZF(dst, []byte(x.data)); string(dst[:n]) != x.want || (err == nil) != (x.want != "") {
			t.Errorf("%q: %q, %v", x.data, dst[:n], err)
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
		h, rows, err := rowsOf(t, writeFile(t, plain, options...))
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
	_, rows, err := rowsOf(t, writeFile(t, []nullableRow{{Key: &key, Vector: []*float32{&one, &one}, Value: &seven}, {Vector: []*float32{&one, &one}}}))
	if want := []row{{key: []byte("a"), value: []byte("7"), vector: []float32{1, 1}}, {vector: []float32{1, 1}}}; err != nil || !reflect.DeepEqual(rows, want) {
		t.Errorf("%+v, %v", rows, err)
	}
}

// TestParquetDamage: an error or rows, no panic.
func TestParquetDamage(t *testing.T) {
	var rows []plainRow
	for i := range 200 {
		rows = append(rows, plainRow{int64(i), []float64{float64(i), 0.5}, "l"})
	}
	name := writeFile(t, rows, parquet.PageBufferSize(512))
	whole, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	for cut := 0; cut < len(whole); cut += 71 {
		for _, damaged := range [][]byte{whole[:cut], flipped(whole, cut)} {
			if err := os.WriteFile(name, damaged, 0o600); err != nil {
				t.Fatal(err)
			}
			var out bytes.Buffer
			_ = run([]string{"read", name}, nil, &out)
		}
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
	if _, _, err := rowsOf(t, "-columns", "vector=emb", name); err == nil || !strings.Contains(err.Error(), "no column emb: the file has key, value, vector") && !strings.Contains(err.Error(), "no column emb: the file has key, vector, value") {
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
