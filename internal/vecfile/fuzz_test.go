package vecfile

import (
	"bytes"
	"reflect"
	"slices"
	"testing"
)

// fuzzFormats reads a file of any bytes in each format of a family, as a file and as a stream. Nothing may panic, no
// row may have other dimensions than the reader says, and a sound file reads alike both ways.
func fuzzFormats(f *testing.F, formats ...Format) {
	smallBuffer(f)
	for _, format := range formats {
		whole := hnswlibFile(f)
		if format != HNSWLib {
			whole = encoded(format)
		}
		f.Add(whole)
		f.Add(whole[:9])
	}
	f.Fuzz(func(t *testing.T, file []byte) {
		for _, format := range formats {
			for _, bits := range []bool{false, true} {
				asFile, errFile := readBytes(t, file, int64(len(file)), format, bits)
				asStream, errStream := readBytes(t, file, -1, format, bits)
				if errFile == nil && (errStream != nil || !reflect.DeepEqual(asFile, asStream)) {
					t.Errorf("%s bits %v: as a file %v, as a stream %v %v", format, bits, asFile, asStream, errStream)
				}
			}
		}
	})
}

// smallBuffer makes rows straddle buffers, and readers cheap to open.
func smallBuffer(f *testing.F) {
	usual := readBuffer
	readBuffer = 64
	f.Cleanup(func() { readBuffer = usual })
}

func readBytes(t *testing.T, file []byte, size int64, format Format, bits bool) ([]string, error) {
	r, err := NewReader(bytes.NewReader(file), "x", size, &Options{Format: format, Bits: bits})
	if err != nil {
		return nil, err
	}
	defer r.Close()
	var out []string
	rows, err := readAll(r)
	for _, row := range rows {
		if len(row.Vector)+8*len(row.Bits) != r.Dimensions() {
			t.Errorf("%s: row %d has %d numbers and %d bytes, the reader says %d", format, row.Number, len(row.Vector), len(row.Bits), r.Dimensions())
		}
		out = append(out, string(row.AppendJSON(nil)))
	}
	return out, err
}

func FuzzVecs(f *testing.F) { fuzzFormats(f, FVecs, BVecs, IVecs) }

func FuzzBin(f *testing.F) { fuzzFormats(f, FBin, U8Bin, I8Bin, IBin) }

func FuzzTable(f *testing.F) {
	f.Add([]byte("key,value,labels,v0\na,\"1,2\",x;y,3\n"))
	f.Add([]byte("id\tvector\n7\t[1, 2]\n"))
	fuzzFormats(f, CSV, TSV)
}

func FuzzRows(f *testing.F) { fuzzFormats(f, Rows) }

func FuzzNPY(f *testing.F) { fuzzFormats(f, NPY) }

// FuzzJSONL adds: a row that was read is written and read back the same.
func FuzzJSONL(f *testing.F) {
	smallBuffer(f)
	f.Add([]byte(`{"key":"a","vector":[1,2.5],"value":{"x":1}}`))
	f.Add([]byte(`{"key_base64":"/wA=","vector":[1],"value_text":"\u0000"}`))
	f.Add([]byte(`{"key":"b","vector":[1],"labels":["lang:en","größe \"xl\""]}`))
	f.Add([]byte(`{"key":-7,"vector":[1e-45],"value_base64":"/w=="}`))
	f.Fuzz(func(t *testing.T, file []byte) {
		r, err := NewReader(bytes.NewReader(file), "x", int64(len(file)), &Options{Format: JSONL})
		if err != nil {
			return
		}
		rows, _ := readAll(r)
		for _, row := range rows {
			line := row.AppendJSON(nil)
			again, err := NewReader(bytes.NewReader(line), "x", -1, &Options{Format: JSONL})
			if err != nil {
				t.Fatalf("%s: %v", line, err)
			}
			back, err := again.Next()
			if err != nil {
				t.Fatalf("%s: %v", line, err)
			}
			if !bytes.Equal(back.Value, row.Value) || !bytes.Equal(back.Key, row.Key) || !reflect.DeepEqual(back.Vector, row.Vector) || !slices.Equal(back.Labels, row.Labels) {
				t.Errorf("%s reads as %+v, not %+v", line, back, row)
			}
		}
	})
}
