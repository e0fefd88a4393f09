package vecfile

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"os"
	"path/filepath"
	"reflect"
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
			Bits: append([]byte(nil), row.Bits...), Key: bytes.Clone(row.Key), Numeric: row.Numeric, Value: bytes.Clone(row.Value)})
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
	for _, f := range Formats() {
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
	if known := r.Rows() == int64(len(sample)); known != (r.Format() != JSONL && (plain || r.Format().counted() || r.Format() == NPY)) {
		t.Errorf("rows %d", r.Rows())
	}
	if f := r.Fraction(); f != 1 {
		t.Errorf("fraction %v at the end, want 1", f)
	}
}

func TestUnknownRowCountIsPatched(t *testing.T) {
	for _, f := range []Format{FBin, IBin, NPY} {
		r, err := Open(writeSample(t, "x."+string(f), -1), nil)
		if err != nil {
			t.Fatal(err)
		}
		if r.Rows() != int64(len(sample)) {
			t.Errorf("%s: rows %d, want %d", f, r.Rows(), len(sample))
		}
		r.Close()
	}
	_, err := Create(filepath.Join(t.TempDir(), "x.fbin.gz"), &WriterOptions{Dimensions: 3, Rows: -1})
	wantError(t, err, "fbin begins with the row count")
}

