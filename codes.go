package hannoy

import (
	"fmt"

	"github.com/hannoydb/hannoy/codec"
	"github.com/hannoydb/hannoy/distance"
)

// Codes are short stand-ins of the stored vectors. Searches walk the graph on codes,
// which takes a fraction of the memory traffic, and compare the best candidates by
// their stored vectors, so that distances stay exact.
type Codes uint8

// The kinds of codes.
const (
	// CodesAuto is int8 where the metric has them, for 16 dimensions or more, and where they
	// tell neighbours apart, which builds measure; else none.
	CodesAuto   Codes = iota
	CodesNone         // walk on the stored vectors
	CodesInt8         // a byte per number and a scale per vector: euclidean, cosine, inner product; 16 dimensions or more
	CodesBinary       // a bit per number: for many dimensions (512 or more), with a larger ef
)

var codesNames = [...]string{"auto", "none", "int8", "binary"}

// String returns the name that ParseCodes accepts.
func (c Codes) String() string {
	if int(c) < len(codesNames) {
		return codesNames[c]
	}
	return fmt.Sprintf("codes(%d)", uint8(c))
}

// ParseCodes returns the codes of a name: auto, none, int8 or binary.
func ParseCodes(name string) (Codes, error) {
	for c, n := range codesNames {
		if n == name {
			return Codes(c), nil
		}
	}
	return 0, fmt.Errorf("%w: codes %q, want auto, none, int8 or binary", ErrInvalid, name)
}

// MarshalText returns the name of the codes.
func (c Codes) MarshalText() ([]byte, error) { return []byte(c.String()), nil }

// UnmarshalText is the inverse of MarshalText.
func (c *Codes) UnmarshalText(text []byte) (err error) {
	*c, err = ParseCodes(string(text))
	return err
}

// vectorType returns the type of the codes' rows, 0 for none.
func (c Codes) vectorType(m *codec.Meta) distance.VectorType {
	metric := Metric(m.Metric)
	switch {
	case c == CodesBinary:
		return distance.Bits
	case c == CodesInt8, c == CodesAuto && m.HasGraph() && metric != Manhattan && metric != Hamming &&
		VectorType(m.VectorType) != I8 && m.Dimensions >= distance.MinCodeDimensions:
		return distance.I8
	}
	return 0
}

// codesOf returns the codes whose rows are of a type, none for 0.
func codesOf(typ uint8) Codes {
	switch distance.VectorType(typ) {
	case distance.I8:
		return CodesInt8
	case distance.Bits:
		return CodesBinary
	}
	return CodesNone
}
