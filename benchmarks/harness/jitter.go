package harness

import (
	"errors"
	"math"
	"math/rand/v2"
)

// jitterShare is how far a made row lies from the row that it was made from, as a share
// of how much each number varies over the data set.
const jitterShare = 0.2

// Jitter makes rows of numbers out of few: the given ones come first, and then copies
// of them, each number moved a little at random. The same rows and count give the same
// result.
func Jitter(rows *Rows, count int) (*Rows, error) {
	if rows.F32 == nil {
		return nil, errors.New("only rows of numbers can be jittered, not bits")
	}
	sigma := deviations(rows)
	random := rand.New(rand.NewPCG(1, 2))
	out := &Rows{Count: count, Width: rows.Width, F32: make([]float32, 0, count*rows.Width)}
	for i := range count {
		for d, x := range rows.Row(i % rows.Count).F32 {
			if i >= rows.Count {
				x += float32(random.NormFloat64() * sigma[d] * jitterShare)
			}
			out.F32 = append(out.F32, x)
		}
	}
	return out, nil
}

// deviations is the standard deviation of each number over the rows.
func deviations(rows *Rows) []float64 {
	sums, squares := make([]float64, rows.Width), make([]float64, rows.Width)
	for i := range rows.Count {
		for d, x := range rows.Row(i).F32 {
			sums[d] += float64(x)
			squares[d] += float64(x) * float64(x)
		}
	}
	n := float64(rows.Count)
	for d := range sums {
		mean := sums[d] / n
		sums[d] = math.Sqrt(max(0, squares[d]/n-mean*mean))
	}
	return sums
}
