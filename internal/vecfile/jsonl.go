package vecfile

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
	"unicode/utf8"
)

// A line of JSONL:
//
//	key           a string, or an integer (its decimal text is the key); may be absent
//	key_base64    in its place, a key that is not UTF-8
//	vector        an array of numbers
//	bits          in its place, packed bits: base64, or hexadecimal after 0x
//	value         any JSON, kept as it stands; null is no value
//	value_text    in its place, a value that is text but not JSON
//	value_base64  in its place, a value that is neither
//	labels        an array of strings; may be absent
//	distance      what a query has found; passed over
//
// Any other name is an error, so that a misspelt one is not lost.
type line struct {
	Key         json.RawMessage `json:"key"`
	KeyBase64   *string         `json:"key_base64"`
	Vector      json.RawMessage `json:"vector"`
	Bits        *string         `json:"bits"`
	Value       json.RawMessage `json:"value"`
	ValueText   *string         `json:"value_text"`
	ValueBase64 *string         `json:"value_base64"`
	Labels      []string        `json:"labels"`
	Distance    json.RawMessage `json:"distance"`
}

// maxLine bounds a line: 65,536 numbers of 25 characters and a generous value.
const maxLine = 32 << 20

// lines decodes JSONL.
type lines struct {
	r    *Reader
	buf  []byte // one line
	line int64  // from 1, blank ones counting
}

func (l *lines) next(row *Row) error {
	for {
		if err := l.fill(row); err != nil {
			return err
		}
		if text := bytes.TrimSpace(l.buf); len(text) > 0 {
			return l.parse(row, text)
		}
	}
}

// fill reads the next line.
func (l *lines) fill(row *Row) error {
	r := l.r
	row.Offset = r.offset
	l.line++
	l.buf = l.buf[:0]
	for {
		part, err := r.src.ReadSlice('\n')
		r.offset += int64(len(part))
		l.buf = append(l.buf, part...)
		switch {
		case len(l.buf) > maxLine:
			e := l.errorf(row, "is it JSONL, one object a line?", "longer than %s bytes", commas(maxLine))
			e.bad = false
			return e
		case err == nil:
			return nil
		case errors.Is(err, bufio.ErrBufferFull):
		case err == io.EOF && len(l.buf) == 0:
			return io.EOF
		case err == io.EOF:
			return nil
		default:
			e := l.errorf(row, "", "%v", err)
			e.Err, e.bad = err, false
			return e
		}
	}
}

func (l *lines) errorf(row *Row, hint, format string, args ...any) *Error {
	return l.r.badRow(row, hint, "line %s: %s", commas(l.line), fmt.Sprintf(format, args...))
}

const lineHint = `a line is {"key": "a", "vector": [0.1, 0.2], "value": {"any": "JSON"}}`

func (l *lines) parse(row *Row, text []byte) error {
	if !utf8.Valid(text) { // a decoder would put one sign in place of whatever is not
		return l.errorf(row, "write a key that is not text as key_base64, a value as value_base64", "it is not UTF-8")
	}
	var in line
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	err := d.Decode(&in)
	if err == nil && d.InputOffset() != int64(len(text)) {
		err = fmt.Errorf("%s follows the object", quote(string(bytes.TrimSpace(text[d.InputOffset():]))))
	}
	if errors.Is(err, io.ErrUnexpectedEOF) {
		err = errors.New("the object has no end: truncated?")
	}
	if err != nil {
		return l.errorf(row, lineHint, "%s", strings.TrimPrefix(err.Error(), "json: "))
	}
	if err := row.setKey(in); err != nil {
		return l.errorf(row, lineHint, "%v", err)
	}
	if err := row.setValue(in); err != nil {
		return l.errorf(row, "", "%v", err)
	}
	row.Labels = in.Labels
	return l.setVector(row, in)
}

func (row *Row) setKey(in line) error {
	row.Key, row.Numeric = nil, false
	switch {
	case in.KeyBase64 != nil:
		key, err := base64.StdEncoding.DecodeString(*in.KeyBase64)
		if err != nil {
			return fmt.Errorf("key_base64: %v", err)
		}
		row.Key = nonNil(key)
	case isNull(in.Key):
	case in.Key[0] == '"':
		var key string
		if err := json.Unmarshal(in.Key, &key); err != nil {
			return fmt.Errorf("key: %v", err)
		}
		row.Key = nonNil([]byte(key))
	default:
		if bytes.ContainsFunc(in.Key, func(r rune) bool { return (r < '0' || r > '9') && r != '-' }) {
			return fmt.Errorf("key %s is neither a string nor an integer", quote(string(in.Key)))
		}
		row.Key, row.Numeric = in.Key, true
	}
	return nil
}

