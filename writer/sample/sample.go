// Package sample says what a sample of the stored vectors tells of all: about which middle codes of them are
// taken best, and whether these tell neighbours apart. It knows nothing of graphs, records and transactions.
package sample

import (
	"iter"
	"math"

	"github.com/hannoydb/hannoy/distance"
)

// Vectors are those of an index.
type Vectors struct {
	Kernel *distance.Kernel
	Next   uint32 // they are in the slots below, dead and free ones among them
	Row    func(slot uint32) ([]byte, error)
}

// Slots yields so many slots at most, evenly over all below next.
func Slots(next, most uint32) iter.Seq[uint32] {
	return func(yield func(uint32) bool) {
		n := min(next, most)
		for i := range n {
			if !yield(uint32(uint64(i) * uint64(next) / uint64(n))) {
				return
			}
		}
	}
}

// each calls visit with so many slots at most, spread evenly over all, their rows and vectors. A vector is valid during the call.
func (v *Vectors) each(most uint32, visit func(slot uint32, row []byte, vector []float32)) error {
	var vector []float32
	for slot := range Slots(v.Next, most) {
		row, err := v.Row(slot)
		if err != nil {
			return err
		}
		vector = v.Kernel.Vector(vector[:0], row[:v.Kernel.RowBytes()])
		visit(slot, row, vector)
	}
	return nil
}

// The mean that codes are taken about is that of this many vectors at most.
const meanSample = 1 << 14

// mean is that of the vectors, about which codes of bits are taken: signs say nothing of
// data that lie on one side of the origin.
func (v *Vectors) mean() ([]float32, error) {
	kernel := v.Kernel
	if kernel.Metric() == distance.InnerProduct {
		return nil, nil
	}
	mean := make([]float32, kernel.Dimensions())
	n := min(v.Next, meanSample)
	err := v.each(n, func(_ uint32, _ []byte, vector []float32) {
		weight := 1 / float32(n)
		if kernel.Metric() == distance.Cosine && kernel.Type() == distance.I8 {
			weight /= length(vector) // other types are stored scaled to length 1
		}
		for d, v := range vector {
			mean[d] += v * weight
		}
	})
	return mean, err
}

// length is that of a vector other than zero; for a vector of zeros it is 1.
func length(vector []float32) float32 {
	var squares float64
	for _, v := range vector {
		squares += float64(v) * float64(v)
	}
	if squares == 0 {
		return 1
	}
	return float32(math.Sqrt(squares))
}
