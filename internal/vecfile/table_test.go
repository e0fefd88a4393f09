package vecfile

import (
	"bytes"
	"reflect"
	"strings"
	"testing"
)

func TestTable(t *testing.T) {
	for _, tt := range []struct {
		name, text string
		format     Format
		bits       bool
		want       []Row
	}{
		{"numbers alone", "1, 2.5\n-3,4e2\n", CSV, false, []Row{{Vector: []float32{1, 2.5}}, {Number: 1, Offset: 7, Vector: []float32{-3, 400}}}},
		{"a column a number", "\ufeffkey,x,y,value\na,1,2,\"some, \"\"text\"\"\"\nb,3,4,\n", CSV, false, []Row{
			{Offset: 17, Key: []byte("a"), Vector: []float32{1, 2}, Value: []byte(`some, "text"`)},
			{Number: 1, Offset: 40, Key: []byte("b"), Vector: []float32{3, 4}}}},
		{"one field", "ID\tVector\tLabels\n7\t[1, 2]\tlang:en; draft\n8\t3 4\t\"[\"\"a;b\"\"]\"\n9\t[5 6]\t\n", TSV, false, []Row{
			{Offset: 17, Key: []byte("7"), Vector: []float32{1, 2}, Labels: []string{"lang:en", "draft"}},
			{Number: 1, Offset: 41, Key: []byte("8"), Vector: []float32{3, 4}, Labels: []string{"a;b"}},
			{Number: 2, Offset: 59, Key: []byte("9"), Vector: []float32{5, 6}}}},
		{"bits", "key,bits\na,0x00ff\nb,AP8=\n", CSV, true, []Row{
			{Offset: 9, Key: []byte("a"), Bits: []byte{0, 255}}, {Number: 1, Offset: 18, Key: []byte("b"), Bits: []byte{0, 255}}}},
		{"no rows", "key,x\n", CSV, false, nil},
		{"nothing", "", CSV, false, nil},
	} {
		r, err := NewReader(strings.NewReader(tt.text), "x", -1, &Options{Format: tt.format, Bits: tt.bits})
		if err != nil {
			t.Errorf("%s: %v", tt.name, err)
			continue
		}
		if rows, err := readAll(r); err != nil || !reflect.DeepEqual(rows, tt.want) {
			t.Errorf("%s:\ngot  %+v, %v\nwant %+v", tt.name, rows, err, tt.want)
		}
	}
}

func TestTableRoundTrip(t *testing.T) {
	rows := []Row{
		{Key: []byte("a,b\t\"c\""), Value: []byte("{\"x\": [1, 2]}\n"), Vector: []float32{1, -2.5e-3}, Labels: []string{"lang:en", "draft"}},
		{Number: 1, Key: []byte("größe"), Vector: []float32{3, 1e30}, Labels: []string{"a;b", "[c", " d "}},
	}
	for _, format := range []Format{CSV, TSV} {
		var file bytes.Buffer
		w, err := Create(Stdin, &WriterOptions{Format: format, Rows: 2, Stdout: &file})
		if err != nil {
			t.Fatal(err)
		}
		for i := range rows {
			if err := w.WriteRow(&rows[i]); err != nil {
				t.Fatal(err)
			}
		}
		wantError(t, w.WriteRow(&Row{Key: []byte{255}}), "write jsonl")
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		got, err := readAll(openBytes(t, format, file.Bytes()))
		if err != nil {
			t.Fatal(err)
		}
		for i := range got {
			got[i].Offset = 0
		}
		if !reflect.DeepEqual(got, rows) {
			t.Errorf("%s:\ngot  %+v\nwant %+v\n%s", format, got, rows, file.Bytes())
		}
	}
}

// TestSkip passes over rows that are bad in themselves, and over no others.
func TestSkip(t *testing.T) {
	for format, text := range map[Format]string{
		JSONL: "hello\n{\"vector\":[1,2]}\n{\"vector\":[1]}\n{\"vector\":[1,1e99]}\n{\"vector\":[3,4]}\n",
		CSV:   "key,vector\na,x\nb,1 2\nc,1\nd\ne,3 4\n",
		IVecs: string(header32(2, 1<<30, 0, 2, 1, 2, 2, 0, 1<<30, 2, 1<<30, 0, 2, 3, 4)),
	} {
		var skipped []int64
		r, err := NewReader(strings.NewReader(text), "x", -1, &Options{Format: format, Skip: func(e *Error) { skipped = append(skipped, e.Row) }})
		if err != nil {
			t.Fatal(err)
		}
		rows, err := readAll(r)
		if err != nil || !reflect.DeepEqual(vectorsOf(rows), [][]float32{{1, 2}, {3, 4}}) || rows[1].Number != 4 || !reflect.DeepEqual(skipped, []int64{0, 2, 3}) {
			t.Errorf("%s: %+v, %v, skipped %v", format, rows, err, skipped)
		}
	}
	r, err := NewReader(strings.NewReader(string(header32(2, 1, 2, 2, 1))), "x", -1, &Options{Format: IVecs, Skip: func(e *Error) { t.Error(e) }})
	if err != nil {
		t.Fatal(err)
	}
	_, err = readAll(r)
	wantError(t, err, "the row needs 12 bytes, 8 are there")
}
