package vecfile

import (
	"encoding/binary"
	"errors"
	"io"

	"github.com/hannoydb/hannoy/internal/vecfile/element"
)

// A layout says where the numbers of a file of fixed-width rows lie.
type layout struct {
	headerBytes int64
	prefixed    bool // each row begins with its own int32 dimensions
	elem        element.Type
	dims        int64
	rows        int64 // -1: the header does not say
}

func (l layout) rowBytes() int64 {
	n := l.dims * l.elem.Size()
	if l.prefixed {
		n += 4
	}
	return n
}

// counted reports whether the format begins with a count of rows and dimensions.
func (f Format) counted() bool { return f == FBin || f == U8Bin || f == I8Bin || f == IBin }

func (f Format) element() element.Type {
	switch f {
	case BVecs, U8Bin:
		return element.Uint8
	case I8Bin:
		return element.Int8
	case IVecs, IBin:
		return element.Int32
	}
	return element.Float32
}

// countedLayout is what the first 8 bytes of a counted format claim.
func countedLayout(f Format, head []byte) layout {
	return layout{
		headerBytes: 8,
		elem:        f.element(),
		rows:        int64(binary.LittleEndian.Uint32(head)),
		dims:        int64(binary.LittleEndian.Uint32(head[4:])),
	}
}

// fixed decodes rows of fixed width.
type fixed struct {
	r *Reader
	layout
	buf []byte // one row
}

// open reads the header and holds it against the size of the file, -1 when unknown.
func (f *fixed) open(size int64) error {
	var err error
	switch {
	case f.r.format.counted():
		err = f.openCounted(size)
	case f.r.format == NPY:
		err = f.openNPY()
	default:
		err = f.openPrefixed()
	}
	if err == io.EOF {
		f.r.rows = 0
		return nil
	}
	if err != nil {
		return err
	}
	if err := f.checkDimensions(); err != nil {
		return err
	}
	if size >= 0 {
		if err := f.checkSize(size); err != nil {
			return err
		}
	}
	f.r.rows, f.r.dims = f.rows, int(f.dims)
	if f.r.bits {
		f.r.dims *= 8
	}
	f.buf = make([]byte, f.dims*f.elem.Size())
	return nil
}

func (f *fixed) openCounted(size int64) error {
	var head [8]byte
	if n, err := f.read(head[:]); err != nil {
		if size < 0 && !endOfFile(err) {
			return f.r.errorAt(-1, int64(n), "", "%v", err)
		}
		return f.r.errorAt(-1, 0, "is it a whole "+string(f.r.format)+" file?",
			"%s begins with 8 bytes of row count and dimensions, the file has %d", f.r.format, n)
	}
	f.layout = countedLayout(f.r.format, head[:])
	return nil
}

// openPrefixed looks at the first row's dimensions and leaves them to be read again.
func (f *fixed) openPrefixed() error {
	f.layout = layout{prefixed: true, elem: f.r.format.element(), rows: -1}
	head, err := f.r.src.Peek(4)
	if len(head) == 0 && err == io.EOF {
		return io.EOF
	}
	if len(head) < 4 {
		if !endOfFile(err) {
			return f.r.errorAt(0, 0, "", "%v", err)
		}
		return f.r.errorAt(0, 0, "is it a whole "+string(f.r.format)+" file?",
			"a row begins with 4 bytes of dimensions, the file has %d", len(head))
	}
	f.dims = int64(int32(binary.LittleEndian.Uint32(head)))
	return nil
}

func (f *fixed) checkDimensions() error {
	if f.r.bits && f.elem != element.Uint8 {
		return fileError(f.r.file, "holds "+f.elem.String()+" numbers, not packed bits",
			"bits come as u8bin, bvecs or npy of u1, eight to a byte, or as \"bits\" in JSONL")
	}
	most, unit := int64(MaxDimensions), "dimensions"
	if f.r.bits {
		most, unit = MaxDimensions/8, "bytes a row"
	}
	if f.dims < 1 || f.dims > most {
		return f.r.errorAt(-1, 0, "is it a "+string(f.r.format)+" file, little endian?",
			"the header says %s %s, which is not within 1 to %s", commas(f.dims), unit, commas(most))
	}
	return nil
}

