package vecfile

import (
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

func writeFiles(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestOpenAll(t *testing.T) {
	dir := writeFiles(t, map[string]string{"a1.jsonl": "{\"vector\":[1,2]}\n{\"vector\":[3,4]}\n", "a2.jsonl": "", "a3.csv": "5,6\n", "wide.csv": "1,2,3\n",
		"late.csv": "7,8\n9,x\n", "a4.fbin": string(encoded(FBin))})
	names, err := Expand([]string{dir + "/a[1-3].*", dir + "/late.csv"})
	if err != nil || len(names) != 4 {
		t.Fatalf("%v, %v", names, err)
	}
	r, err := OpenAll(names, &Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	rows, err := readAll(r)
	want := [][]float32{{1, 2}, {3, 4}, {5, 6}, {7, 8}}
	if !reflect.DeepEqual(vectorsOf(rows), want) || rows[3].Number != 3 {
		t.Errorf("%+v", rows)
	}
	// An error is about a row of its file.
	wantError(t, err, `late.csv: row 1, byte 4: line 2, column 2: "x"`)
	if r.Fraction() != 1 || r.Rows() != -1 || r.Dimensions() != 2 {
		t.Errorf("fraction %v, rows %d, dimensions %d", r.Fraction(), r.Rows(), r.Dimensions())
	}
	_, err = OpenAll([]string{names[0], dir + "/wide.csv"}, &Options{})
	wantError(t, err, "wide.csv: rows of 3 dimensions, those of "+names[0]+" have 2")
	_, err = OpenAll([]string{names[0], Stdin}, &Options{})
	wantError(t, err, "standard input cannot be one of several files")
	r, err = OpenAll([]string{dir + "/a4.fbin", dir + "/a4.fbin"}, &Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if r.Rows() != int64(2*len(sample)) {
		t.Errorf("%d rows, want %d", r.Rows(), 2*len(sample))
	}
	first, err := r.Next()
	if err != nil {
		t.Fatal(err)
	}
	for range len(sample) {
		if first, err = r.Next(); err != nil {
			t.Fatal(err)
		}
	}
	if e := r.RowError(first, errors.New("why"), ""); first.Number != 4 || e.Row != 0 {
		t.Errorf("row %d is row %d of its file, want 4 and 0", first.Number, e.Row)
	}
}

func TestExpand(t *testing.T) {
	odd := filepath.Join(t.TempDir(), "[a.fbin") // a file, and no pattern
	if err := os.WriteFile(odd, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	names, err := Expand([]string{"-", filepath.Dir(odd) + "/*.fbin", "a.fbin"})
	if err != nil || strings.Join(names, " ") != "- "+odd+" a.fbin" {
		t.Errorf("%v, %v", names, err)
	}
	_, err = Expand([]string{"none*.fbin"})
	wantError(t, err, "none*.fbin: no file has such a name")
	_, err = Expand([]string{"[.fbin"})
	wantError(t, err, "not a pattern")
}
