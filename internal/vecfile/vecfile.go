// Package vecfile reads and writes files of vectors as streams of rows.
//
// A [Reader] yields one [Row] at a time from a reused buffer, so that memory does not grow with the file.
// What a header claims is compared with the size of the file before anything is allocated for it.
// A [Writer] is its counterpart. gzip and zstd are undone and applied on any format.
//
// The package knows bytes and rows. It does not know metrics, indexes or keys' meaning.
//
// Every error is an [*Error]: the file, the row, the byte offset, the values and, in Hint, the remedy.
package vecfile

import (
	"path/filepath"
	"strings"

	"github.com/hannoydb/hannoy/internal/vecfile/compression"
)

// MaxDimensions is the largest row that is read or written: 65,536 numbers, or 65,536 bits.
const MaxDimensions = 65536

// A Format is a layout of rows.
type Format string

// The formats.
//
//	fvecs bvecs ivecs     each row: int32 d, then d float32, uint8 or int32
//	fbin u8bin i8bin ibin once: uint32 rows, uint32 d; then rows of float32, uint8, int8 or int32
//	npy                   NumPy's array file, two dimensions, C order, of f2 f4 f8 u1 i1 i4 i8
//	jsonl                 a JSON object a line: {"key": "a", "vector": [1, 2], "value": any}, or "bits" for "vector"
//	csv tsv               a table: columns of numbers, with or without names; see [table]
//	rows                  a stream of rows with all that they have: see rows.go
//	parquet hdf5          by the program hannoy-convert; HDF5 is read only, laid out as ann-benchmarks does
//	hnswlib               what hnswlib's saveIndex writes, of float32: vectors and labels, read only
//
// All numbers are little endian. An ibin may carry as many float32 distances after its ids (big-ann's ground truth);
// they are passed over.
const (
	FVecs Format = "fvecs"
	BVecs Format = "bvecs"
	IVecs Format = "ivecs"
	FBin  Format = "fbin"
	U8Bin Format = "u8bin"
	I8Bin Format = "i8bin"
	IBin  Format = "ibin"
	NPY   Format = "npy"
	JSONL Format = "jsonl"
	CSV   Format = "csv"
	TSV   Format = "tsv"

	HNSWLib Format = "hnswlib"
	Rows    Format = "rows"
	Parquet Format = "parquet"
	HDF5    Format = "hdf5"
)

// Formats lists every format, in the order of the documentation.
func Formats() []Format {
	return []Format{FVecs, BVecs, IVecs, FBin, U8Bin, I8Bin, IBin, NPY, JSONL, CSV, TSV, HNSWLib, Rows, Parquet, HDF5}
}

// ParseFormat is the format of that name.
func ParseFormat(name string) (Format, error) {
	for _, f := range Formats() {
		if string(f) == name {
			return f, nil
		}
	}
	switch name {
	case "ndjson":
		return JSONL, nil
	case "hnsw":
		return HNSWLib, nil
	case "h5":
		return HDF5, nil
	}
	return "", &Error{Row: -1, Offset: -1, Problem: "unknown format " + quote(name), Hint: "the formats are " + formatNames()}
}

// FormatOf recognises a format by the extension of a file's name, with or without .gz or .zst after it.
func FormatOf(name string) (Format, error) {
	file, _ := splitPart(name)
	base, _ := compression.Of(filepath.Base(file))
	ext := strings.ToLower(strings.TrimPrefix(filepath.Ext(base), "."))
	if f, err := ParseFormat(ext); err == nil && ext != "" {
		return f, nil
	}
	problem := "the format cannot be told from the extension " + quote("."+ext)
	switch {
	case name == Stdin:
		problem = "the format of standard input must be named"
	case ext == "":
		problem = "the format cannot be told: the name has no extension"
	}
	return "", fileError(name, problem, "add --format with one of "+formatNames())
}

// Keyed reports whether the rows of the format may hold keys, values and labels, as lines of text do.
func (f Format) Keyed() bool {
	return f == JSONL || f == CSV || f == TSV || f == Rows || f == Parquet
}

func formatNames() string {
	names := make([]string, 0, len(Formats()))
	for _, f := range Formats() {
		names = append(names, string(f))
	}
	return strings.Join(names, " ")
}
