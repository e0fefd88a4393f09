package vecfile

import (
	"bytes"
	"encoding/binary"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
)

// rows that every format of vectors can hold: small integers.
var sample = [][]float32{{0, 1, 2}, {3, 4, 5}, {100, 127, 6}, {7, 8, 9}}

func writeSample(t *testing.T, name string, rows int64) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	w, err := Create(path, &WriterOptions{Dimensions: 3, Rows: rows})
	if err != nil {
		t.Fatal(err)
	}
	defer w.Abort()
	for _, v := range sample {
		if err := w.WriteVector(v); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return path
}

func readAll(r *Reader) ([]Row, error) {
	var out []Row
	for {
		row, err := r.Next()
		if err == io.EOF {
			return out, nil
		}
		if err != nil {
			return out, err
		}
		out = append(out, Row{Number: row.Number, Offset: row.Offset, Vector: append([]float32(nil), row.Vector...),
			Bits: append([]byte(nil), row.Bits...), Key: bytes.Clone(row.Key), Numeric: row.Numeric, Value: bytes.Clone(row.Value), Labels: slices.Clone(row.Labels)})
	}
}

func vectorsOf(rows []Row) [][]float32 {
	var out [][]float32
	for _, r := range rows {
		out = append(out, r.Vector)
	}
	return out
}

func TestRoundTrip(t *testing.T) {
	for _, f := range written() {
		for _, suffix := range []string{"", ".gz", ".zst"} {
			t.Run(string(f)+suffix, func(t *testing.T) {
				path := writeSample(t, "x."+string(f)+suffix, int64(len(sample)))
				for _, renamed := range []string{path, path + ".raw"} {
					opts := &Options{Format: f}
					if err := os.Rename(path, renamed); err != nil && renamed != path {
						t.Fatal(err)
					}
					checkSample(t, renamed, opts, suffix == "")
				}
			})
		}
	}
}

// checkSample reads the sample back; under a name without .gz the magic alone tells the compression.
func checkSample(t *testing.T, path string, opts *Options, plain bool) {
	t.Helper()
	r, err := Open(path, opts)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	rows, err := readAll(r)
	if err != nil {
		t.Fatal(err)
	}
	if got := vectorsOf(rows); !reflect.DeepEqual(got, sample) {
		t.Errorf("got %v, want %v", got, sample)
	}
	if r.Dimensions() != 3 {
		t.Errorf("dimensions %d, want 3", r.Dimensions())
	}
	if known := r.Rows() == int64(len(sample)); known != (r.Format() == Rows || !r.Format().Keyed() && (plain || r.Format().counted() || r.Format() == NPY)) {
		t.Errorf("rows %d", r.Rows())
	}
	if f := r.Fraction(); f != 1 {
		t.Errorf("fraction %v at the end, want 1", f)
	}
}

func TestBits(t *testing.T) {
	for f, file := range map[Format][]byte{
		U8Bin: append(header32(2, 2), 0, 255, 7, 128),
		BVecs: {2, 0, 0, 0, 0, 255, 2, 0, 0, 0, 7, 128},
		JSONL: []byte(`{"bits": "AP8="}` + "\n" + `{"bits": "0x0780"}`),
	} {
		path := filepath.Join(t.TempDir(), "x."+string(f))
		if err := os.WriteFile(path, file, 0o600); err != nil {
			t.Fatal(err)
		}
		r, err := Open(path, &Options{Bits: true})
		if err != nil {
			t.Fatal(err)
		}
		rows, err := readAll(r)
		if err != nil || len(rows) != 2 || !bytes.Equal(rows[1].Bits, []byte{7, 128}) || rows[1].Vector != nil || r.Dimensions() != 16 {
			t.Errorf("%s: %v, %v, dimensions %d", f, rows, err, r.Dimensions())
		}
		r.Close()
	}
}

