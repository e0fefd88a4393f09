package main

import (
	"encoding/binary"
	"fmt"
	"math"
)

// A numberType is how a number lies in a file.
type numberType struct {
	size   int  // bytes
	big    bool // big endian
	float  bool
	signed bool // of an integer
}

func (t numberType) known() bool {
	if t.float {
		return t.size == 4 || t.size == 8
	}
	return t.size == 1 || t.size == 2 || t.size == 4 || t.size == 8
}

// value is the first of the numbers; integers beyond 2^53 are rounded.
func (t numberType) value(numbers []byte) float64 {
	var order binary.ByteOrder = binary.LittleEndian
	if t.big {
		order = binary.BigEndian
	}
	var u uint64
	switch t.size {
	case 1:
		u = uint64(numbers[0])
	case 2:
		u = uint64(order.Uint16(numbers))
	case 4:
		u = uint64(order.Uint32(numbers))
	default:
		u = order.Uint64(numbers)
	}
	switch shift := 64 - 8*t.size; {
	case t.float && t.size == 4:
		return float64(math.Float32frombits(uint32(u)))
	case t.float:
		return math.Float64frombits(u)
	case t.signed:
		return float64(int64(u<<shift) >> shift)
	}
	return float64(u)
}

// appendRow appends a row of numbers as rows of the kind hold them.
func (t numberType) appendRow(dst, numbers []byte, kind string) ([]byte, error) {
	if kind == kindFloats && t.float && t.size == 4 && !t.big || kind == kindBits && !t.float && t.size == 1 && !t.signed {
		return append(dst, numbers...), nil
	}
	for i := 0; len(numbers) > 0; i++ {
		v := t.value(numbers)
		numbers = numbers[t.size:]
		switch kind {
		case kindIDs:
			if v < 0 || v > math.MaxUint32 || v != math.Trunc(v) {
				return nil, fmt.Errorf("number %d is %v, not an id", i, v)
			}
			dst = binary.LittleEndian.AppendUint32(dst, uint32(v))
		case kindBits:
			if v < 0 || v > 255 || v != math.Trunc(v) {
				return nil, fmt.Errorf("number %d is %v, not a byte of packed bits", i, v)
			}
			dst = append(dst, byte(v))
		default:
			dst = binary.LittleEndian.AppendUint32(dst, math.Float32bits(float32(v)))
		}
	}
	return dst, nil
}
