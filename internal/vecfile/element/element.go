// Package element has the types of the numbers in files of vectors.
package element

import (
	"encoding/binary"
	"math"
	"slices"
)

// A Type is the type of one number in a row of fixed width.
type Type uint8

// The types.
const (
	Float32 Type = iota
	Float64
	Float16
	Uint8
	Int8
	Int32
	Int64
)

// Size is the bytes of a number.
func (e Type) Size() int64 {
	switch e {
	case Uint8, Int8:
		return 1
	case Float16:
		return 2
	case Float64, Int64:
		return 8
	}
	return 4
}

// String is the type's name.
func (e Type) String() string {
	return [...]string{"float32", "float64", "float16", "uint8", "int8", "int32", "int64"}[e]
}

// MaxExact is the largest magnitude up to which a float32 holds every integer.
const MaxExact = 1 << 24

// AppendFloats appends the numbers of one row to dst. It stops at an integer that float32 cannot hold:
// a row of large ids is not a vector, and rounding it would go unseen. bad is its position, -1 for none.
func (e Type) AppendFloats(dst []float32, row []byte) (out []float32, bad int) {
	le := binary.LittleEndian
	switch e {
	case Float32:
		n := len(dst)
		dst = slices.Grow(dst, len(row)/4)[:n+len(row)/4]
		for i := range dst[n:] {
			dst[n+i] = math.Float32frombits(le.Uint32(row[4*i:]))
		}
	case Float64:
		for ; len(row) >= 8; row = row[8:] {
			dst = append(dst, float32(math.Float64frombits(le.Uint64(row))))
		}
	case Float16:
		for ; len(row) >= 2; row = row[2:] {
			dst = append(dst, HalfFloat(le.Uint16(row)))
		}
	case Uint8:
		for _, b := range row {
			dst = append(dst, float32(b))
		}
	case Int8:
		for _, b := range row {
			dst = append(dst, float32(int8(b)))
		}
	case Int32, Int64:
		for n := int(e.Size()); len(row) >= n; row = row[n:] {
			v := e.Integer(row)
			if v < -MaxExact || v > MaxExact {
				return dst, len(dst)
			}
			dst = append(dst, float32(v))
		}
	}
	return dst, -1
}

// HalfFloat is the value of a half-precision number (IEEE 754 binary16).
func HalfFloat(h uint16) float32 {
	sign, exponent := uint32(h&0x8000)<<16, h>>10&31
	magnitude := uint32(h&0x7fff) << 13
	if exponent == 31 { // infinity or NaN
		return math.Float32frombits(sign | 0xff<<23 | magnitude)
	}
	// In the fields of a float32 the bits are too small by the difference of the two biases, those of subnormals too.
	return math.Float32frombits(sign | math.Float32bits(math.Float32frombits(magnitude)*0x1p112))
}

// AppendIDs appends the numbers of one row as ids. It stops at one that is not a uint32; bad is its position.
// A 32-bit element is taken as unsigned: that is how ground truth of more than 2^31 rows is written.
func (e Type) AppendIDs(dst []uint32, row []byte) (out []uint32, bad int) {
	for n := int(e.Size()); len(row) >= n; row = row[n:] {
		v := e.Integer(row)
		if e == Int32 {
			v = int64(uint32(v))
		}
		if v < 0 || v > math.MaxUint32 {
			return dst, len(dst)
		}
		dst = append(dst, uint32(v))
	}
	return dst, -1
}

// Integer is the first number of a row of integers.
func (e Type) Integer(row []byte) int64 {
	if e == Int64 {
		return int64(binary.LittleEndian.Uint64(row))
	}
	return int64(int32(binary.LittleEndian.Uint32(row)))
}

// HalfBits is the half-precision number nearest to v, to even between two (IEEE 754 binary16).
func HalfBits(v float32) uint16 {
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

// AppendElement is the counterpart for writing, in the types that are written: one number, which the caller has
// checked with Fits.
func (e Type) AppendElement(dst []byte, v float32) []byte {
	switch e {
	case Uint8:
		return append(dst, byte(v))
	case Int8:
		return append(dst, byte(int8(v)))
	case Int32:
		return binary.LittleEndian.AppendUint32(dst, uint32(int32(v)))
	case Float16:
		return binary.LittleEndian.AppendUint16(dst, HalfBits(v))
	}
	return binary.LittleEndian.AppendUint32(dst, math.Float32bits(v))
}

// Fits reports whether v survives a trip through the element unchanged.
func (e Type) Fits(v float32) bool {
	switch e {
	case Uint8:
		return v >= 0 && v <= 255 && v == float32(uint8(v))
	case Int8:
		return v >= -128 && v <= 127 && v == float32(int8(v))
	case Int32:
		return v >= -MaxExact && v <= MaxExact && v == float32(int32(v))
	case Float16:
		return HalfFloat(HalfBits(v)) == v
	}
	return true
}
