package main

import (
	"bufio"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"math"
)

// The format "rows", all numbers little endian:
//
//	8 bytes "HNYROWS\n"; u32 length and JSON of header; rows; u8 0xff and u64 number of rows
//
// A row is u8 flags; then what they say is there: u32 length and bytes of the key, of the value, u16 number of labels and
// for each u16 length and bytes; then the vector: as many float32, bytes of bits or u32 ids as the header says. A bad row is flag
// badRow and u32 length and text of what is wrong with it.
const (
	rowsMagic = "HNYROWS\n"
	rowsEnd   = 0xff

	hasKey    = 1
	isNumeric = 2
	hasValue  = 4
	hasLabels = 8
	badRow    = 16
)

type header struct {
	Dimensions int    `json:"dimensions"` // numbers, or bytes of bits
	Rows       int64  `json:"rows"`       // -1: not known
	Kind       string `json:"kind"`
	Metric     string `json:"metric,omitempty"`
}

// The kinds of rows.
const (
	kindFloats = "f32"
	kindBits   = "bits"
	kindIDs    = "ids"
)

// A row is one item.
type row struct {
	key     []byte // nil: none
	numeric bool
	value   []byte // nil: none
	labels  []string
	vector  []float32
	raw     []byte // in place of the vector: bits, or ids
}

// A rowWriter writes the format.
type rowWriter struct {
	out *bufio.Writer
	buf []byte
	n   uint64
}

func newRowWriter(out *bufio.Writer, h header) (*rowWriter, error) {
	text, err := json.Marshal(h)
	if err != nil {
		return nil, err
	}
	head := append([]byte(rowsMagic), binary.LittleEndian.AppendUint32(nil, uint32(len(text)))...)
	_, err = out.Write(append(head, text...))
	return &rowWriter{out: out}, err
}

func (w *rowWriter) write(r *row) error {
	flags := byte(0)
	set := func(on bool, flag byte) {
		if on {
			flags |= flag
		}
	}
	set(r.key != nil, hasKey)
	set(r.numeric, isNumeric)
	set(r.value != nil, hasValue)
	set(len(r.labels) > 0, hasLabels)
	b := append(w.buf[:0], flags)
	if r.key != nil {
		b = appendBytes(b, r.key)
	}
	if r.value != nil {
		b = appendBytes(b, r.value)
	}
	if len(r.labels) > 0 {
		b = binary.LittleEndian.AppendUint16(b, uint16(len(r.labels)))
		for _, label := range r.labels {
			b = binary.LittleEndian.AppendUint16(b, uint16(len(label)))
			b = append(b, label...)
		}
	}
	for _, v := range r.vector {
		b = binary.LittleEndian.AppendUint32(b, math.Float32bits(v))
	}
	return w.put(append(b, r.raw...))
}

func (w *rowWriter) bad(format string, args ...any) error {
	return w.put(appendBytes(append(w.buf[:0], badRow), fmt.Appendf(nil, format, args...)))
}

func (w *rowWriter) put(b []byte) error {
	w.buf = b
	w.n++
	_, err := w.out.Write(b)
	return err
}

func (w *rowWriter) end() error {
	_, err := w.out.Write(binary.LittleEndian.AppendUint64([]byte{rowsEnd}, w.n))
	return err
}

func appendBytes(dst, b []byte) []byte {
	return append(binary.LittleEndian.AppendUint32(dst, uint32(len(b))), b...)
}

// A rowReader reads what hannoyctl writes of it.
type rowReader struct {
	in *bufio.Reader
	h  header
}

func newRowReader(in *bufio.Reader) (*rowReader, error) {
	r := &rowReader{in: in}
	magic := make([]byte, len(rowsMagic))
	if _, err := io.ReadFull(in, magic); err != nil || string(magic) != rowsMagic {
		return nil, fmt.Errorf("standard input is not a stream of rows")
	}
	text, err := r.bytes()
	if err == nil {
		err = json.Unmarshal(text, &r.h)
	}
	return r, err
}

func (r *rowReader) bytes() ([]byte, error) {
	var n [4]byte
	if _, err := io.ReadFull(r.in, n[:]); err != nil {
		return nil, unexpected(err)
	}
	b := make([]byte, binary.LittleEndian.Uint32(n[:]))
	_, err := io.ReadFull(r.in, b)
	return b, unexpected(err)
}

// next reads the next row, or io.EOF.
func (r *rowReader) next() (out row, err error) {
	flags, err := r.in.ReadByte()
	if err != nil {
		return out, unexpected(err)
	}
	if flags == rowsEnd {
		return out, io.EOF
	}
	if flags&hasKey != 0 {
		if out.key, err = r.bytes(); err != nil {
			return out, err
		}
	}
	out.numeric = flags&isNumeric != 0
	if flags&hasValue != 0 {
		if out.value, err = r.bytes(); err != nil {
			return out, err
		}
	}
	if flags&hasLabels != 0 {
		if out.labels, err = r.labels(); err != nil {
			return out, err
		}
	}
	if r.h.Kind == kindBits {
		out.raw = make([]byte, r.h.Dimensions)
		_, err = io.ReadFull(r.in, out.raw)
		return out, unexpected(err)
	}
	out.vector = make([]float32, r.h.Dimensions)
	return out, unexpected(binary.Read(r.in, binary.LittleEndian, out.vector))
}

func (r *rowReader) labels() (labels []string, err error) {
	var n, length uint16
	if err = binary.Read(r.in, binary.LittleEndian, &n); err != nil {
		return nil, unexpected(err)
	}
	for range n {
		if err = binary.Read(r.in, binary.LittleEndian, &length); err != nil {
			return nil, unexpected(err)
		}
		label := make([]byte, length)
		if _, err = io.ReadFull(r.in, label); err != nil {
			return nil, unexpected(err)
		}
		labels = append(labels, string(label))
	}
	return labels, nil
}

func unexpected(err error) error {
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}