func (row *Row) setValue(in line) error {
	row.Value = nil
	switch {
	case in.ValueText != nil:
		row.Value = nonNil([]byte(*in.ValueText))
	case in.ValueBase64 != nil:
		value, err := base64.StdEncoding.DecodeString(*in.ValueBase64)
		if err != nil {
			return fmt.Errorf("value_base64: %v", err)
		}
		row.Value = nonNil(value)
	case !isNull(in.Value):
		row.Value = in.Value
	}
	return nil
}

// setVector takes the vector or the bits, whichever the reader is for, and holds its length against the first row's.
func (l *lines) setVector(row *Row, in line) error {
	row.Vector, row.Bits = row.Vector[:0], nil
	dims := 0
	switch {
	case l.r.bits && in.Bits != nil:
		bits, err := ParseBits(*in.Bits)
		if err != nil {
			return l.errorf(row, "write base64, or hexadecimal after 0x", "bits: %v", err)
		}
		row.Bits, dims = bits, 8*len(bits)
	case !l.r.bits && !isNull(in.Vector):
		vector, err := appendNumbers(row.Vector, in.Vector)
		if err != nil {
			return l.errorf(row, lineHint, "vector: %v", err)
		}
		row.Vector, dims = vector, len(vector)
	case l.r.keysOnly:
		row.Vector = nil
		return nil
	case l.r.bits:
		return l.errorf(row, `hamming wants packed bits: {"key": "a", "bits": "0x00ff"}`, "no bits")
	case in.Bits != nil:
		return l.errorf(row, "bits are for indexes of metric hamming", "bits where a vector belongs")
	default:
		return l.errorf(row, lineHint, "no vector")
	}
	if l.r.bits {
		row.Vector = nil
	}
	if l.r.dims == 0 {
		l.r.dims = dims
	}
	if dims == 0 || dims > MaxDimensions {
		return l.errorf(row, "", "the vector has %s dimensions, which is not within 1 to %s", commas(int64(dims)), commas(MaxDimensions))
	}
	if dims != l.r.dims {
		return l.errorf(row, "every row of a file must have the same dimensions",
			"the vector has %s dimensions, the first row's has %s", commas(int64(dims)), commas(int64(l.r.dims)))
	}
	return nil
}

// appendNumbers parses [1, 2.5e-3]. encoding/json has checked the grammar of the whole line; numbers are parsed here
// because it would copy them through reflection, and would not say which one is wrong.
func appendNumbers(dst []float32, array []byte) ([]float32, error) {
	inside, ok := bytes.CutPrefix(array, []byte("["))
	if !ok {
		return dst, fmt.Errorf("%s is not an array", quote(string(array)))
	}
	inside = bytes.TrimSuffix(inside, []byte("]"))
	if len(bytes.TrimSpace(inside)) == 0 {
		return dst, nil
	}
	for more := true; more; {
		var number []byte
		number, inside, more = bytes.Cut(inside, []byte(","))
		number = bytes.TrimSpace(number)
		v, err := strconv.ParseFloat(string(number), 32)
		if err != nil || math.IsInf(v, 0) || math.IsNaN(v) {
			return dst, fmt.Errorf("number %d is %s, not a finite float32", len(dst), quote(string(number)))
		}
		if len(dst) == MaxDimensions {
			return dst, fmt.Errorf("more than %s numbers", commas(MaxDimensions))
		}
		dst = append(dst, float32(v))
	}
	return dst, nil
}

// ParseBits reads packed bits as JSONL has them: base64, or hexadecimal after 0x.
func ParseBits(s string) ([]byte, error) {
	if digits, ok := strings.CutPrefix(s, "0x"); ok {
		return hex.DecodeString(digits)
	}
	return base64.StdEncoding.DecodeString(s)
}

func isNull(raw json.RawMessage) bool { return len(raw) == 0 || string(raw) == "null" }

// nonNil keeps an empty key or value apart from none at all.
func nonNil(b []byte) []byte {
	if b == nil {
		return []byte{}
	}
	return b
}
