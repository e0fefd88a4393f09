package measure

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"math"
	"math/bits"

	"github.com/spf13/cobra"

	"github.com/hannoydb/hannoy"
	"github.com/hannoydb/hannoy/cmd/hannoyctl/internal/operand"
	"github.com/hannoydb/hannoy/cmd/hannoyctl/internal/terminal"
	"github.com/hannoydb/hannoy/internal/vecfile"
)

// A Point is a vector of numbers or of bits, that of the item with a key, or several of these in several indexes.
type Point struct {
	Vector []float32
	Bits   []byte
	Key    []byte
	Parts  []hannoy.Part
}

// Search is a query of any kind.
func (p Point) Search(ctx context.Context, s *hannoy.Snapshot, k int, opts *hannoy.SearchOptions) ([]hannoy.Hit, error) {
	switch {
	case p.Parts != nil:
		return s.SearchFused(ctx, p.Parts, k, opts)
	case p.Key != nil:
		return s.SearchKey(ctx, p.Key, k, opts)
	case p.Bits != nil:
		return s.SearchBits(ctx, p.Bits, k, opts)
	}
	return s.Search(ctx, p.Vector, k, opts)
}

// Query is the point as a stream's query.
func (p Point) Query() hannoy.Query { return hannoy.Query{Vector: p.Vector, Bits: p.Bits, Key: p.Key} }

// DistanceOf measures in float64, apart from the index's own kernels: it judges them.
func DistanceOf(metric hannoy.Metric, a, b Point) float64 {
	var sum float64
	switch metric {
	case hannoy.Hamming:
		var differing int
		for i, x := range a.Bits {
			differing += bits.OnesCount8(x ^ b.Bits[i])
		}
		return float64(differing)
	case hannoy.Manhattan:
		for i, x := range a.Vector {
			sum += math.Abs(float64(x) - float64(b.Vector[i]))
		}
		return sum
	case hannoy.InnerProduct:
		return -Dot(a.Vector, b.Vector)
	case hannoy.Cosine:
		cos := Dot(a.Vector, b.Vector) / math.Sqrt(Dot(a.Vector, a.Vector)*Dot(b.Vector, b.Vector))
		return min(max(1-cos, 0), 2)
	}
	return math.Sqrt(squared(a.Vector, b.Vector))
}

// squared is the squared euclidean distance. Four sums at a time, because each addition waits for the one before it.
func squared(a, b []float32) float64 {
	var s0, s1, s2, s3 float64
	b = b[:len(a)]
	i := 0
	for ; i+4 <= len(a); i += 4 {
		d0, d1 := float64(a[i])-float64(b[i]), float64(a[i+1])-float64(b[i+1])
		d2, d3 := float64(a[i+2])-float64(b[i+2]), float64(a[i+3])-float64(b[i+3])
		s0, s1, s2, s3 = s0+d0*d0, s1+d1*d1, s2+d2*d2, s3+d3*d3
	}
	for ; i < len(a); i++ {
		d := float64(a[i]) - float64(b[i])
		s0 += d * d
	}
	return s0 + s1 + s2 + s3
}

// Dot is the inner product, in float64.
func Dot(a, b []float32) float64 {
	var s0, s1, s2, s3 float64
	b = b[:len(a)]
	i := 0
	for ; i+4 <= len(a); i += 4 {
		s0, s1 = s0+float64(a[i])*float64(b[i]), s1+float64(a[i+1])*float64(b[i+1])
		s2, s3 = s2+float64(a[i+2])*float64(b[i+2]), s3+float64(a[i+3])*float64(b[i+3])
	}
	for ; i < len(a); i++ {
		s0 += float64(a[i]) * float64(b[i])
	}
	return s0 + s1 + s2 + s3
}

// QueriesOf reads the whole input into memory, for a base of that metric and dimensions.
func QueriesOf(cmd *cobra.Command, in *operand.Input, metric hannoy.Metric, dimensions int, base string) ([]Point, error) {
	r, err := in.OpenRows(cmd, vecfile.Options{Bits: metric == hannoy.Hamming, Part: "test"}, "")
	if err != nil {
		return nil, err
	}
	defer r.Close()
	if got := r.Dimensions(); got != 0 && got != dimensions {
		return nil, terminal.WithHint(fmt.Errorf("queries of %s have %s dimensions, %s has %s", in.File, terminal.Thousands(got), base, terminal.Thousands(dimensions)),
			"queries must come from where the vectors of the index came from")
	}
	points, err := ReadPoints(cmd.Context(), r, -1)
	if err == nil && len(points) == 0 {
		err = fmt.Errorf("%s holds no queries", in.File)
	}
	return points, err
}

// ReadPoints reads the next rows, at most that many unless it is -1, into memory.
func ReadPoints(ctx context.Context, r *vecfile.Reader, most int) (points []Point, err error) {
	for len(points) != most && ctx.Err() == nil {
		row, err := r.Next()
		if err == io.EOF {
			return points, nil
		}
		if err != nil {
			return nil, err
		}
		points = append(points, Point{Vector: append([]float32(nil), row.Vector...), Bits: bytes.Clone(row.Bits)})
	}
	return points, ctx.Err()
}
