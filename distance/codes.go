package distance

import (
	"encoding/binary"
	"fmt"
	"math"
)

// An int8 code counts the elements of a vector in steps of a scale of its own. A row is
// nothing but these counts, a byte each: what else a distance needs would cost
// another cache line per row, a fifth of the speed of a search in 128 dimensions.
// The scale is hidden in the row: it is a bfloat16, the upper half of a float32, and
// its 16 bits are the lowest bits of the first 16 counts, which are odd or even as
// that demands. The squared length is summed up along with the product:
//
//	scale(q)^2 * (sum of q*q) + scale(r)^2 * (sum of r*r) - 2*scale(q)*scale(r) * (sum of q*r)
//
// A bfloat16 has 8 significant bits, so all terms are exact in float64, the distance
// is the same whichever row is the query, and that of equal rows is 0.

// scaleBits is how many counts carry a bit of the scale.
const scaleBits = 16

// MinCodeDimensions is how many dimensions vectors need to have int8 codes.
const MinCodeDimensions = scaleBits

// maxCount is the largest count: -128 is left out, so that counts have a sign each.
const maxCount = 127

// NewCodes returns a kernel over codes: short rows whose distances stand in for
// those of float32 vectors under a metric, to find candidates that exact
// distances then re-rank. Type I8 quantises each vector with a scale of its own
// (euclidean, cosine, inner product; [MinCodeDimensions] or more); its ranking distances
// have the magnitude of the exact ones. Type Bits keeps the sign of each element
// (any metric but hamming); its ranking distance is the number of signs that
// differ.
//
// mean is subtracted from each vector first, from the unit vector under cosine:
// codes are finest about the middle of the data. It may be nil, and must be
// under inner product, where the origin has a meaning. All rows of an index need
// the same mean.
func NewCodes(metric Metric, typ VectorType, dims int, mean []float32) (*Kernel, error) {
	if _, err := New(metric, F32, dims); err != nil {
		return nil, err
	}
	k := &Kernel{metric: metric, typ: typ, dims: dims, mean: mean, codes: true}
	switch {
	case mean != nil && len(mean) != dims:
		return nil, fmt.Errorf("mean of %d dimensions for vectors of %d", len(mean), dims)
	case mean != nil && metric == InnerProduct:
		return nil, fmt.Errorf("metric %v has no codes about a mean", metric)
	case typ == I8 && dims < MinCodeDimensions:
		return nil, fmt.Errorf("vectors of %d dimensions have no int8 codes: these need %d", dims, MinCodeDimensions)
	case typ == I8 && metric != Manhattan:
		k.op = opCodesI8
	case typ == Bits:
		k.op = opHamming
	default:
		return nil, fmt.Errorf("metric %v has no codes of type %v", metric, typ)
	}
	k.shape()
	return k, nil
}

// putCodes writes the int8 code of a vector whose elements were scaled by factor.
func (k *Kernel) putCodes(row []byte, vector []float32, factor float64) {
	largest := 0.0
	for i, v := range vector {
		largest = max(largest, math.Abs(k.centred(i, v, factor)))
	}
	scale := roundUp(float32(largest / maxCount))
	inverse := 1 / float64(math.Float32frombits(scale))
	scale >>= 16
	for i, v := range vector {
		x := max(-maxCount, min(maxCount, k.centred(i, v, factor)*inverse))
		if i < scaleBits {
			row[i] = byte(withLowestBit(x, int(scale>>i)&1))
		} else {
			row[i] = byte(int8(math.RoundToEven(x)))
		}
	}
}

// roundUp returns the bits of the least bfloat16 that is not below x, and not
// too small to be told from zero.
func roundUp(x float32) uint32 {
	bits := math.Float32bits(max(x, 0x1p-126))
	return (bits + 1<<16 - 1) &^ (1<<16 - 1)
}

// withLowestBit returns the whole number nearest to x that is odd or even as
// bit says. |x| is at most maxCount.
func withLowestBit(x float64, bit int) int8 {
	c := int(math.RoundToEven(x))
	switch {
	case c&1 == bit:
	case float64(c) < x && c < maxCount || c == -maxCount:
		c++
	default:
		c--
	}
	return int8(c)
}

// scaleOf returns the scale of an int8 code.
func scaleOf(row *[scaleBits]byte) float32 {
	const lowest, gather = 0x0101010101010101, 0x0102040810204080
	low := binary.LittleEndian.Uint64(row[:8]) & lowest * gather >> 56
	high := binary.LittleEndian.Uint64(row[8:]) & lowest * gather >> 56
	return math.Float32frombits(uint32(high<<8|low) << 16)
}

// centred returns an element of a vector about the mean.
func (k *Kernel) centred(i int, v float32, factor float64) float64 {
	x := float64(v) * factor
	if k.mean != nil {
		x -= float64(k.mean[i])
	}
	return x
}

// decode writes what a code stands for.
func (k *Kernel) decode(vector []float32, row []byte) {
	scale := scaleOf((*[scaleBits]byte)(row))
	for i := range vector {
		vector[i] = scale * float32(int8(row[i]))
		if k.mean != nil {
			vector[i] += k.mean[i]
		}
	}
}
