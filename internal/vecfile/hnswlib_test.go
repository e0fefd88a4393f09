package vecfile

import (
	"bytes"
	"encoding/binary"
	"os"
	"reflect"
	"strconv"
	"testing"
)

func hnswlibFile(t testing.TB) []byte {
	t.Helper()
	file, err := os.ReadFile("testdata/index.hnswlib")
	if err != nil {
		t.Fatal(err)
	}
	return file
}

// TestHNSWLib reads what hnswlib 0.6.2 has written: testdata/hnswlib.cc.
func TestHNSWLib(t *testing.T) {
	file := hnswlibFile(t)
	for _, size := range []int64{int64(len(file)), -1} {
		r, err := NewReader(bytes.NewReader(file), "x", size, &Options{Format: HNSWLib})
		if err != nil {
			t.Fatal(err)
		}
		rows, err := readAll(r)
		if err != nil || len(rows) != 59 || r.Dimensions() != 4 {
			t.Fatalf("%d rows, %v, %d dimensions", len(rows), err, r.Dimensions())
		}
		for at, row := range rows {
			i := at
			if i >= 5 {
				i++ // the fifth is marked deleted
			}
			want := []float32{float32(i), float32(i * i % 17), -float32(i) / 4, 1}
			if string(row.Key) != strconv.Itoa(1000+3*i) || !row.Numeric || !reflect.DeepEqual(row.Vector, want) {
				t.Errorf("row %d is %s %v, want %d %v", at, row.Key, row.Vector, 1000+3*i, want)
			}
		}
	}
	r, err := Open("testdata/empty.hnswlib", nil)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if rows, err := readAll(r); err != nil || len(rows) != 0 {
		t.Errorf("an empty index has rows %v, %v", rows, err)
	}
}

// TestHNSWLibDamage cuts the file at every byte and makes every field of its header large.
func TestHNSWLibDamage(t *testing.T) {
	whole := hnswlibFile(t)
	read := func(file []byte, size int64) error {
		r, err := NewReader(bytes.NewReader(file), "x", size, &Options{Format: HNSWLib})
		if err == nil {
			_, err = readAll(r)
		}
		return err
	}
	for cut := range len(whole) {
		for _, size := range []int64{int64(cut), -1} {
			if err := read(whole[:cut], size); err == nil {
				t.Errorf("cut at %d, size %d: no error", cut, size)
			}
		}
	}
	wantError(t, read(append(bytes.Clone(whole), 1), -1), "more bytes follow")
	for _, field := range []int{0, 2, 3, 4, 5, 8} {
		for _, value := range []uint64{0xffffffffffffffff, 0x7fffffffffffffff, 1 << 32, 70000, 13} {
			file := bytes.Clone(whole)
			binary.LittleEndian.PutUint64(file[8*field:], value)
			if err := read(file, int64(len(file))); err == nil {
				t.Errorf("field %d is %d: no error", field, value)
			}
		}
	}
}

func FuzzHNSWLib(f *testing.F) { fuzzFormats(f, HNSWLib) }
