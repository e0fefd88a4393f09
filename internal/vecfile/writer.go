package vecfile

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

// WriterOptions of [Create].
type WriterOptions struct {
	Format     Format    // empty: by extension
	Dimensions int       // numbers in a row, bytes when rows are packed bits; JSONL needs none
	Rows       int64     // how many rows will come
	Stdout     io.Writer // what "-" writes; nil: os.Stdout
}

// A Writer writes the rows of one file. A named file appears, whole, when Close succeeds: until then the rows are
// in a temporary file beside it.
type Writer struct {
	name   string
	format Format
	elem   element
	dims   int
	want   int64 // rows announced
	rows   int64
	temp   *os.File // nil when writing to standard output
	zip    io.WriteCloser
	out    *bufio.Writer
	buf    []byte
	err    error
}

// Create begins a file.
func Create(name string, opts *WriterOptions) (*Writer, error) {
	w := &Writer{name: name, format: opts.Format, dims: opts.Dimensions, want: opts.Rows}
	if w.format == "" {
		format, err := FormatOf(name)
		if err != nil {
			return nil, err
		}
		w.format = format
	}
	w.elem = w.format.element()
	if w.format != JSONL && (w.dims < 1 || w.dims > MaxDimensions) {
		return nil, fileError(name, fmt.Sprintf("cannot write rows of %d dimensions", w.dims), "")
	}
	_, c := compressionOf(name)
	var dst io.Writer = opts.Stdout
	if dst == nil {
		dst = os.Stdout
	}
	if name != Stdin {
		temp, err := os.CreateTemp(filepath.Dir(name), "."+filepath.Base(name)+".*")
		if err != nil {
			return nil, &Error{File: name, Row: -1, Offset: -1, Problem: err.Error(), Err: err}
		}
		w.temp, dst = temp, temp
	}
	zip, err := compressWriter(dst, c)
	if err != nil {
		w.Abort()
		return nil, w.wrap(err)
	}
	w.zip = zip
	w.out = bufio.NewWriterSize(zip, readBuffer)
	switch {
	case w.format == NPY:
		w.writeBytes(npyHeader(w.want, w.dims))
	case w.format.counted():
		w.writeBytes(binary.LittleEndian.AppendUint32(nil, uint32(w.want)))
		w.writeBytes(binary.LittleEndian.AppendUint32(nil, uint32(w.dims)))
	}
	return w, nil
}

// WriteVector writes a row of numbers. A number that the format cannot hold exactly is an error.
func (w *Writer) WriteVector(vector []float32) error {
	if w.format == JSONL {
		return w.WriteLine((&Row{Vector: vector}).AppendJSON(nil))
	}
	if err := w.begin(len(vector)); err != nil {
		return err
	}
	for i, v := range vector {
		if !w.elem.fits(v) {
			w.err = fmt.Errorf("row %s: number %d is %v, which %s cannot hold", commas(w.rows), i, v, w.elem)
			return w.wrap(w.err)
		}
		w.buf = w.elem.appendElement(w.buf, v)
	}
	return w.end()
}

// WriteIDs writes a row of ids, to ivecs or ibin.
func (w *Writer) WriteIDs(ids []uint32) error {
	if w.elem != int32Element {
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
	for _, step := range []func() error{w.out.Flush, w.zip.Close, w.publish} {
		if w.err == nil {
			w.err = step()
		}
	}
	if w.err != nil {
		w.Abort()
	}
	return w.wrap(w.err)
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
