package distance

import (
	"fmt"
	"math"
	"unsafe"
)

// trailer ends a row of int8 elements c, which are filled up with zeros to whole
// blocks. The vector is scale*c; with the scales taken out of the sum, one product
// of whole numbers gives every metric but manhattan:
//
//	norm(q) + norm(r) - weight * scale(q)*scale(r) * (sum of q*r)
//
// For euclidean and cosine norm is the squared length of scale*c and weight is
// 2: the squared distance. For inner product norm is 0 and weight 1. Stored
// vectors have scale 1, or 1/length under cosine; codes have one scale each.
type trailer struct {
	norm  float64
	scale float32
	bias  int32 // 128 times the sum of c, for products of unsigned by signed
}

const trailerBytes = int(unsafe.Sizeof(trailer{}))

// NewCodes returns a kernel over codes: short rows whose distances stand in for
// those of float32 vectors under a metric, to find candidates that exact
// distances then re-rank. Type I8 quantises each vector with a scale of its own
// (euclidean, cosine, inner product); its ranking distances have the magnitude
// of the exact ones. Type Bits keeps the sign of each element (any metric but
// hamming); its ranking distance is the number of signs that differ.
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
	case typ == I8 && metric != Manhattan:
		k.op = opDotI8
	case typ == Bits:
		k.op = opHamming
	default:
		return nil, fmt.Errorf("metric %v has no codes of type %v", metric, typ)
	}
	k.shape()
	return k, nil
}

// putCodes writes the int8 row of a vector whose elements were scaled by factor.
func (k *Kernel) putCodes(row []byte, vector []float32, factor float64) {
	largest := 0.0
	for i, v := range vector {
		largest = max(largest, math.Abs(k.centred(i, v, factor)))
	}
	scale := float32(largest / 127)
	if scale < 0x1p-126 {
		scale = 0x1p-126 // too small to tell from zero
	}
	inverse := 1 / float64(scale)
	for i, v := range vector {
		c := math.RoundToEven(k.centred(i, v, factor) * inverse)
		row[i] = byte(int8(max(-127, min(127, c))))
	}
	k.putTrailer(row, scale)
}

// centred returns an element of a vector about the mean.
func (k *Kernel) centred(i int, v float32, factor float64) float64 {
	x := float64(v) * factor
	if k.mean != nil {
		x -= float64(k.mean[i])
	}
	return x
}

// putWhole writes the row of a vector of whole numbers.
func (k *Kernel) putWhole(row []byte, vector []float32) {
	for i, v := range vector {
		row[i] = byte(int8(v))
	}
	scale := float32(1)
	if k.metric == Cosine {
		scale = float32(1 / norm(vector))
	}
	k.putTrailer(row, scale)
}

func (k *Kernel) putTrailer(row []byte, scale float32) {
	codes := row[:k.dims]
	var squares, sum int64
	for _, b := range codes {
		c := int64(int8(b))
		squares += c * c
		sum += c
	}
	t := trailer{scale: scale, bias: int32(128 * sum)}
	if k.metric != InnerProduct {
		t.norm = float64(scale) * float64(scale) * float64(squares)
	}
	*(*[trailerBytes]byte)(row[k.rowBytes-trailerBytes:]) = *(*[trailerBytes]byte)(unsafe.Pointer(&t))
}

// decode writes what a row stands for: whole numbers, or those of a code times
// its scale, about the mean.
func (k *Kernel) decode(vector []float32, row []byte) {
	for i := range vector {
		vector[i] = float32(int8(row[i]))
	}
	if !k.codes {
		return
	}
	var t trailer
	*(*[trailerBytes]byte)(unsafe.Pointer(&t)) = [trailerBytes]byte(row[k.rowBytes-trailerBytes:])
	for i := range vector {
		vector[i] *= t.scale
		if k.mean != nil {
			vector[i] += k.mean[i]
		}
	}
}
