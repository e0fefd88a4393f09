package vecfile

import (
	"encoding/binary"
	"math"
	"slices"
)

// An element is the type of one number in a row of fixed width.
type element uint8

const (
	float32Element element = iota
	float64Element
	float16Element
	uint8Element
	int8Element
	int32Element
	int64Element
)

func (e element) size() int64 {
	switch e {
	case uint8Element, int8Element:
		return 1
	case float16Element:
		return 2
	case float64Element, int64Element:
		return 8
	}
	return 4
}

func (e element) String() string {
	return [...]string{"float32", "float64", "float16", "uint8", "int8", "int32", "int64"}[e]
}

// maxExact is the largest magnitude up to which a float32 holds every integer.
const maxExact = 1 << 24

// appendFloats appends the numbers of one row to dst. It stops at an integer that float32 cannot hold:
// a row of large ids is not a vector, and rounding it would go unseen. bad is its position, -1 for none.
func (e element) appendFloats(dst []float32, row []byte) (out []float32, bad int) {
	le := binary.LittleEndian
	switch e {
	case float32Element:
		n := len(dst)
		dst = slices.Grow(dst, len(row)/4)[:n+len(row)/4]
		for i := range dst[n:] {
			dst[n+i] = math.Float32frombits(le.Uint32(row[4*i:]))
		}
	case float64Element:
		for ; len(row) >= 8; row = row[8:] {
			dst = append(dst, float32(math.Float64frombits(le.Uint64(row))))
		}
	case float16Element:
		for ; len(row) >= 2; row = row[2:] {
			dst = append(dst, halfFloat(le.Uint16(row)))
		}
	case uint8Element:
		for _, b := range row {
			dst = append(dst, float32(b))
		}
	case int8Element:
		for _, b := range row {
			dst = append(dst, float32(int8(b)))
		}
	case int32Element, int64Element:
		for n := int(e.size()); len(row) >= n; row = row[n:] {
			v := e.integer(row)
			if v < -maxExact || v > maxExact {
				return dst, len(dst)
			}
			dst = append(dst, float32(v))
		}
	}
	return dst, -1
}

// halfFloat is the value of a half-precision number (IEEE 754 binary16).
func halfFloat(h uint16) float32 {
	sign, exponent := uint32(h&0x8000)<<16, h>>10&31
	magnitude := uint32(h&0x7fff) << 13
	if exponent == 31 { // infinity or NaN
		return math.Float32frombits(sign | 0xff<<23 | magnitude)
	}
	// In the fields of a float32 the bits are too small by the difference of the two biases, those of subnormals too.
	return math.Float32frombits(sign | math.Float32bits(math.Float32frombits(magnitude)*0x1p112))
}

// appendIDs appends the numbers of one row as ids. It stops at one that is not a uint32; bad is its position.
// A 32-bit element is taken as unsigned: that is how ground truth of more than 2^31 rows is written.
func (e element) appendIDs(dst []uint32, row []byte) (out []uint32, bad int) {
	for n := int(e.size()); len(row) >= n; row = row[n:] {
		v := e.integer(row)
		if e == int32Element {
			v = int64(uint32(v))
		}
		if v < 0 || v > math.MaxUint32 {
			return dst, len(dst)
		}
		dst = append(dst, uint32(v))
	}
	return dst, -1
}

func (e element) integer(row []byte) int64 {
	if e == int64Element {
		return int64(binary.LittleEndian.Uint64(row))
	}
	return int64(int32(binary.LittleEndian.Uint32(row)))
}

// halfBits is the half-precision number nearest to v, to even between two (IEEE 754 binary16).
func halfBits(v float32) uint16 {
	bits := math.Float32bits(v)
	sign, magnitude := uint16(bits>>16&0x8000), bits&0x7fffffff
	switch {
	case magnitude > 0xff<<23: // NaN
		return sign | 0x7e00
	case magnitude >= 0x477ff000: // from half way above the largest one on
		return sign | 0x7c00
	case magnitude < 0x38800000: // subnormal: the sum rounds at the place of its last bit
		return sign | uint16(math.Float32bits(math.Float32frombits(magnitude)+0.5)-0x3f000000)
	}
	return sign | uint16((magnitude-0x38000000+0xfff+magnitude>>13&1)>>13)
}

// appendElement is the counterpart for writing, in the types that are written: one number, which the caller has
// checked with fits.
func (e element) appendElement(dst []byte, v float32) []byte {
	switch e {
	case uint8Element:
		return append(dst, byte(v))
	case int8Element:
		return append(dst, byte(int8(v)))
	case int32Element:
		return binary.LittleEndian.AppendUint32(dst, uint32(int32(v)))
	case float16Element:
		return binary.LittleEndian.AppendUint16(dst, halfBits(v))
	}
	return binary.LittleEndian.AppendUint32(dst, math.Float32bits(v))
}

// fits reports whether v survives a trip through the element unchanged.
func (e element) fits(v float32) bool {
	switch e {
	case uint8Element:
		return v >= 0 && v <= 255 && v == float32(uint8(v))
	case int8Element:
		return v >= -128 && v <= 127 && v == float32(int8(v))
	case int32Element:
		return v >= -maxExact && v <= maxExact && v == float32(int32(v))
	case float16Element:
		return halfFloat(halfBits(v)) == v
	}
	return true
}
