package vecfile

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"github.com/hannoydb/hannoy/internal/vecfile/compression"
)

// Stdin is the name of standard input, and of standard output for a [Writer].
const Stdin = "-"

// Options of [Open]. The zero value reads vectors of numbers in the format of the file's extension.
type Options struct {
	Format   Format       // empty: by extension
	Bits     bool         // a row is packed bits: uint8 formats, or "bits" in JSONL. Dimensions count bits.
	KeysOnly bool         // JSONL rows need no vector
	Skip     func(*Error) // called with each bad row, which is then passed over; nil: a bad row is an error
	Part     string       // dataset of an HDF5 file whose name does not say: "train" if empty
	Columns  []string     // of a table or parquet file: role=name, the roles being key, value, labels, vector and bits
	Stdin    io.Reader    // what "-" reads; nil: os.Stdin
}

// Open opens a file of vectors. "-" is standard input, whose format must be named.
func Open(name string, opts *Options) (*Reader, error) {
	var o Options
	if opts != nil {
		o = *opts
	}
	if o.Format == "" {
		format, err := FormatOf(name)
		if err != nil {
			return nil, err
		}
		o.Format = format
	}
	if o.Format.external() {
		return openExternal(name, &o)
	}
	if name == Stdin {
		stdin := o.Stdin
		if stdin == nil {
			stdin = os.Stdin
		}
		return NewReader(stdin, name, -1, &o)
	}
	file, size, err := openFile(name)
	if err != nil {
		return nil, err
	}
	r, err := NewReader(file, name, size, &o)
	if err != nil {
		file.Close()
		return nil, err
	}
	r.closers = append(r.closers, func() { file.Close() })
	return r, nil
}

// openFile opens a regular file or a pipe; the size of a pipe is unknown, -1.
func openFile(name string) (*os.File, int64, error) {
	file, err := os.Open(name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, 0, &Error{File: name, Row: -1, Offset: -1, Problem: "there is no such file", Hint: "check the path", Err: fs.ErrNotExist}
	case errors.Is(err, fs.ErrPermission):
		return nil, 0, &Error{File: name, Row: -1, Offset: -1, Problem: "no permission to read it", Err: fs.ErrPermission}
	case err != nil:
		return nil, 0, &Error{File: name, Row: -1, Offset: -1, Problem: err.Error(), Err: err}
	}
	info, err := file.Stat()
	if err == nil && info.IsDir() {
		err = errors.New("is a directory, not a file of vectors")
	}
	if err != nil {
		file.Close()
		return nil, 0, &Error{File: name, Row: -1, Offset: -1, Problem: err.Error(), Err: err}
	}
	if !info.Mode().IsRegular() {
		return file, -1, nil
	}
	return file, info.Size(), nil
}

// NewReader reads vectors from src. name is for errors and for the compression; size is that of src in bytes,
// -1 when unknown. opts.Format must be set. The caller closes src after the Reader.
func NewReader(src io.Reader, name string, size int64, opts *Options) (*Reader, error) {
	r := &Reader{file: name, format: opts.Format, bits: opts.Bits, keysOnly: opts.KeysOnly, skip: opts.Skip, columns: opts.Columns, rows: -1, size: size}
	r.raw = &compression.Counter{Source: src}
	if err := r.open(name, size); err != nil {
		r.Close()
		return nil, err
	}
	return r, nil
}

// open undoes the compression, reads the header and, where only the first row tells the dimensions, that row.
func (r *Reader) open(name string, size int64) error {
	buffered := bufio.NewReaderSize(r.raw, readBuffer)
	_, c := compression.Of(name)
	if c == compression.None {
		c = r.sniff(buffered, size)
	}
	if c != compression.None {
		out, release, err := compression.Decompress(buffered, c)
		if err != nil {
			return &Error{File: name, Row: -1, Offset: 0, Problem: err.Error(), Err: err,
				Hint: "is the file whole, and is the extension right?"}
		}
		r.closers = append(r.closers, release)
		buffered, size = bufio.NewReaderSize(out, readBuffer), -1
	}
	r.src = buffered
	switch r.format {
	case JSONL:
		r.decoder = &lines{r: r}
		return r.peek()
	case CSV, TSV:
		t := newTable(r)
		r.decoder = t
		if err := t.open(); err != nil {
			return err
		}
		return r.peek()
	case Rows:
		s := &rows{r: r}
		r.decoder = s
		return s.open()
	case HNSWLib:
		h := &hnswlib{r: r}
		r.decoder = h
		return h.open(size)
	}
	f := &fixed{r: r}
	r.decoder = f
	return f.open(size)
}

// readBuffer is large enough for few system calls and small beside everything else. Only tests change it.
var readBuffer = 256 << 10

// sniff looks for a compression that the name does not tell. The row count of a binary file may look like gzip's
// first bytes (559,903 rows do), so a header that agrees with the file's size has the last word.
func (r *Reader) sniff(buffered *bufio.Reader, size int64) compression.Kind {
	head, _ := buffered.Peek(8)
	c := compression.Sniff(head)
	if c != compression.None && size >= 0 && len(head) == 8 && r.format.counted() {
		l := countedLayout(r.format, head)
		if l.dims <= MaxDimensions && l.rows*l.rowBytes()+l.headerBytes == size {
			return compression.None
		}
	}
	return c
}

// badRow is an error of one row, behind which the next one can be read.
func (r *Reader) badRow(row *Row, hint, format string, args ...any) *Error {
	e := r.errorAt(row.Number, row.Offset, hint, format, args...)
	e.bad = true
	return e
}

// errorAt is an error at a place in the file.
func (r *Reader) errorAt(row, offset int64, hint, format string, args ...any) *Error {
	return &Error{File: r.file, Row: row, Offset: offset, Problem: fmt.Sprintf(format, args...), Hint: hint}
}
