package vecfile

import (
	"bufio"
	"encoding/binary"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/hannoydb/hannoy/internal/vecfile/compression"
	"github.com/hannoydb/hannoy/internal/vecfile/converter"
	"github.com/hannoydb/hannoy/internal/vecfile/element"
	"github.com/hannoydb/hannoy/internal/vecfile/npy"
)

// WriterOptions of [Create].
type WriterOptions struct {
	Format     Format    // empty: by extension
	Dimensions int       // numbers in a row, bytes when rows are packed bits; formats of text need none
	Numbers    Numbers   // of an npy file
	Bits       bool      // rows are packed bits
	Rows       int64     // how many rows will come
	Stdout     io.Writer // what "-" writes; nil: os.Stdout
}

// Numbers is a type of numbers that an npy file may hold.
type Numbers uint8

// The types. A vector with a number that the type does not hold exactly is refused.
const (
	Float32 Numbers = iota
	Float16
	Int8
	Uint8
)

func (n Numbers) element() element.Type {
	return [...]element.Type{element.Float32, element.Float16, element.Int8, element.Uint8}[n]
}

// A Writer writes the rows of one file. A named file appears, whole, when Close succeeds: until then the rows are
// in a temporary file beside it.
type Writer struct {
	name    string
	format  Format
	elem    element.Type
	dims    int
	want    int64 // rows announced
	rows    int64
	temp    *os.File // nil when writing to standard output
	zip     io.WriteCloser
	out     *bufio.Writer
	process *converter.Process // that makes the file out of rows; nil: none
	table   *csv.Writer        // of CSV and TSV
	keyed   bool               // the rows of the table have keys
	fields  []string           // scratch
	buf     []byte
	err     error
}

// Create begins a file.
func Create(name string, opts *WriterOptions) (*Writer, error) {
	w := &Writer{name: name, format: opts.Format, dims: opts.Dimensions, want: opts.Rows}
	if name == Stdin {
		w.name = "standard output"
	}
	if w.format == "" {
		format, err := FormatOf(name)
		if err != nil {
			return nil, err
		}
		w.format = format
	}
	if w.format == HNSWLib || w.format == HDF5 {
		return nil, fileError(w.name, string(w.format)+" files are read, not written", "write fbin, npy, parquet, csv or jsonl")
	}
	if w.elem = w.format.element(); w.format == NPY {
		w.elem = opts.Numbers.element()
	}
	if (!w.format.Keyed() || w.format == Rows || w.format == Parquet) && (w.dims < 1 || w.dims > MaxDimensions) {
		return nil, fileError(w.name, fmt.Sprintf("cannot write rows of %d dimensions", w.dims), "")
	}
	_, c := compression.Of(name)
	var dst io.Writer = opts.Stdout
	if dst == nil {
		dst = os.Stdout
	}
	if name != Stdin {
		temp, err := os.CreateTemp(filepath.Dir(name), "."+filepath.Base(name)+".*")
		if err != nil {
			var at *fs.PathError
			if errors.As(err, &at) {
				err = at.Err // whose path is the temporary file's
			}
			return nil, w.wrap(err)
		}
		w.temp, dst = temp, temp
	}
	if w.format == Parquet {
		if err := w.convert(); err != nil {
			w.Abort()
			return nil, err
		}
		w.format, dst, c = Rows, w.process, compression.None
	}
	zip, err := compression.NewWriter(dst, c)
	if err != nil {
		w.Abort()
		return nil, w.wrap(err)
	}
	w.zip = zip
	w.out = bufio.NewWriterSize(zip, readBuffer)
	switch {
	case w.format == CSV || w.format == TSV:
		w.table = csv.NewWriter(w.out)
		if w.format == TSV {
			w.table.Comma = '\t'
		}
	case w.format == Rows:
		w.writeBytes(rowsHead(opts))
	case w.format == NPY:
		w.writeBytes(npy.Header(w.elem, w.want, w.dims))
	case w.format.counted():
		w.writeBytes(binary.LittleEndian.AppendUint32(nil, uint32(w.want)))
		w.writeBytes(binary.LittleEndian.AppendUint32(nil, uint32(w.dims)))
	}
	return w, nil
}

// WriteRow writes a row: all of it where the format holds it, else its vector, or its bits as bytes.
func (w *Writer) WriteRow(row *Row) error {
	switch {
	case w.format == JSONL:
		return w.WriteLine(row.AppendJSON(nil))
	case w.table != nil:
		return w.writeRecord(row)
	case w.format == Rows:
		if err := w.begin(len(row.Vector) + len(row.Bits)); err != nil {
			return err
		}
		w.buf = appendRow(w.buf, row)
		return w.end()
	case row.Bits == nil:
		return w.WriteVector(row.Vector)
	case w.elem != element.Uint8:
		return fileError(w.name, string(w.format)+" does not hold bits", "write u8bin, bvecs, npy of u1, csv or jsonl")
	}
	if err := w.begin(len(row.Bits)); err != nil {
		return err
	}
	w.buf = append(w.buf, row.Bits...)
	return w.end()
}

