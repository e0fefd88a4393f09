package distance

import "testing"

// The largest sums of whole numbers are exact, in the longest rows too.
func TestWholeNumberExtremes(t *testing.T) {
	forEachImplementation(t, func(t *testing.T) {
		for _, dims := range []int{1, 2032, 2048, 2049, MaxDimensions} {
			x, y := make([]float32, dims), make([]float32, dims)
			for i := range x {
				x[i], y[i] = -128, 127
			}
			n := float64(dims)
			for metric, want := range map[Metric][3]float64{ // x to y, x to x, y to y
				Euclidean:    {n * 255 * 255, 0, 0},
				InnerProduct: {n * 128 * 127, -n * 128 * 128, -n * 127 * 127},
				Manhattan:    {n * 255, 0, 0},
			} {
				k := mustNew(t, metric, I8, dims)
				a, b := placed(k.AppendRow(nil, x), 0), placed(k.AppendRow(nil, y), 0)
				for i, got := range []float32{k.Pair(a, b), k.Pair(a, a), k.Pair(b, b)} {
					if got != float32(want[i]) {
						t.Errorf("%v of %d dimensions: %v, want %v", metric, dims, got, want[i])
					}
				}
			}
		}
	})
}
