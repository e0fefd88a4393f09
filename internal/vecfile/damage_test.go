package vecfile

import (
	"bytes"
	"encoding/binary"
	"errors"
	"slices"
	"strings"
	"testing"
)

// written are the formats that are written too.
func written() []Format {
	return slices.DeleteFunc(Formats(), func(f Format) bool { return f == HNSWLib || f.external() })
}

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
	for _, f := range written() {
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
	case f == CSV || f == TSV: // within the last number too: a record needs no line end
		return cut <= bytes.IndexByte(whole, '\n') || whole[cut-1] >= '0' && whole[cut-1] <= '9' || whole[cut-1] == '\n'
	case f == JSONL:
		return cut == 0 || whole[cut-1] == '\n' || whole[cut] == '\n'
	case f.counted() || f == NPY || f == Rows:
		return false
	}
	return cut == rows*(4+3*int(f.element().Size()))
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

func npyFile(dict string) []byte {
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
		{"npy fortran", NPY, npyFile("{'descr': '<f4', 'fortran_order': True, 'shape': (1, 1), }"), false, "Fortran order"},
		{"npy pickle", NPY, npyFile("{'descr': '|O', 'fortran_order': False, 'shape': (1, 1), }"), false, `numbers of type "|O" are not read`},
		{"npy big endian", NPY, npyFile("{'descr': '>f4', 'fortran_order': False, 'shape': (1, 1), }"), false, `numbers of type ">f4" are not read`},
		{"npy structured", NPY, npyFile("{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (1, 1), }"), false, "structured"},
		{"npy 1-d", NPY, npyFile("{'descr': '<f4', 'fortran_order': False, 'shape': (3,), }"), false, "the array has 1 dimensions, not 2"},
		{"npy no shape", NPY, npyFile("{'descr': '<f4', 'fortran_order': False, }"), false, "lacks descr, fortran_order or shape"},
		{"npy twice", NPY, npyFile("{'descr': '<f4', 'descr': '<f4', }"), false, `names "descr" twice`},
		{"npy overflow", NPY, npyFile("{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999999999999, 1), }"), false, "where a length up to 2^40 belongs"},
		{"npy garbage", NPY, npyFile("{'descr': '<f4', 'fortran_order': Maybe}"), false, "where True or False belongs"},
		{"npy behind", NPY, npyFile("{'descr': '<f4', 'fortran_order': False, 'shape': (0, 1)} + exec"), false, "behind it"},
		{"npy rows", NPY, npyFile("{'descr': '<f8', 'fortran_order': False, 'shape': (1099511627775, 65536), }"), false, "row count 1,099,511,627,775 x 65,536 float64 in header needs"},
		{"jsonl garbage", JSONL, []byte("{\"key\":\"a\",\"vector\":[1]}\n\nhello\n"), false, "row 1, byte 26: line 3: invalid character 'h'"},
		{"jsonl cut", JSONL, []byte(`{"key":"a","vector":[1`), false, "the object has no end: truncated?"},
		{"jsonl two", JSONL, []byte(`{"vector":[1]}{"vector":[1]}`), false, `"{\"vector\":[1]}" follows the object`},
		{"jsonl not text", JSONL, []byte("{\"key\":\"\xff\",\"vector\":[1]}"), false, "it is not UTF-8"},
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
		{"csv number", CSV, []byte("1,2\n3,x\n"), false, `row 1, byte 4: line 2, column 2: "x" is not a finite float32`},
		{"csv not finite", CSV, []byte("1,2\n3,NaN\n"), false, `"NaN" is not a finite float32`},
		{"csv fields", CSV, []byte("1,2\n3\n"), false, "row 1, byte 4: line 2: wrong number of fields"},
		{"csv quote", CSV, []byte("1,2\n\"3,4\n"), false, "line 2: extraneous or missing"},
		{"csv endless quote", CSV, append([]byte("1,2\n\""), bytes.Repeat([]byte{'x'}, maxLine+1<<20)...), false, "is a quote left open?"},
		{"csv misspelt", CSV, []byte("kee,vector\na,1 2\n"), false, `unknown column "kee"`},
		{"csv keys twice", CSV, []byte("key,id,v\na,b,1\n"), false, `the columns "key" and "id" are both for the key`},
		{"csv no numbers", CSV, []byte("key,value\na,b\n"), false, "no column of numbers"},
		{"csv uneven", CSV, []byte("key,vector\na,1 2\nb,[1]\n"), false, "row 1, byte 17: line 3: the vector has 1 dimensions, the first row's has 2"},
		{"csv no bits", CSV, []byte("key,v0\na,1\n"), true, "no column of bits"},
		{"csv labels", CSV, []byte("labels,v\n\"[1]\",2\n"), false, "labels: json"},
		{"hnswlib of nothing", HNSWLib, make([]byte, 200), false, "not an hnswlib index"},
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
