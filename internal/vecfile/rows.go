package vecfile

import (
	"encoding/binary"
	"encoding/json"
	"io"
	"math"

	"github.com/hannoydb/hannoy/internal/vecfile/element"
)

// The format "rows" is how hannoy-convert hands rows to this package and takes them from it. All numbers are little
// endian:
//
//	8 bytes "HNYROWS\n"; u32 length and JSON of rowsHeader; rows; u8 0xff and u64 number of rows
//
// A row is u8 flags; then what they say is there: u32 length and bytes of the key, of the value, u16 number of labels and
// for each u16 length and bytes; then the vector: as many float32, bytes of bits or u32 ids as the header says. A bad row is flag
// rowBad and u32 length and text of what is wrong with it.
const (
	rowsMagic = "HNYROWS\n"
	rowsEnd   = 0xff

	rowHasKey    = 1
	rowIsNumeric = 2
	rowHasValue  = 4
	rowHasLabels = 8
	rowBad       = 16
)

// rowsHeader is what a stream says of its rows.
type rowsHeader struct {
	Dimensions int    `json:"dimensions"` // numbers, or bytes of bits
	Rows       int64  `json:"rows"`       // -1: not known
	Kind       string `json:"kind"`       // f32, bits or ids
	Metric     string `json:"metric,omitempty"`
}

// maxRowsHeader bounds the header's JSON.
const maxRowsHeader = 4096

// rows decodes the format.
type rows struct {
	r      *Reader
	h      rowsHeader
	key    []byte
	value  []byte
	text   []byte
	vector []byte  // scratch
	number [4]byte // scratch: flags, or a length
	ended  bool
}

func (s *rows) open() error {
	var magic [len(rowsMagic)]byte
	if err := s.fill(magic[:]); err != nil {
		return err
	}
	if string(magic[:]) != rowsMagic {
		return s.r.errorAt(-1, 0, "hannoy-convert read FILE writes one", "not a stream of rows")
	}
	text, err := s.bytes(nil, maxRowsHeader)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(text, &s.h); err != nil {
		return s.r.errorAt(-1, int64(len(magic)), "", "the header of the rows: %v", err)
	}
	size, known := map[string]int{"f32": 4, "ids": 4, "bits": 1}[s.h.Kind]
	most := MaxDimensions
	if s.h.Kind == "bits" {
		most /= 8
	}
	switch {
	case !known || s.h.Dimensions < 0 || s.h.Dimensions > most || s.h.Rows < -1:
		return s.r.errorAt(-1, 0, "", "the header of the rows says %d dimensions of %s, %d rows", s.h.Dimensions, quote(s.h.Kind), s.h.Rows)
	case s.r.bits != (s.h.Kind == "bits"):
		return fileError(s.r.file, "holds "+s.h.Kind+" where "+map[bool]string{true: "bits", false: "numbers"}[s.r.bits]+" belong", "")
	}
	s.r.rows, s.r.dims, s.r.metric = s.h.Rows, s.h.Dimensions, s.h.Metric
	if s.r.bits {
		s.r.dims *= 8
	}
	s.vector = make([]byte, size*s.h.Dimensions)
	return nil
}

func (s *rows) next(row *Row) error {
	flags, err := s.flags(row)
	if err != nil {
		return err
	}
	row.Key, row.Value, row.Labels, row.Numeric = nil, nil, nil, flags&rowIsNumeric != 0
	if flags&rowHasKey != 0 {
		if s.key, err = s.bytes(s.key, maxLine); err != nil {
			return err
		}
		row.Key = nonNil(s.key)
	}
	if flags&rowHasValue != 0 {
		if s.value, err = s.bytes(s.value, maxLine); err != nil {
			return err
		}
		row.Value = nonNil(s.value)
	}
	if flags&rowHasLabels != 0 {
		if row.Labels, err = s.labels(); err != nil {
			return err
		}
	}
	if err := s.fill(s.vector); err != nil {
		return err
	}
	if s.r.bits {
		row.Bits = s.vector
		return nil
	}
	elem := element.Float32
	if s.h.Kind == "ids" {
		elem = element.Int32
	}
	var bad int
	if row.Vector, bad = elem.AppendFloats(row.Vector[:0], s.vector); bad >= 0 {
		return s.r.badRow(row, "are these ids rather than vectors?", "number %d does not fit into a float32", bad)
	}
	return nil
}