func TestIDs(t *testing.T) {
	for _, name := range []string{"gt.ibin", "gt.ivecs", "gt.ibin.zst"} {
		path := filepath.Join(t.TempDir(), name)
		w, err := Create(path, &WriterOptions{Dimensions: 2, Rows: 2})
		if err != nil {
			t.Fatal(err)
		}
		want := [][]uint32{{1, 1 << 31}, {3, 4294967295}}
		for _, ids := range want {
			if err := w.WriteIDs(ids); err != nil {
				t.Fatal(err)
			}
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		r, err := Open(path, nil)
		if err != nil {
			t.Fatal(err)
		}
		for _, w := range want {
			if got, err := r.NextIDs(nil); err != nil || !reflect.DeepEqual(got, w) {
				t.Errorf("%s: %v %v, want %v", name, got, err, w)
			}
		}
		if _, err := r.NextIDs(nil); err != io.EOF {
			t.Errorf("%s: %v, want EOF", name, err)
		}
		r.Close()
	}
	r := openBytes(t, FBin, encoded(FBin))
	_, err := r.NextIDs(nil)
	wantError(t, err, "holds no ids")
}

// TestDistancesBehindIDs reads big-ann's ground truth, in which distances follow all the ids.
func TestDistancesBehindIDs(t *testing.T) {
	file := append(encoded(IBin), make([]byte, 4*3*len(sample))...)
	for _, size := range []int64{int64(len(file)), -1} {
		r, err := NewReader(bytes.NewReader(file), "gt.ibin", size, &Options{Format: IBin})
		if err != nil {
			t.Fatal(err)
		}
		if rows, err := readAll(r); err != nil || len(rows) != len(sample) {
			t.Errorf("size %d: %d rows, %v", size, len(rows), err)
		}
	}
	_, err := NewReader(bytes.NewReader(file[:len(file)-1]), "gt.ibin", int64(len(file)-1), &Options{Format: IBin})
	wantError(t, err, "row count 4 x 3 int32 in header needs 56 bytes, file has 103")
}

// TestGzipLookalike has a row count whose bytes are gzip's magic.
func TestGzipLookalike(t *testing.T) {
	file := binary.LittleEndian.AppendUint32(nil, 0x00088b1f)
	file = binary.LittleEndian.AppendUint32(file, 1)
	file = append(file, make([]byte, 0x00088b1f)...)
	r, err := NewReader(bytes.NewReader(file), "x.u8bin", int64(len(file)), &Options{Format: U8Bin})
	if err != nil {
		t.Fatal(err)
	}
	if r.Rows() != 559903 {
		t.Errorf("rows %d", r.Rows())
	}
}

func TestJSONL(t *testing.T) {
	text := `{"key":"a b","vector":[1,-2.5e-3],"value":{"x": [1, 2]}}
{"key":7,"vector":[3,4]}

{"vector":[5,6],"value":null}
{"key_base64":"/wA=","vector":[7,8],"value_text":"plain"}
{"key":"","vector":[9,1],"value_base64":"/w=="}`
	r, err := NewReader(strings.NewReader(text), "x", -1, &Options{Format: JSONL})
	if err != nil {
		t.Fatal(err)
	}
	rows, err := readAll(r)
	if err != nil {
		t.Fatal(err)
	}
	want := []Row{
		{Number: 0, Offset: 0, Key: []byte("a b"), Vector: []float32{1, -2.5e-3}, Value: []byte(`{"x": [1, 2]}`)},
		{Number: 1, Offset: 57, Key: []byte("7"), Numeric: true, Vector: []float32{3, 4}},
		{Number: 2, Offset: 83, Vector: []float32{5, 6}},
		{Number: 3, Offset: 113, Key: []byte{255, 0}, Vector: []float32{7, 8}, Value: []byte("plain")},
		{Number: 4, Offset: 171, Key: []byte{}, Vector: []float32{9, 1}, Value: []byte{255}},
	}
	if !reflect.DeepEqual(rows, want) {
		t.Errorf("got  %+v\nwant %+v", rows, want)
	}
}

func TestFormatOf(t *testing.T) {
	for name, want := range map[string]Format{"a/b.fbin": FBin, "B.NPY": NPY, "x.jsonl.gz": JSONL, "x.ndjson.zst": JSONL, "x.ivecs": IVecs} {
		if got, err := FormatOf(name); err != nil || got != want {
			t.Errorf("%s: %v %v, want %v", name, got, err, want)
		}
	}
	for _, name := range []string{"-", "x", "x.txt", "x.gz", "x."} {
		_, err := FormatOf(name)
		wantError(t, err, "format")
	}
}

func TestOpenErrors(t *testing.T) {
	dir := t.TempDir()
	_, err := Open(filepath.Join(dir, "none.fbin"), nil)
	wantError(t, err, "there is no such file")
	_, err = Open(dir, &Options{Format: FBin})
	wantError(t, err, "is a directory")
	_, err = Open(Stdin, nil)
	wantError(t, err, "the format of standard input must be named")
}

func TestWriterLeavesNothingBehind(t *testing.T) {
	dir := t.TempDir()
	w, err := Create(filepath.Join(dir, "x.u8bin"), &WriterOptions{Dimensions: 1, Rows: 1})
	if err != nil {
		t.Fatal(err)
	}
	wantError(t, w.WriteVector([]float32{256}), "row 0: number 0 is 256, which uint8 cannot hold")
	wantError(t, w.Close(), "cannot hold")
	w.Abort()
	if names, _ := os.ReadDir(dir); len(names) != 0 {
		t.Errorf("left behind: %v", names)
	}
}
