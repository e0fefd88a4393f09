package distance

import (
	"fmt"
	"strings"
)

// Metric says how the distance of two vectors is measured. The values are
// stored in files: never renumber them.
type Metric uint8

// The metrics. The distances that users see are the root of the sum of squared differences;
// 1 less the cosine of the angle; the inner product, negative; the sum of magnitudes of
// differences; the number of bits that differ.
const (
	Euclidean    Metric = 1
	Cosine       Metric = 2
	InnerProduct Metric = 3
	Manhattan    Metric = 4
	Hamming      Metric = 5
)

var metricNames = [...]string{
	Euclidean:    "euclidean",
	Cosine:       "cosine",
	InnerProduct: "inner-product",
	Manhattan:    "manhattan",
	Hamming:      "hamming",
}

// String returns the name that [ParseMetric] accepts.
func (m Metric) String() string {
	if m == 0 || int(m) >= len(metricNames) {
		return fmt.Sprintf("Metric(%d)", uint8(m))
	}
	return metricNames[m]
}

// ParseMetric returns the metric of a name: euclidean (or l2), cosine,
// inner-product (or ip, dot), manhattan (or l1), hamming. Case is ignored.
func ParseMetric(name string) (Metric, error) {
	switch s := strings.ToLower(name); s {
	case "l2":
		return Euclidean, nil
	case "ip", "dot", "inner_product", "innerproduct":
		return InnerProduct, nil
	case "l1":
		return Manhattan, nil
	default:
		for m := Euclidean; m <= Hamming; m++ {
			if s == metricNames[m] {
				return m, nil
			}
		}
	}
	return 0, fmt.Errorf("unknown metric %q: use one of %s", name, strings.Join(metricNames[1:], ", "))
}

// MarshalText returns the metric's name, so that JSON shows it.
func (m Metric) MarshalText() ([]byte, error) {
	if m == 0 || int(m) >= len(metricNames) {
		return nil, fmt.Errorf("unknown metric %d", uint8(m))
	}
	return []byte(metricNames[m]), nil
}

// UnmarshalText is the inverse of [Metric.MarshalText].
func (m *Metric) UnmarshalText(text []byte) error {
	parsed, err := ParseMetric(string(text))
	if err != nil {
		return err
	}
	*m = parsed
	return nil
}

// VectorType says how the elements of a row are held. The values are stored in
// files: never renumber them.
type VectorType uint8

const (
	F32  VectorType = 1 // IEEE 754 single precision
	F16  VectorType = 2 // IEEE 754 half precision
	I8   VectorType = 3 // whole numbers from -128 to 127
	Bits VectorType = 4 // single bits, packed into bytes
)

var typeNames = [...]string{F32: "f32", F16: "f16", I8: "int8", Bits: "bits"}

// String returns the name that [ParseVectorType] accepts.
func (t VectorType) String() string {
	if t == 0 || int(t) >= len(typeNames) {
		return fmt.Sprintf("VectorType(%d)", uint8(t))
	}
	return typeNames[t]
}

// ParseVectorType returns the vector type of a name: f32, f16, int8, bits.
func ParseVectorType(name string) (VectorType, error) {
	for t := F32; t <= Bits; t++ {
		if strings.EqualFold(name, typeNames[t]) {
			return t, nil
		}
	}
	return 0, fmt.Errorf("unknown vector type %q: use one of %s", name, strings.Join(typeNames[1:], ", "))
}

// MarshalText returns the type's name, so that JSON shows it.
func (t VectorType) MarshalText() ([]byte, error) {
	if t == 0 || int(t) >= len(typeNames) {
		return nil, fmt.Errorf("unknown vector type %d", uint8(t))
	}
	return []byte(typeNames[t]), nil
}

// UnmarshalText is the inverse of [VectorType.MarshalText].
func (t *VectorType) UnmarshalText(text []byte) error {
	parsed, err := ParseVectorType(string(text))
	if err != nil {
		return err
	}
	*t = parsed
	return nil
}
