package distance

import (
	"fmt"
	"math"
	"slices"
	"unsafe"
)

// elementBytes returns the length of a row before it is filled up to blocks.
func (k *Kernel) elementBytes() int {
	switch k.typ {
	case F32:
		return 4 * k.dims
	case F16:
		return 2 * k.dims
	case I8:
		return k.dims
	default:
		return (k.dims + 7) / 8
	}
}

// AppendRow appends the row of a vector that passed [Kernel.Check]. Under cosine
// it holds the vector scaled to unit length (int8 keeps the whole numbers and
// notes the length); F16 rounds to the nearest; bits get a 1 for each element
// above zero, or above the mean of codes. It panics unless the vector has the
// kernel's dimensions.
func (k *Kernel) AppendRow(dst []byte, vector []float32) []byte {
	if len(vector) != k.dims {
		panic(fmt.Sprintf("distance: vector of %d elements for a kernel of %d dimensions", len(vector), k.dims))
	}
	dst, row := k.extend(dst)
	if k.typ == I8 && !k.codes {
		k.putWhole(row, vector)
		return dst
	}
	factor := 1.0
	if k.metric == Cosine {
		factor = 1 / norm(vector)
	}
	switch k.typ {
	case F32:
		if factor == 1 {
			copy(row, unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(vector))), 4*len(vector)))
			break
		}
		for i, v := range vector {
			putF32(row[4*i:], float32(float64(v)*factor))
		}
	case F16:
		for i, v := range vector {
			putU16(row[2*i:], toF16(float32(float64(v)*factor)))
		}
	case I8:
		k.putCodes(row, vector, factor)
	case Bits:
		for i, v := range vector {
			if k.centred(i, v, factor) > 0 {
				row[i/8] |= 1 << (i % 8)
			}
		}
	}
	return dst
}

// AppendBitsRow appends the row of a vector of packed bits. The order of the
// bits in a byte is the caller's; all bits of all (dims+7)/8 bytes count. It
// panics unless bits has that length.
func (k *Kernel) AppendBitsRow(dst []byte, bits []byte) []byte {
	if k.typ != Bits || len(bits) != k.elementBytes() {
		panic(fmt.Sprintf("distance: %d bytes of bits for a kernel of %d dimensions of type %v", len(bits), k.dims, k.typ))
	}
	dst, row := k.extend(dst)
	copy(row, bits)
	return dst
}

// extend grows dst by one row of zeros and returns both.
func (k *Kernel) extend(dst []byte) (grown, row []byte) {
	n := len(dst)
	grown = slices.Grow(dst, k.rowBytes)[:n+k.rowBytes]
	row = grown[n:]
	if k.typ == F32 || k.typ == F16 { // the elements will be set
		clear(row[k.elementBytes():])
	} else {
		clear(row)
	}
	return grown, row
}

// Vector appends the elements of a row to dst: what was stored, which under
// cosine is the unit vector (int8: the whole numbers), or what a code stands
// for. Bits come back as 0 and 1.
func (k *Kernel) Vector(dst []float32, row []byte) []float32 {
	row = row[:k.rowBytes]
	dst = slices.Grow(dst, k.dims)
	n := len(dst)
	dst = dst[:n+k.dims]
	vector := dst[n:]
	switch k.typ {
	case F32:
		for i := range vector {
			vector[i] = getF32(row[4*i:])
		}
	case F16:
		for i := range vector {
			vector[i] = fromF16(getU16(row[2*i:]))
		}
	case I8:
		if k.codes {
			k.decode(vector, row)
		} else {
			k.decodeWhole(vector, row)
		}
	case Bits:
		for i := range vector {
			vector[i] = float32(row[i/8] >> (i % 8) & 1)
		}
	}
	return dst
}

// Bits appends the packed bits of a row to dst: what [Kernel.AppendBitsRow] took.
func (k *Kernel) Bits(dst []byte, row []byte) []byte {
	return append(dst, row[:k.elementBytes()]...)
}

// norm is the euclidean length, taken in float64, where the square of no
// float32 overflows or vanishes.
func norm(vector []float32) float64 {
	var sum float64
	for _, v := range vector {
		sum += float64(v) * float64(v)
	}
	return math.Sqrt(sum)
}

// Rows are in the machine's byte order: kernels read them as they are, and a
// file made on a machine of the other order is refused when it is opened.

func putF32(b []byte, v float32) { *(*[4]byte)(b) = *(*[4]byte)(unsafe.Pointer(&v)) }

func getF32(b []byte) (v float32) {
	*(*[4]byte)(unsafe.Pointer(&v)) = [4]byte(b)
	return v
}

func putU16(b []byte, v uint16) { *(*[2]byte)(b) = *(*[2]byte)(unsafe.Pointer(&v)) }

func getU16(b []byte) (v uint16) {
	*(*[2]byte)(unsafe.Pointer(&v)) = [2]byte(b)
	return v
}