// writeRecord writes a row of a table, and the names of the columns before the first one.
func (w *Writer) writeRecord(row *Row) error {
	if w.rows == 0 {
		w.keyed = row.Key != nil
		w.err = w.table.Write(tableHead(row, w.keyed))
	}
	record, err := tableRow(w.fields[:0], row, w.keyed)
	if err != nil {
		return w.wrap(fmt.Errorf("row %s: %w", commas(w.rows), err))
	}
	w.fields = record
	if w.err == nil {
		w.err = w.table.Write(record)
	}
	w.rows++
	return w.wrap(w.err)
}

// WriteVector writes a row of numbers. A number that the format cannot hold exactly is an error.
func (w *Writer) WriteVector(vector []float32) error {
	if w.format.Keyed() {
		return w.WriteRow(&Row{Vector: vector})
	}
	if err := w.begin(len(vector)); err != nil {
		return err
	}
	for i, v := range vector {
		if !w.elem.Fits(v) {
			w.err = fmt.Errorf("row %s: number %d is %v, which %s cannot hold", commas(w.rows), i, v, w.elem)
			return w.wrap(w.err)
		}
		w.buf = w.elem.AppendElement(w.buf, v)
	}
	return w.end()
}

// WriteIDs writes a row of ids, to ivecs or ibin.
func (w *Writer) WriteIDs(ids []uint32) error {
	if w.elem != element.Int32 {
		return fileError(w.name, "cannot write ids as "+string(w.format), "write ibin or ivecs")
	}
	if err := w.begin(len(ids)); err != nil {
		return err
	}
	for _, id := range ids {
		w.buf = binary.LittleEndian.AppendUint32(w.buf, id)
	}
	return w.end()
}

// WriteLine writes a line of JSONL as it is given, without its newline.
func (w *Writer) WriteLine(line []byte) error {
	if w.format != JSONL {
		return fileError(w.name, "only JSONL holds keys and values", "")
	}
	w.buf = append(append(w.buf[:0], line...), '\n')
	return w.end()
}

// begin checks the length of a row and writes what stands before its numbers.
func (w *Writer) begin(dims int) error {
	if dims != w.dims {
		return fileError(w.name, fmt.Sprintf("row %s has %d dimensions, the file has %d", commas(w.rows), dims, w.dims), "")
	}
	w.buf = w.buf[:0]
	if w.format == FVecs || w.format == BVecs || w.format == IVecs {
		w.buf = binary.LittleEndian.AppendUint32(w.buf, uint32(dims))
	}
	return nil
}

func (w *Writer) end() error {
	w.writeBytes(w.buf)
	w.rows++
	return w.wrap(w.err)
}

// writeBytes keeps the first error for end and Close.
func (w *Writer) writeBytes(b []byte) {
	if w.err == nil {
		_, w.err = w.out.Write(b)
	}
}

// Close ends the file and puts it in its place.
func (w *Writer) Close() error {
	if w.err == nil && w.want != w.rows {
		w.err = fmt.Errorf("%s rows were announced, %s were written", commas(w.want), commas(w.rows))
	}
	for _, step := range []func() error{w.flush, w.out.Flush, w.zip.Close, w.wait, w.publish} {
		if w.err == nil {
			w.err = step()
		}
	}
	if w.err != nil {
		w.Abort()
	}
	return w.wrap(w.err)
}

// flush ends what stands in the format itself.
func (w *Writer) flush() error {
	if w.table != nil {
		w.table.Flush()
		return w.table.Error()
	}
	if w.format == Rows {
		w.writeBytes(binary.LittleEndian.AppendUint64([]byte{rowsEnd}, uint64(w.rows)))
	}
	return w.err
}

// convert starts the converter, which writes the temporary file from the rows that it is sent.
func (w *Writer) convert() error {
	if w.temp == nil {
		return fileError(w.name, "parquet is not written to standard output", "name a file")
	}
	p, err := startConverter(w.name, Parquet, "write", w.temp.Name())
	w.process = p
	return err
}

// wait waits until the converter, if there is one, has written all.
func (w *Writer) wait() error {
	if w.process == nil {
		return nil
	}
	return w.process.Wait()
}

func (w *Writer) publish() error {
	if w.temp == nil {
		return nil
	}
	// CreateTemp makes files private; a file of vectors is an ordinary one.
	if err := w.temp.Chmod(0o644); err != nil {
		return err
	}
	if err := w.temp.Close(); err != nil {
		return err
	}
	name := w.temp.Name()
	w.temp = nil
	if err := os.Rename(name, w.name); err != nil {
		os.Remove(name)
		return err
	}
	return nil
}

// Abort gives the file up. It may be called after Close, where it does nothing.
func (w *Writer) Abort() {
	if w.process != nil {
		w.process.Kill()
	}
	if w.temp != nil {
		w.temp.Close()
		os.Remove(w.temp.Name())
		w.temp = nil
	}
}

func (w *Writer) wrap(err error) error {
	if err == nil {
		return nil
	}
	return &Error{File: w.name, Row: -1, Offset: -1, Problem: err.Error(), Err: err}
}
