package harness

import (
	"fmt"
	"math"
	"math/bits"
	"strings"
)

// Slack is how much farther than the true k-th a row may be and still count as found.
const Slack = 1e-3

// MetricOf says how the rows of a data set that we know by the beginning of its name are
// compared.
func MetricOf(name string) (string, error) {
	for _, known := range []struct{ prefix, metric string }{
		{"sift", "euclidean"}, {"words", "cosine"}, {"lsa", "cosine"}, {"orb", "hamming"},
	} {
		if strings.HasPrefix(name, known.prefix) {
			return known.metric, nil
		}
	}
	return "", fmt.Errorf("unknown metric for %q (give --metric euclidean, cosine, inner-product or hamming)", name)
}

// Distance is computed in float64, so that no system's own idea of a distance plays a
// part in its score.
func Distance(metric string, a, b Vector) float64 {
	switch metric {
	case "hamming":
		differing := 0
		for i, x := range a.Bits {
			differing += bits.OnesCount8(x ^ b.Bits[i])
		}
		return float64(differing)
	case "cosine":
		var dot, aa, bb float64
		for i, x := range a.F32 {
			y := b.F32[i]
			dot += float64(x) * float64(y)
			aa += float64(x) * float64(x)
			bb += float64(y) * float64(y)
		}
		return 1 - dot/math.Sqrt(aa*bb)
	case "inner-product":
		var dot float64
		for i, x := range a.F32 {
			dot += float64(x) * float64(b.F32[i])
		}
		return -dot
	default:
		var sum float64
		for i, x := range a.F32 {
			d := float64(x) - float64(b.F32[i])
			sum += d * d
		}
		return math.Sqrt(sum)
	}
}
