package distance

import (
	"bytes"
	"errors"
	"fmt"
	"math"
)

// MaxDimensions is the largest number of dimensions of a [Kernel].
const MaxDimensions = 1 << 16

// MaxValue is the largest magnitude of an element: the squared distance of two
// vectors of [MaxDimensions] such elements is still finite. Under cosine any
// finite value will do, since only the direction counts.
const MaxValue = 1 << 54

// ErrZeroVector is returned for a vector of zeros under cosine, which has no
// direction.
var ErrZeroVector = errors.New("vector is zero and has no direction: cosine is not defined for it")

// ValueError says that one element of a vector cannot be stored.
type ValueError struct {
	Index int     // position in the vector, from 0
	Value float32 // what is there
	Want  string  // what may be there
}

// Error names the element, its value and what may stand there.
func (e *ValueError) Error() string {
	return fmt.Sprintf("number %d of the vector is %v: want %s", e.Index, e.Value, e.Want)
}

// Check returns nil when the vector may be stored and queried: a [*ValueError]
// names the first element that may not, [ErrZeroVector] a vector of zeros under
// cosine. The vector's length is the caller's to check.
func (k *Kernel) Check(vector []float32) error {
	limit, want := k.limit()
	if k.typ == F32 && k.metric != Cosine && within(vector, limit) {
		return nil
	}
	whole := k.typ == I8 && !k.codes
	zero := true
	for i, v := range vector {
		// Written so that NaN fails it too.
		if !(v >= -limit && v <= limit) || whole && (v > 127 || v != float32(int32(v))) {
			return &ValueError{Index: i, Value: v, Want: want}
		}
		if v != 0 {
			zero = false
		}
	}
	if zero && k.metric == Cosine {
		return ErrZeroVector
	}
	return nil
}

// within reports whether all magnitudes are at most limit. As integers the bits of
// magnitudes are in their order, those of infinity and NaN above all numbers.
func within(vector []float32, limit float32) bool {
	var a, b, c, d uint32
	for ; len(vector) >= 4; vector = vector[4:] {
		v := vector[:4:4]
		a = max(a, math.Float32bits(v[0])&^signBit)
		b = max(b, math.Float32bits(v[1])&^signBit)
		c = max(c, math.Float32bits(v[2])&^signBit)
		d = max(d, math.Float32bits(v[3])&^signBit)
	}
	for _, v := range vector {
		a = max(a, math.Float32bits(v)&^signBit)
	}
	return max(a, b, c, d) <= math.Float32bits(limit)
}

const signBit = 1 << 31

// CheckRow returns nil for a row that [Kernel.AppendRow] or [Kernel.AppendBitsRow]
// may have made, which has RowBytes bytes; vector is its [Kernel.Vector].
func (k *Kernel) CheckRow(row []byte, vector []float32) error {
	if k.typ == I8 && !bytes.Equal(row, k.AppendRow(nil, vector)) {
		return errors.New("row does not end as its elements demand")
	}
	if padding := bytes.Trim(row[k.elementBytes():], "\x00"); k.typ != I8 && len(padding) > 0 {
		return fmt.Errorf("row is filled up with %x: want zeros", padding)
	}
	if k.typ == Bits {
		return nil
	}
	if err := k.Check(vector); err != nil || k.metric != Cosine || k.typ == I8 {
		return err
	}
	slack := 1e-6 // of rounding
	if k.typ == F16 {
		slack = 1e-3
	}
	if length := norm(vector); !(math.Abs(length-1) <= slack) {
		return fmt.Errorf("stored vector has length %v: cosine keeps it scaled to 1", length)
	}
	return nil
}

// limit returns the largest magnitude of an element, and says it in words.
func (k *Kernel) limit() (float32, string) {
	switch {
	case k.typ == I8 && !k.codes:
		return 128, "a whole number from -128 to 127 (type f16 holds those up to 2,048 exactly, f32 any)"
	case k.metric == Cosine:
		return math.MaxFloat32, "a finite number"
	case k.typ == F16:
		return maxF16, "a number of magnitude at most 65504, the largest of type f16 (type f32 holds more)"
	default:
		return MaxValue, "a finite number of magnitude at most 2^54"
	}
}
