package distance

import (
	"bytes"
	"math"
	"testing"
)

func TestRowRoundTrip(t *testing.T) {
	forEachShape(t, func(t *testing.T, kernel func(int) *Kernel) {
		rng := newRand(t)
		for dims := 1; dims <= 300; dims++ {
			k := kernel(dims)
			vector := randomVector(rng, k)
			prefix := []byte("kept")
			row := k.AppendRow(prefix, vector)
			if !bytes.HasPrefix(row, prefix) || len(row) != len(prefix)+k.RowBytes() {
				t.Fatalf("%d dimensions: row of %d bytes, want %d", dims, len(row)-len(prefix), k.RowBytes())
			}
			row = row[len(prefix):]
			end := k.RowBytes()
			if k.typ == I8 {
				end -= trailerBytes
			}
			if end%blockBytes != 0 || end-k.elementBytes() >= blockBytes {
				t.Fatalf("%d dimensions: %d bytes", dims, k.RowBytes())
			}
			if pad := bytes.Trim(row[k.elementBytes():end], "\x00"); len(pad) > 0 {
				t.Fatalf("%d dimensions: row is filled up with %x", dims, pad)
			}
			back := k.Vector([]float32{42}, row)
			if len(back) != 1+dims || back[0] != 42 {
				t.Fatalf("%d dimensions: %d elements came back", dims, len(back)-1)
			}
			checkVector(t, k, vector, back[1:])
			if k.typ == Bits {
				packed := k.Bits(nil, row)
				if again := k.AppendBitsRow(nil, packed); len(packed) != (dims+7)/8 || !bytes.Equal(again, row) {
					t.Fatalf("%d bits: % x became % x", dims, row, again)
				}
			}
		}
	})
}

// checkVector compares what came back from a row with what went in.
func checkVector(t *testing.T, k *Kernel, in, got []float32) {
	t.Helper()
	length := 1.0
	if k.metric == Cosine && k.typ != I8 {
		length = norm(in)
		if l := norm(got); math.Abs(l-1) > map[VectorType]float64{F32: 1e-7, F16: 1e-3}[k.typ] {
			t.Fatalf("unit vector of length %v", l)
		}
	}
	for i := range in {
		want := float64(in[i]) / length
		bound := 0.0
		switch {
		case k.typ == Bits:
			if want = 0; in[i] > 0 {
				want = 1
			}
		case k.typ == F16:
			bound = math.Ldexp(math.Abs(want), -11) + 0x1p-25
		case k.metric == Cosine && k.typ == F32:
			bound = math.Ldexp(math.Abs(want), -23) + 0x1p-149
		}
		if d := math.Abs(float64(got[i]) - want); d > bound {
			t.Fatalf("element %d: %v came back as %v", i, want, got[i])
		}
	}
}

func TestAppendRowPanicsOnWrongLength(t *testing.T) {
	bitsKernel := mustNew(t, Hamming, Bits, 17)
	floats := mustNew(t, Euclidean, F32, 3)
	for name, f := range map[string]func(){
		"short vector": func() { floats.AppendRow(nil, make([]float32, 2)) },
		"long vector":  func() { floats.AppendRow(nil, make([]float32, 4)) },
		"short bits":   func() { bitsKernel.AppendBitsRow(nil, make([]byte, 2)) },
		"long bits":    func() { bitsKernel.AppendBitsRow(nil, make([]byte, 4)) },
		"not bits":     func() { floats.AppendBitsRow(nil, make([]byte, 12)) },
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s: no panic", name)
				}
			}()
			f()
		}()
	}
}
