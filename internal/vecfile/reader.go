package vecfile

import (
	"bufio"
	"io"

	"github.com/hannoydb/hannoy/internal/vecfile/compression"
	"github.com/hannoydb/hannoy/internal/vecfile/element"
)

// A Row is one vector of a file with what the format knows of it.
type Row struct {
	File    string    // that it is in
	Number  int64     // from 0; counts on from file to file
	before  int64     // rows in the files before this one
	Offset  int64     // of its first byte, after decompression
	Vector  []float32 // nil when the reader reads bits
	Bits    []byte    // nil unless the reader reads bits
	Key     []byte    // nil when the row has none, as in formats of vectors alone
	Numeric bool      // the key is a number
	Value   []byte    // of JSONL: the JSON as it stands in the line; nil when there is none or it is null
	Labels  []string  // as they stand in the row; the slice is the caller's
}

// A Reader yields the rows of one file in order. It is for one goroutine.
type Reader struct {
	file     string
	format   Format
	bits     bool
	keysOnly bool
	skip     func(*Error)
	columns  []string // role=name
	metric   string   // that the file names
	rows     int64
	dims     int
	size     int64
	raw      *compression.Counter // before decompression: for Fraction
	src      *bufio.Reader        // after it
	offset   int64                // read from src so far
	number   int64                // of the next row
	decoder  decoder
	chained  *chain // nil: one file
	row      Row
	peeked   bool // row holds the next row already
	closers  []func()
}

// A decoder reads one row after another into r.row. It returns io.EOF at a sound end only.
type decoder interface {
	next(row *Row) error
}

// Format is the layout that is being read.
func (r *Reader) Format() Format { return r.format }

// Rows is how many rows the file holds; -1 when only reading it to the end will tell.
func (r *Reader) Rows() int64 { return r.rows }

// Dimensions is the length of a row, in bits when the reader reads bits. It is 0 for a JSONL stream or an fvecs
// file without rows, and for lines that hold keys only.
func (r *Reader) Dimensions() int { return r.dims }

// Metric is the metric that the file names, as this project calls it; empty when it names none.
func (r *Reader) Metric() string { return r.metric }

// Fraction is how much of the file has been read, 0 to 1, compressed bytes counting; -1 when its size is unknown.
func (r *Reader) Fraction() float64 {
	if r.size <= 0 {
		return -1
	}
	read := int64(0)
	if r.chained != nil {
		read = r.chained.bytes()
	} else {
		read = r.raw.N
	}
	return min(1, float64(read)/float64(r.size))
}

// Next is the next row, or io.EOF. The row and its slices are valid until the next call.
func (r *Reader) Next() (*Row, error) {
	if r.peeked {
		r.peeked = false
		return &r.row, nil
	}
	for {
		r.row.File, r.row.Number, r.row.Offset = r.file, r.number, r.offset
		err := r.decoder.next(&r.row)
		if err == nil {
			r.number++
			return &r.row, nil
		}
		if r.skip == nil || !isBadRow(err) {
			return nil, err
		}
		r.number = r.row.Number + 1
		r.skip(err.(*Error))
	}
}

func isBadRow(err error) bool {
	e, ok := err.(*Error)
	return ok && e.bad
}

// Seen is how many rows have been read, bad ones counting.
func (r *Reader) Seen() int64 {
	if r.chained != nil {
		return r.chained.rows + r.chained.now.number
	}
	return r.number
}

// peek reads the first row ahead: for the formats whose dimensions stand in their rows.
func (r *Reader) peek() error {
	_, err := r.Next()
	if err == io.EOF {
		return nil
	}
	r.peeked = err == nil
	return err
}

// NextIDs appends the next row's numbers to dst as ids, for ground truth in ivecs, ibin or npy. At the end: io.EOF.
func (r *Reader) NextIDs(dst []uint32) ([]uint32, error) {
	if s, ok := r.decoder.(*rows); ok && s.h.Kind == "ids" {
		return s.nextIDs(dst)
	}
	f, ok := r.decoder.(*fixed)
	if !ok || (f.elem != element.Int32 && f.elem != element.Int64) {
		return dst, fileError(r.file, "holds no ids: "+string(r.format)+" is a format of vectors",
			"neighbours' row numbers come as ivecs, ibin, npy of i4 or i8, or in HDF5")
	}
	return f.nextIDs(dst)
}

// RowError wraps err, which a row of this file has caused, with the file and the place.
func (r *Reader) RowError(row *Row, err error, hint string) *Error {
	return &Error{File: row.File, Row: row.Number - row.before, Offset: row.Offset, Problem: err.Error(), Hint: hint, Err: err}
}

// Close releases the file.
func (r *Reader) Close() error {
	for _, f := range r.closers {
		f()
	}
	r.closers = nil
	return nil
}
