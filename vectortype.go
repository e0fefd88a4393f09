package hannoy

import "github.com/hannoydb/hannoy/distance"

// VectorType says how the numbers of a vector are stored. An index has one,
// which [Index.Alter] changes. Queries are brought to the same type before they are compared, so what
// Put refuses, Search refuses.
type VectorType = distance.VectorType

// The vector types. Put refuses a number that its type does not hold with an error
// that wraps ErrInvalid and is a *ValueError.
const (
	// F32 keeps float32 as they are: 4 bytes a number.
	F32 = distance.F32
	// F16 rounds to the nearest half-precision number, ties to even: 2 bytes a number,
	// 11 significant bits, magnitudes up to 65,504. Get returns the rounded numbers, and
	// distances are between rounded vectors.
	F16 = distance.F16
	// I8 keeps whole numbers from -128 to 127, and no others: 1 byte a number. Get
	// returns them as they were put, under Cosine too.
	I8 = distance.I8
	// Bits keeps single bits, for the metric Hamming and no other; see Batch.PutBits.
	Bits = distance.Bits
)

// TypeFor returns the vector type that an index of the metric has when none is asked for.
func TypeFor(metric Metric) VectorType {
	if metric == Hamming {
		return Bits
	}
	return F32
}

// ParseVectorType returns the vector type of a name: f32, f16, int8 or bits.
func ParseVectorType(name string) (VectorType, error) { return distance.ParseVectorType(name) }

// ValueError says which number of a vector cannot be stored: its Index, the Value there, and
// in words what Want may be there. The errors that are it wrap ErrInvalid too.
type ValueError = distance.ValueError

// VectorType is how the index stores the numbers of its vectors.
func (ix *Index) VectorType() VectorType { return ix.kernel.Load().Type() }
