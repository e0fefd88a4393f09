package distance

import "unsafe"

// trailer ends a row of stored int8 elements c, which are filled up with zeros to
// whole blocks. The vector is scale*c, where scale is 1, or 1/length under cosine;
// with the scales taken out of the sum, one product of whole numbers gives every
// metric but manhattan:
//
//	norm(q) + norm(r) - weight * scale(q)*scale(r) * (sum of q*r)
//
// For euclidean and cosine norm is the squared length of scale*c and weight is
// 2: the squared distance. For inner product norm is 0 and weight 1.
type trailer struct {
	norm  float64
	scale float32
	bias  int32 // 128 times the sum of c, for products of unsigned by signed
}

const trailerBytes = int(unsafe.Sizeof(trailer{}))

// putWhole writes the row of a vector of whole numbers.
func (k *Kernel) putWhole(row []byte, vector []float32) {
	var squares, sum int64
	for i, v := range vector {
		c := int64(v)
		row[i] = byte(int8(c))
		squares += c * c
		sum += c
	}
	scale := float32(1)
	if k.metric == Cosine {
		scale = float32(1 / norm(vector))
	}
	t := trailer{scale: scale, bias: int32(128 * sum)}
	if k.metric != InnerProduct {
		t.norm = float64(scale) * float64(scale) * float64(squares)
	}
	*(*[trailerBytes]byte)(row[k.rowBytes-trailerBytes:]) = *(*[trailerBytes]byte)(unsafe.Pointer(&t))
}

// decodeWhole writes the whole numbers of a row.
func (k *Kernel) decodeWhole(vector []float32, row []byte) {
	for i := range vector {
		vector[i] = float32(int8(row[i]))
	}
}
