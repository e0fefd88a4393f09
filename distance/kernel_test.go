package distance

import (
	"fmt"
	"math"
	"math/bits"
	"math/rand/v2"
	"runtime/debug"
	"testing"
	"unsafe"
)

// shapes are all pairs of metric and type that New accepts.
var shapes = []struct {
	metric Metric
	typ    VectorType
}{
	{Euclidean, F32}, {Cosine, F32}, {InnerProduct, F32}, {Manhattan, F32},
	{Euclidean, F16}, {Cosine, F16}, {InnerProduct, F16}, {Manhattan, F16},
	{Euclidean, I8}, {Cosine, I8}, {InnerProduct, I8}, {Manhattan, I8},
	{Hamming, Bits},
}

// forEachShape runs f for every metric and type on every implementation that
// this machine has.
func forEachShape(t *testing.T, f func(t *testing.T, kernel func(dims int) *Kernel)) {
	forEachImplementation(t, func(t *testing.T) {
		for _, s := range shapes {
			t.Run(fmt.Sprintf("%v/%v", s.metric, s.typ), func(t *testing.T) {
				f(t, func(dims int) *Kernel { return mustNew(t, s.metric, s.typ, dims) })
			})
		}
	})
}

func mustNew(t testing.TB, metric Metric, typ VectorType, dims int) *Kernel {
	t.Helper()
	k, err := New(metric, typ, dims)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func newRand(t testing.TB) *rand.Rand {
	t.Helper()
	const seed = 1
	t.Logf("seed %d", seed)
	return rand.New(rand.NewPCG(seed, 2))
}

// randomVector draws a vector of one of several characters, all accepted by Check.
func randomVector(rng *rand.Rand, k *Kernel) []float32 {
	v := make([]float32, k.Dimensions())
	if k.typ == I8 && !k.codes {
		spread := []int{1, 10, 127}[rng.IntN(3)]
		for i := range v {
			v[i] = float32(rng.IntN(2*spread+1) - spread)
			if spread == 127 && rng.IntN(4) == 0 {
				v[i] = -128
			}
		}
		v[rng.IntN(len(v))] = 1
		return v
	}
	limit := float64(MaxValue)
	if k.typ == F16 {
		limit = maxF16
	}
	kind := rng.IntN(6)
	for i := range v {
		x := rng.NormFloat64()
		switch kind {
		case 1: // far from the origin
			x += 1000
		case 2: // squares vanish
			x *= 1e-30
		case 3: // subnormal
			x *= 1e-42
		case 4: // as large as it may be
			x = math.Copysign(limit, x) * rng.Float64()
		case 5: // every scale at once
			x *= math.Pow(10, 10*rng.Float64()-5)
		}
		v[i] = float32(max(-limit, min(limit, x)))
	}
	v[rng.IntN(len(v))] = 1
	return v
}

// placed copies a row to a start of the given offset from a 64-byte boundary,
// with bytes around it that would spoil any distance they entered.
func placed(row []byte, offset int) unsafe.Pointer {
	buffer := make([]byte, len(row)+3*64)
	for i := range buffer {
		buffer[i] = 0xff
	}
	start := -int(uintptr(unsafe.Pointer(&buffer[0]))) & 63
	copy(buffer[start+offset:], row)
	return unsafe.Pointer(&buffer[start+offset])
}

// reference returns the ranking distance of two rows in float64, and how far
// from it a kernel may be. With u = 2^-24, a float32 sum of n terms over at
// least two accumulators is off by at most (n/2+8)u times the sum of the terms'
// magnitudes, each term itself by 3u, and each may lose a subnormal 2^-149.
// Sums of whole numbers are exact until they are rounded once.
func reference(k *Kernel, a, b []byte) (want, bound float64) {
	if k.metric == Hamming {
		n := 0
		for i := range a {
			n += bits.OnesCount8(a[i] ^ b[i])
		}
		return float64(n), 0
	}
	x, y := k.Vector(nil, a), k.Vector(nil, b)
	if k.typ == I8 && k.metric == Cosine {
		// The lengths are kept as float32.
		return 2 - 2*product(x, y)/(norm(x)*norm(y)), math.Ldexp(8, -24)
	}
	var sum, magnitude float64
	for i := range x {
		p, q := float64(x[i]), float64(y[i])
		var term float64
		switch k.metric {
		case Euclidean, Cosine:
			term = (p - q) * (p - q)
		case InnerProduct:
			term = -p * q
		case Manhattan:
			term = math.Abs(p - q)
		}
		sum += term
		magnitude += math.Abs(term)
	}
	if k.typ == I8 {
		return sum, math.Ldexp(math.Abs(sum), -24)
	}
	n := float64(k.dims)
	return sum, (n/2+8+3)*math.Ldexp(magnitude, -24) + math.Ldexp(n, -149)
}

func product(x, y []float32) (sum float64) {
	for i := range x {
		sum += float64(x[i]) * float64(y[i])
	}
	return sum
}

func TestEveryLengthAgainstReference(t *testing.T) {
	forEachShape(t, func(t *testing.T, kernel func(int) *Kernel) {
		rng := newRand(t)
		for dims := 1; dims <= 1025; dims += lengthStep {
			k := kernel(dims)
			for range 3 {
				a := k.AppendRow(nil, randomVector(rng, k))
				b := k.AppendRow(nil, randomVector(rng, k))
				pa, pb := placed(a, rng.IntN(64)), placed(b, rng.IntN(64))
				got := k.Pair(pa, pb)
				want, bound := reference(k, a, b)
				if math.Abs(float64(got)-want) > bound || math.IsInf(float64(got), 0) {
					t.Fatalf("%d dimensions: %v, want %v within %v", dims, got, want, bound)
				}
				if back := k.Pair(pb, pa); math.Float32bits(back) != math.Float32bits(got) {
					t.Fatalf("%d dimensions: %v one way, %v the other", dims, got, back)
				}
				if same := k.Pair(pa, placed(a, rng.IntN(64))); same != 0 && k.metric != InnerProduct {
					t.Fatalf("%d dimensions: equal rows are %v apart", dims, same)
				}
			}
		}
	})
}

// testRows makes slabs of random rows at a start of the given alignment, and the
// address of each row.
func testRows(rng *rand.Rand, k *Kernel, slabs, rowsPerSlab, stride, offset int) (Rows, []unsafe.Pointer) {
	var table, addresses []unsafe.Pointer
	for range slabs {
		slab := make([]byte, 0, rowsPerSlab*stride)
		for range rowsPerSlab {
			slab = k.AppendRow(slab, randomVector(rng, k))
			for len(slab)%stride != 0 {
				slab = append(slab, 0xff)
			}
		}
		base := placed(slab, offset)
		table = append(table, base)
		for i := range rowsPerSlab {
			addresses = append(addresses, unsafe.Add(base, i*stride))
		}
	}
	return NewRows(table, uint32(rowsPerSlab), uint32(stride)), addresses
}

func TestBatchIsPair(t *testing.T) {
	forEachShape(t, func(t *testing.T, kernel func(int) *Kernel) {
		rng := newRand(t)
		for _, dims := range []int{1, 3, 31, 64, 100, 129, 768} {
			k := kernel(dims)
			stride := (k.RowBytes() + 63) &^ 63
			rows, addresses := testRows(rng, k, 5, 7, stride, 0)
			query := placed(k.AppendRow(nil, randomVector(rng, k)), rng.IntN(64))
			for n := 0; n < 2*batchRows+2; n += 1 + n/8 {
				slots := make([]uint32, n)
				for i := range slots {
					slots[i] = uint32(rng.IntN(len(addresses)))
				}
				dst := make([]float32, n+1)
				dst[n] = -77
				if done := k.Batch(dst[:n], query, &rows, slots); done != n {
					t.Fatalf("batch of %d did %d", n, done)
				}
				for i, slot := range slots {
					if want := k.Pair(query, addresses[slot]); math.Float32bits(dst[i]) != math.Float32bits(want) {
						t.Fatalf("%d dimensions, row %d of %d: %v in the batch, %v alone", dims, i, n, dst[i], want)
					}
				}
				if dst[n] != -77 {
					t.Fatalf("batch of %d wrote past its end", n)
				}
			}
		}
	})
}

func TestBatchStopsAtUnresolvedSlab(t *testing.T) {
	forEachShape(t, func(t *testing.T, kernel func(int) *Kernel) {
		rng := newRand(t)
		k := kernel(20)
		rows, _ := testRows(rng, k, 4, 3, 128, 0)
		rows.slabs[2] = nil
		query := placed(k.AppendRow(nil, randomVector(rng, k)), 0)
		for _, stop := range []uint32{6, 8, 12, 1 << 31, math.MaxUint32} {
			for at := range 2 * batchRows {
				slots := make([]uint32, 2*batchRows)
				for i := range slots {
					slots[i] = uint32(rng.IntN(6))
				}
				slots[at] = stop
				dst := make([]float32, len(slots))
				for i := range dst {
					dst[i] = -77
				}
				if done := k.Batch(dst, query, &rows, slots); done != at {
					t.Fatalf("slot %d at %d: stopped at %d", stop, at, done)
				}
				if dst[at] != -77 {
					t.Fatalf("slot %d at %d: wrote a distance there", stop, at)
				}
			}
		}
	})
}

func TestBatchDoesNotAllocate(t *testing.T) {
	info, _ := debug.ReadBuildInfo()
	for _, s := range info.Settings {
		if s.Key == "-asan" || s.Key == "-gcflags" {
			t.Skipf("skipped: with %s=%s more of the variables are on the heap", s.Key, s.Value)
		}
	}
	forEachShape(t, func(t *testing.T, kernel func(int) *Kernel) {
		rng := newRand(t)
		k := kernel(100)
		rows, addresses := testRows(rng, k, 4, 3, 448, 0)
		dst, slots := make([]float32, 100), make([]uint32, 100)
		if n := testing.AllocsPerRun(10, func() {
			k.Batch(dst, addresses[1], &rows, slots)
			k.Pair(addresses[0], addresses[2])
		}); n != 0 {
			t.Fatalf("%v allocations", n)
		}
	})
}

func TestNewRefuses(t *testing.T) {
	for _, c := range []struct {
		metric Metric
		typ    VectorType
		dims   int
	}{
		{Euclidean, F32, 0}, {Euclidean, F32, -1}, {Euclidean, F32, MaxDimensions + 1},
		{Hamming, F32, 8}, {Euclidean, Bits, 8}, {0, F32, 8}, {6, F32, 8}, {Euclidean, 0, 8}, {Euclidean, 9, 8},
	} {
		if _, err := New(c.metric, c.typ, c.dims); err == nil {
			t.Errorf("New(%v, %v, %d) was accepted", c.metric, c.typ, c.dims)
		}
	}
}

func TestReportAndRank(t *testing.T) {
	rng := newRand(t)
	for _, s := range shapes {
		k := mustNew(t, s.metric, s.typ, 4)
		for range 2000 {
			rank := float32(math.Exp(190*rng.Float64() - 102))
			if s.metric == Cosine {
				rank = 4 * rng.Float32()
			}
			shown := k.Report(rank)
			limit := k.Rank(shown)
			if limit < rank || k.Report(limit) > shown {
				t.Fatalf("%v: rank %v is reported as %v, which admits up to %v", s.metric, rank, shown, limit)
			}
			if next := math.Nextafter32(limit, math.MaxFloat32); limit <= math.MaxFloat32 && k.Report(next) <= shown {
				t.Fatalf("%v: %v admits up to %v but %v is reported no farther", s.metric, shown, limit, next)
			}
		}
	}
	k := mustNew(t, Euclidean, F32, 2)
	if d := k.Report(25); d != 5 {
		t.Errorf("euclidean 25 is reported as %v", d)
	}
	if d := k.Rank(-1); d >= 0 {
		t.Errorf("euclidean limit -1 admits %v", d)
	}
	if d := k.Rank(float32(math.Inf(1))); !math.IsInf(float64(d), 1) {
		t.Errorf("euclidean limit +Inf admits up to %v", d)
	}
}

func TestCosineOfShortAndLongVectors(t *testing.T) {
	k := mustNew(t, Cosine, F32, 3)
	for _, scale := range []float32{1e-44, 1e-30, 1e-7, 1, 1e30, math.MaxFloat32 / 4} {
		x, y := []float32{scale, 0, 0}, []float32{0, 2 * scale, 0}
		if err := k.Check(x); err != nil {
			t.Fatal(err)
		}
		a, b := k.AppendRow(nil, x), k.AppendRow(nil, y)
		if d := k.Report(k.Pair(unsafe.Pointer(&a[0]), unsafe.Pointer(&b[0]))); d != 1 {
			t.Errorf("vectors of length %v at right angles are %v apart", scale, d)
		}
		minus := k.AppendRow(nil, []float32{-scale, 0, 0})
		if d := k.Report(k.Pair(unsafe.Pointer(&a[0]), unsafe.Pointer(&minus[0]))); d != 2 {
			t.Errorf("opposite vectors of length %v are %v apart", scale, d)
		}
	}
}