// flags begins a row: one that is not bad.
func (s *rows) flags(row *Row) (byte, error) {
	if s.ended {
		return 0, io.EOF
	}
	flags := s.number[:1]
	if err := s.fill(flags); err != nil {
		return 0, err
	}
	switch {
	case flags[0] == rowsEnd:
		return 0, s.end()
	case flags[0] == rowBad:
		text, err := s.bytes(s.text, maxLine)
		if err != nil {
			return 0, err
		}
		s.text = text
		return 0, s.r.badRow(row, "", "%s", text)
	case flags[0] >= rowBad:
		return 0, s.r.errorAt(row.Number, row.Offset, "is the stream damaged?", "flags %#x are not those of a row", flags[0])
	}
	return flags[0], nil
}

func (s *rows) end() error {
	s.ended = true
	var n [8]byte
	if err := s.fill(n[:]); err != nil {
		return err
	}
	if said := binary.LittleEndian.Uint64(n[:]); said != uint64(s.r.number) {
		return s.r.errorAt(-1, s.r.offset, "is the stream damaged?", "the stream had %s rows, its end says %s", commas(s.r.number), unsigned(said))
	}
	return io.EOF
}

func (s *rows) nextIDs(dst []uint32) ([]uint32, error) {
	row := Row{Number: s.r.number, Offset: s.r.offset}
	if flags, err := s.flags(&row); err != nil || flags != 0 {
		if err == nil {
			err = s.r.errorAt(row.Number, row.Offset, "", "a row of ids has more than ids")
		}
		return dst, err
	}
	if err := s.fill(s.vector); err != nil {
		return dst, err
	}
	s.r.number++
	dst, _ = element.Int32.AppendIDs(dst, s.vector)
	return dst, nil
}

func (s *rows) labels() ([]string, error) {
	var n [2]byte
	if err := s.fill(n[:]); err != nil {
		return nil, err
	}
	var labels []string
	for range binary.LittleEndian.Uint16(n[:]) {
		if err := s.fill(n[:]); err != nil {
			return nil, err
		}
		label := make([]byte, binary.LittleEndian.Uint16(n[:]))
		if err := s.fill(label); err != nil {
			return nil, err
		}
		labels = append(labels, string(label))
	}
	return labels, nil
}

// bytes reads u32 length and as many bytes into the buffer.
func (s *rows) bytes(buf []byte, most int) ([]byte, error) {
	n := s.number[:4]
	if err := s.fill(n); err != nil {
		return buf, err
	}
	length := binary.LittleEndian.Uint32(n)
	if length > uint32(most) {
		return buf, s.r.errorAt(s.r.number, s.r.offset, "is the stream damaged?", "a field of %s bytes, %s at most are read", commas(int64(length)), commas(int64(most)))
	}
	if cap(buf) < int(length) {
		buf = make([]byte, length)
	}
	buf = buf[:length]
	return buf, s.fill(buf)
}

func (s *rows) fill(p []byte) error {
	n, err := io.ReadFull(s.r.src, p)
	s.r.offset += int64(n)
	if err == nil {
		return nil
	}
	e := s.r.errorAt(s.r.number, s.r.offset, "", "%v", err)
	e.Err = err
	if endOfFile(err) {
		e.Problem, e.Hint = "the stream of rows ends early", "truncated?"
	}
	return e
}

// rowsHead is what stands before the rows.
func rowsHead(opts *WriterOptions) []byte {
	h := rowsHeader{Dimensions: opts.Dimensions, Rows: opts.Rows, Kind: "f32"}
	if opts.Bits {
		h.Kind = "bits"
	}
	text, _ := json.Marshal(h) // of numbers and words: cannot fail
	return append(binary.LittleEndian.AppendUint32([]byte(rowsMagic), uint32(len(text))), text...)
}

// appendRow appends the row as the stream has it.
func appendRow(dst []byte, row *Row) []byte {
	at := len(dst)
	dst = append(dst, 0)
	if row.Key != nil {
		dst[at] |= rowHasKey
		dst = appendSized(dst, row.Key)
	}
	if row.Numeric {
		dst[at] |= rowIsNumeric
	}
	if row.Value != nil {
		dst[at] |= rowHasValue
		dst = appendSized(dst, row.Value)
	}
	if len(row.Labels) > 0 {
		dst[at] |= rowHasLabels
		dst = binary.LittleEndian.AppendUint16(dst, uint16(len(row.Labels)))
		for _, label := range row.Labels {
			dst = binary.LittleEndian.AppendUint16(dst, uint16(len(label)))
			dst = append(dst, label...)
		}
	}
	for _, v := range row.Vector {
		dst = binary.LittleEndian.AppendUint32(dst, math.Float32bits(v))
	}
	return append(dst, row.Bits...)
}

func appendSized(dst, b []byte) []byte {
	return append(binary.LittleEndian.AppendUint32(dst, uint32(len(b))), b...)
}
