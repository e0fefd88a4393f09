package distance

import (
	"fmt"
	"math"
	"testing"
	"unsafe"
)

func randomMean(t *testing.T, dims int) []float32 {
	rng := newRand(t)
	mean := make([]float32, dims)
	for i := range mean {
		mean[i] = rng.Float32() * 2
	}
	return mean
}

// The distance of two codes is the distance of the vectors they stand for.
func TestCodesOfEveryLength(t *testing.T) {
	forEachImplementation(t, func(t *testing.T) {
		for _, metric := range []Metric{Euclidean, Cosine, InnerProduct} {
			t.Run(metric.String(), func(t *testing.T) { testCodes(t, metric) })
		}
	})
}

func testCodes(t *testing.T, metric Metric) {
	rng := newRand(t)
	all := randomMean(t, 1025)
	for dims := scaleBits; dims <= 1025; dims += lengthStep {
		var mean []float32
		if metric != InnerProduct && dims%2 == 0 {
			mean = all[:dims]
		}
		k, err := NewCodes(metric, I8, dims, mean)
		if err != nil {
			t.Fatal(err)
		}
		a, b := k.AppendRow(nil, randomVector(rng, k)), k.AppendRow(nil, randomVector(rng, k))
		pa, pb := placed(a, rng.IntN(64)), placed(b, rng.IntN(64))
		x, y := exactDecode(k, a), exactDecode(k, b)
		var want, magnitude float64
		for i := range x {
			if metric == InnerProduct {
				want -= x[i] * y[i]
			} else {
				want += (x[i] - y[i]) * (x[i] - y[i])
			}
			magnitude += x[i]*x[i] + y[i]*y[i]
		}
		got := k.Pair(pa, pb)
		bound := math.Ldexp(math.Abs(want), -24) + math.Ldexp(magnitude, -45) + 0x1p-149
		if math.Abs(float64(got)-want) > bound || metric != InnerProduct && got < 0 {
			t.Fatalf("%d dimensions: %v, want %v within %v", dims, got, want, bound)
		}
		if back := k.Pair(pb, pa); math.Float32bits(back) != math.Float32bits(got) {
			t.Fatalf("%d dimensions: %v one way, %v the other", dims, got, back)
		}
		if same := k.Pair(pa, placed(a, 0)); same != 0 && metric != InnerProduct {
			t.Fatalf("%d dimensions: equal codes are %v apart", dims, same)
		}
		if spec := withImplementation(portable, func() float32 { return k.Pair(pa, pb) }); math.Float32bits(spec) != math.Float32bits(got) {
			t.Fatalf("%d dimensions: %s gives %v, portable %v", dims, active, got, spec)
		}
	}
}

func withImplementation(i implementation, f func() float32) float32 {
	before := active
	defer func() { active = before }()
	active = i
	return f()
}

// exactDecode is what a code stands for, less the mean, in float64.
func exactDecode(k *Kernel, row []byte) []float64 {
	scale := scaleOf((*[scaleBits]byte)(row))
	x := make([]float64, k.dims)
	for i := range x {
		x[i] = float64(scale) * float64(int8(row[i]))
	}
	return x
}

// A code is within half a step of the vector, a step being 1/127 of the largest
// element about the mean, rounded up to a bfloat16; within a step where the count
// carries a bit of the scale.
func TestCodesAreNear(t *testing.T) {
	rng := newRand(t)
	for dims := scaleBits; dims <= 300; dims++ {
		mean := randomMean(t, dims)
		k, err := NewCodes(Euclidean, I8, dims, mean)
		if err != nil {
			t.Fatal(err)
		}
		x := make([]float32, dims)
		largest := 0.0
		for i := range x {
			x[i] = mean[i] + float32(rng.NormFloat64())
			largest = max(largest, math.Abs(float64(x[i]-mean[i])))
		}
		for i, v := range k.Vector(nil, k.AppendRow(nil, x)) {
			bound := largest / 127 / 2 * (1 + 1.0/64)
			if i < scaleBits {
				bound *= 2
			}
			if d := math.Abs(float64(v - x[i])); d > bound {
				t.Fatalf("%d dimensions, element %d: %v became %v", dims, i, x[i], v)
			}
		}
	}
}