// checkSize compares what the header claims with what is there, before anything is allocated for it.
func (f *fixed) checkSize(size int64) error {
	row := f.rowBytes()
	if f.rows < 0 {
		if over := (size - f.headerBytes) % row; over != 0 {
			return f.r.errorAt(-1, size-over, "truncated, or a file of another format?",
				"rows of %s dimensions have %s bytes each, the file's %s bytes hold %s of them and %s bytes over",
				commas(f.dims), commas(row), commas(size), commas(size/row), commas(over))
		}
		f.rows = (size - f.headerBytes) / row
		return nil
	}
	need := f.headerBytes + f.rows*row
	if size == need || f.distancesFollow() && size == need+f.rows*f.dims*4 {
		return nil
	}
	last, hint := max(0, size-f.headerBytes)/row, "truncated? Fetch or write the file again"
	at := f.headerBytes + last*row // where the first row begins that is not there as a whole
	if size > need {
		last, at, hint = -1, need, "is it a file of another format, or were two files joined?"
	}
	return f.r.errorAt(last, at, hint, "row count %s x %s %s in header needs %s bytes, file has %s",
		commas(f.rows), commas(f.dims), f.elem, commas(need), commas(size))
}

// distancesFollow reports whether float32 distances may stand behind the rows: big-ann's ground truth.
func (f *fixed) distancesFollow() bool { return f.r.format == IBin }

func (f *fixed) next(row *Row) error {
	if err := f.fill(); err != nil {
		return err
	}
	if f.r.bits {
		row.Bits = f.buf
		return nil
	}
	var bad int
	row.Vector, bad = f.elem.AppendFloats(row.Vector[:0], f.buf)
	if bad >= 0 {
		at := f.buf[int64(bad)*f.elem.Size():]
		return f.r.badRow(row, "are these ids rather than vectors?",
			"number %d is %s, and a float32 holds integers up to %s only", bad, commas(f.elem.Integer(at)), commas(element.MaxExact))
	}
	return nil
}

func (f *fixed) nextIDs(dst []uint32) ([]uint32, error) {
	number, offset := f.r.number, f.r.offset
	if err := f.fill(); err != nil {
		return dst, err
	}
	f.r.number++
	dst, bad := f.elem.AppendIDs(dst, f.buf)
	if bad >= 0 {
		return dst, f.r.errorAt(number, offset, "", "number %d is not an id: ids are 0 to 4,294,967,295", bad)
	}
	return dst, nil
}

// fill reads the bytes of the next row into f.buf.
func (f *fixed) fill() error {
	r := f.r
	if f.rows >= 0 && r.number >= f.rows {
		return f.atEnd()
	}
	start := r.offset
	if f.prefixed {
		var head [4]byte
		n, err := f.read(head[:])
		if n == 0 && err == io.EOF && f.rows < 0 {
			return io.EOF
		}
		if err != nil {
			return f.cut(start, int64(n), err)
		}
		if d := int64(int32(binary.LittleEndian.Uint32(head[:]))); d != f.dims {
			return r.errorAt(r.number, start, "every row of a file must have the same dimensions; is the file damaged?",
				"the row says %s dimensions, the first row has %s", commas(d), commas(f.dims))
		}
	}
	if _, err := f.read(f.buf); err != nil {
		return f.cut(start, r.offset-start, err)
	}
	return nil
}

// atEnd makes sure that a stream of known row count has nothing behind its rows.
func (f *fixed) atEnd() error {
	if f.buf == nil {
		return io.EOF
	}
	tail := int64(0)
	if f.distancesFollow() {
		tail = f.rows * f.dims * 4
	}
	n, err := io.CopyN(io.Discard, f.r.src, tail+1)
	switch {
	case err != nil && err != io.EOF:
		return f.r.errorAt(-1, f.r.offset+n, "", "%v", err)
	case n == 0 || n == tail:
		return io.EOF
	}
	return f.r.errorAt(-1, f.r.offset, "is it a file of another format, or were two files joined?",
		"more bytes follow the %s rows that the header counts", commas(f.rows))
}

// read fills p and counts. It returns io.EOF when nothing was there, io.ErrUnexpectedEOF when too little was.
func (f *fixed) read(p []byte) (int, error) {
	n, err := io.ReadFull(f.r.src, p)
	f.r.offset += int64(n)
	return n, err
}

// cut is the error of a row that ends early: have of its bytes were there.
func (f *fixed) cut(start, have int64, err error) error {
	if !endOfFile(err) {
		e := f.r.errorAt(f.r.number, start, "", "%v", err)
		e.Err = err
		return e
	}
	of := ""
	if f.rows >= 0 {
		of = " and the header counts " + commas(f.rows) + " rows"
	}
	return f.r.errorAt(f.r.number, start, "truncated? Fetch or write the file again",
		"the row needs %s bytes, %s are there%s", commas(f.rowBytes()), commas(have), of)
}

func endOfFile(err error) bool { return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) }