func TestBits(t *testing.T) {
	for _, f := range []Format{U8Bin, BVecs, JSONL} {
		path := filepath.Join(t.TempDir(), "x."+string(f))
		w, err := Create(path, &WriterOptions{Dimensions: 2, Rows: 2})
		if err != nil {
			t.Fatal(err)
		}
		for _, row := range [][]byte{{0, 255}, {7, 128}} {
			if err := w.WriteBits(row); err != nil {
				t.Fatal(err)
			}
		}
		if err := w.Close(); err != nil {
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

func TestExpansionIsBounded(t *testing.T) {
	e := &expansion{in: &counter{n: 100}, out: zeros{}, grace: 1 << 20}
	n, err := io.Copy(io.Discard, e)
	if err == nil || !strings.Contains(err.Error(), "not a file of vectors") || n > 2<<20 {
		t.Errorf("%d bytes, %v", n, err)
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

// encoded is the sample in a format.
func encoded(f Format) []byte {
	var b bytes.Buffer
	w, err := Create(Stdin, &WriterOptions{Format: f, Dimensions: 3, Rows: int64(len(sample)), Stdout: &b})
	if err != nil {
		panic(err)
	}
	for _, v := range sample {
		if err := w.WriteVector(v); err != nil {
			panic(err)
		}
	}
	if err := w.Close(); err != nil {
		panic(err)
	}
	return b.Bytes()
}

func openBytes(t *testing.T, f Format, file []byte) *Reader {
	t.Helper()
	r, err := NewReader(bytes.NewReader(file), "x."+string(f), int64(len(file)), &Options{Format: f})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// TestTruncation cuts every format at every byte. As a file of known size the header already tells; as a stream the
// rows before the cut are read and the cut is an error, unless it falls between two rows that nobody counted.
func TestTruncation(t *testing.T) {
	for _, f := range Formats() {
		whole := encoded(f)
		for cut := range len(whole) {
			for _, size := range []int64{int64(cut), -1} {
				r, err := NewReader(bytes.NewReader(whole[:cut]), "x", size, &Options{Format: f})
				var rows []Row
				if err == nil {
					rows, err = readAll(r)
				}
				if err == nil && !endsBetweenRows(f, whole, cut, len(rows)) {
					t.Errorf("%s cut at %d of %d, size %d: no error, %d rows", f, cut, len(whole), size, len(rows))
				}
				var e *Error
				if err != nil && !errors.As(err, &e) {
					t.Errorf("%s cut at %d: %v is not an Error", f, cut, err)
				}
			}
		}
	}
}

func endsBetweenRows(f Format, whole []byte, cut, rows int) bool {
	switch {
	case f == JSONL:
		return cut == 0 || whole[cut-1] == '\n' || whole[cut] == '\n'
	case f.counted() || f == NPY:
		return false
	}
	return cut == rows*(4+3*int(f.element().size()))
}

func wantError(t *testing.T, err error, text string) {
	t.Helper()
	var e *Error
	if !errors.As(err, &e) || !strings.Contains(err.Error(), text) {
		t.Errorf("error is %v\n  want one with %q", err, text)
	}
}

func header32(numbers ...uint32) []byte {
	var b []byte
	for _, n := range numbers {
		b = binary.LittleEndian.AppendUint32(b, n)
	}
	return b
}

func npy(dict string) []byte {
	return append(append([]byte("\x93NUMPY\x01\x00"), byte(len(dict)), byte(len(dict)>>8)), dict...)
}

func TestBadFiles(t *testing.T) {
	tests := []struct {
		name   string
		format Format
		file   []byte
		bits   bool
		want   string
	}{
		{"more rows than bytes", FBin, append(header32(1000, 128), make([]byte, 300000)...), false,
			"row count 1,000 x 128 float32 in header needs 512,008 bytes, file has 300,008"},
		{"hostile rows", FBin, header32(0xffffffff, 65536), false, "needs 1,125,899,906,580,488 bytes, file has 8"},
		{"hostile dimensions", FBin, header32(1, 0xffffffff), false, "the header says 4,294,967,295 dimensions"},
		{"no dimensions", U8Bin, header32(5, 0), false, "the header says 0 dimensions"},
		{"too many bits", U8Bin, header32(1, 8193), true, "8,193 bytes a row, which is not within 1 to 8,192"},
		{"bits of floats", FBin, append(header32(1, 1), 0, 0, 0, 0), true, "holds float32 numbers, not packed bits"},
		{"bytes behind", I8Bin, append(header32(1, 1), 1, 2), false, "needs 9 bytes, file has 10"},
		{"fvecs negative", FVecs, header32(0xffffffff), false, "the header says -1 dimensions"},
		{"fvecs big", FVecs, header32(65537), false, "the header says 65,537 dimensions"},
		{"fvecs cut", FVecs, header32(2, 0, 0, 2, 0), false, "rows of 2 dimensions have 12 bytes each, the file's 20 bytes hold 1 of them and 8 bytes over"},
		{"fvecs uneven", FVecs, header32(2, 0, 0, 3, 0, 0), false, "row 1, byte 12: the row says 3 dimensions, the first row has 2"},
		{"ids as vectors", IVecs, header32(2, 5, 1<<24+1), false, "number 1 is 16,777,217, and a float32 holds integers up to 16,777,216 only"},
		{"npy no magic", NPY, []byte("PK\x03\x04 not npy at all"), false, "not an npy file"},
		{"npy version", NPY, []byte("\x93NUMPY\x09\x00\x00\x00"), false, "npy version 9.0 is unknown"},
		{"npy huge header", NPY, []byte("\x93NUMPY\x02\x00\xff\xff\xff\x7f"), false, "claims 2,147,483,647 bytes, more than 65,536"},
		{"npy cut header", NPY, []byte("\x93NUMPY\x01\x00\xff\x00{"), false, "the npy header ends after 11 bytes"},
		{"npy fortran", NPY, npy("{'descr': '<f4', 'fortran_order': True, 'shape': (1, 1), }"), false, "Fortran order"},
		{"npy pickle", NPY, npy("{'descr': '|O', 'fortran_order': False, 'shape': (1, 1), }"), false, `numbers of type "|O" are not read`},
		{"npy big endian", NPY, npy("{'descr': '>f4', 'fortran_order': False, 'shape': (1, 1), }"), false, `numbers of type ">f4" are not read`},
		{"npy structured", NPY, npy("{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (1, 1), }"), false, "structured"},
		{"npy 1-d", NPY, npy("{'descr': '<f4', 'fortran_order': False, 'shape': (3,), }"), false, "the array has 1 dimensions, not 2"},
		{"npy no shape", NPY, npy("{'descr': '<f4', 'fortran_order': False, }"), false, "lacks descr, fortran_order or shape"},
		{"npy twice", NPY, npy("{'descr': '<f4', 'descr': '<f4', }"), false, `names "descr" twice`},
		{"npy overflow", NPY, npy("{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999999999999, 1), }"), false, "where a length up to 2^40 belongs"},
		{"npy garbage", NPY, npy("{'descr': '<f4', 'fortran_order': Maybe}"), false, "where True or False belongs"},
		{"npy behind", NPY, npy("{'descr': '<f4', 'fortran_order': False, 'shape': (0, 1)} + exec"), false, "behind it"},
		{"npy rows", NPY, npy("{'descr': '<f8', 'fortran_order': False, 'shape': (1099511627775, 65536), }"), false, "row count 1,099,511,627,775 x 65,536 float64 in header needs"},
		{"jsonl garbage", JSONL, []byte("{\"key\":\"a\",\"vector\":[1]}\n\nhello\n"), false, "row 1, byte 26: line 3: invalid character 'h'"},
		{"jsonl cut", JSONL, []byte(`{"key":"a","vector":[1`), false, "the object has no end: truncated?"},
		{"jsonl two", JSONL, []byte(`{"vector":[1]}{"vector":[1]}`), false, `"{\"vector\":[1]}" follows the object`},
		{"jsonl misspelt", JSONL, []byte(`{"vectors":[1]}`), false, `unknown field "vectors"`},
		{"jsonl no vector", JSONL, []byte(`{"key":"a"}`), false, "no vector"},
		{"jsonl empty vector", JSONL, []byte(`{"vector":[]}`), false, "the vector has 0 dimensions"},
		{"jsonl text vector", JSONL, []byte(`{"vector":"1,2"}`), false, "is not an array"},
		{"jsonl big number", JSONL, []byte(`{"vector":[1, 1e39]}`), false, `number 1 is "1e39", not a finite float32`},
		{"jsonl null number", JSONL, []byte(`{"vector":[null]}`), false, `number 0 is "null"`},
		{"jsonl nested", JSONL, []byte(`{"vector":[[1],[2]]}`), false, `number 0 is "[1]"`},
		{"jsonl uneven", JSONL, []byte("{\"vector\":[1]}\n{\"vector\":[1,2]}\n"), false, "row 1, byte 15: line 2: the vector has 2 dimensions, the first row's has 1"},
		{"jsonl key", JSONL, []byte(`{"key":1.5,"vector":[1]}`), false, `key "1.5" is neither a string nor an integer`},
		{"jsonl bits misplaced", JSONL, []byte(`{"bits":"0x00"}`), false, "bits where a vector belongs"},
		{"jsonl bits", JSONL, []byte(`{"bits":"0x0"}`), true, "bits: encoding/hex"},
		{"jsonl no bits", JSONL, []byte(`{"vector":[1]}`), true, "no bits"},
		{"gzip of nothing", FVecs, []byte("\x1f\x8b\x08garbage that goes on"), false, "not a gzip stream"},
		{"zstd of nothing", FVecs, []byte("\x28\xb5\x2f\xfdgarbage that goes on"), false, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r, err := NewReader(bytes.NewReader(tt.file), "x", int64(len(tt.file)), &Options{Format: tt.format, Bits: tt.bits})
			if err == nil {
				_, err = readAll(r)
			}
			wantError(t, err, tt.want)
		})
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
	w, err := Create(filepath.Join(dir, "x.u8bin"), &WriterOptions{Dimensions: 1, Rows: -1})
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