func TestSignCodes(t *testing.T) {
	k, err := NewCodes(Cosine, Bits, 3, []float32{0.5, 0, -0.9})
	if err != nil {
		t.Fatal(err)
	}
	a := k.AppendRow(nil, []float32{10, 0, 0}) // above, not above, above the mean
	b := k.AppendRow(nil, []float32{1, 0, -10})
	if got := fmt.Sprint(k.Vector(nil, a), k.Vector(nil, b)); got != "[1 0 1] [0 0 0]" {
		t.Errorf("signs are %v", got)
	}
	if d := k.Report(k.Pair(unsafe.Pointer(&a[0]), unsafe.Pointer(&b[0]))); d != 2 {
		t.Errorf("%v signs differ, want 2", d)
	}
}

func TestCodesOfExtremes(t *testing.T) {
	for _, metric := range []Metric{Euclidean, InnerProduct} {
		k, err := NewCodes(metric, I8, scaleBits, nil)
		if err != nil {
			t.Fatal(err)
		}
		vectors := make([][]float32, 4)
		for i, v := range [][]float32{{0}, {1e-45}, {MaxValue, -MaxValue, 0, 1}, {-MaxValue, MaxValue, 0, 1}} {
			vectors[i] = append(v, make([]float32, scaleBits-len(v))...)
		}
		for _, x := range vectors {
			for _, y := range vectors {
				a, b := k.AppendRow(nil, x), k.AppendRow(nil, y)
				d := float64(k.Pair(unsafe.Pointer(&a[0]), unsafe.Pointer(&b[0])))
				if math.IsNaN(d) || math.IsInf(d, 0) {
					t.Errorf("%v: %v to %v is %v", metric, x, y, d)
				}
			}
		}
	}
}

func TestNewCodesRefuses(t *testing.T) {
	for _, c := range []struct {
		metric Metric
		typ    VectorType
		mean   []float32
	}{
		{Euclidean, I8, make([]float32, 3)},
		{InnerProduct, I8, make([]float32, 4)},
		{Manhattan, I8, nil},
		{Hamming, Bits, nil},
		{Euclidean, F16, nil},
		{0, I8, nil},
	} {
		if _, err := NewCodes(c.metric, c.typ, scaleBits, c.mean); err == nil {
			t.Errorf("NewCodes(%v, %v, mean of %d) was accepted", c.metric, c.typ, len(c.mean))
		}
	}
	if _, err := NewCodes(Euclidean, I8, scaleBits-1, nil); err == nil {
		t.Errorf("int8 codes of %d dimensions were accepted", scaleBits-1)
	}
}

// The largest sums that codes can have are exact.
func TestLargestCodes(t *testing.T) {
	forEachImplementation(t, func(t *testing.T) {
		for _, dims := range []int{16, 2032, 2048, 2049, MaxDimensions} {
			x, y := make([]float32, dims), make([]float32, dims)
			for i := range x {
				x[i], y[i] = -127, 127
			}
			for metric, want := range map[Metric]float64{Euclidean: 4, InnerProduct: 1} {
				k, err := NewCodes(metric, I8, dims, nil)
				if err != nil {
					t.Fatal(err)
				}
				a, b := placed(k.AppendRow(nil, x), 0), placed(k.AppendRow(nil, y), 0)
				// A scale of 1 has the even bits 0x3f80: seven counts are odd, nine even.
				want *= float64(7*127*127 + 9*126*126 + (dims-16)*127*127)
				if got := k.Pair(a, b); got != float32(want) {
					t.Errorf("%v of %d dimensions: %v, want %v", metric, dims, got, want)
				}
			}
		}
	})
}
