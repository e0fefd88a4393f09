package distance

import (
	"bytes"
	"math"
	"testing"
)

func TestRowRoundTrip(t *testing.T) {
	forEachShape(t, func(t *testing.T, make func(int) *Kernel) {
		rng := newRand(t)
		for dims := 1; dims <= 300; dims++ {
			k := make(dims)
			vector := randomVector(rng, k)
			prefix := []byte("kept")
			row := k.AppendRow(prefix, vector)
			if !bytes.HasPrefix(row, prefix) || len(row) != len(prefix)+k.RowBytes() {
				t.Fatalf("%d dimensions: row of %d bytes, want %d", dims, len(row)-len(prefix), k.RowBytes())
			}
			row = row[len(prefix):]
			if k.RowBytes()%blockBytes != 0 || k.RowBytes()-k.elementBytes() >= blockBytes {
				t.Fatalf("%d dimensions: %d bytes", dims, k.RowBytes())
			}
			if pad := bytes.Trim(row[k.elementBytes():], "\x00"); len(pad) > 0 {
				t.Fatalf("%d dimensions: row ends in %x", dims, pad)
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

func checkVector(t *testing.T, k *Kernel, want, got []float32) {
	t.Helper()
	length := 1.0
	if k.metric == Cosine {
		length = norm(want)
		if l := norm(got); math.Abs(l-1) > 1e-6 {
			t.Fatalf("unit vector of length %v", l)
		}
	}
	for i := range want {
		w := float32(float64(want[i]) / length)
		if k.typ == Bits {
			w = 0
			if want[i] > 0 {
				w = 1
			}
		}
		if d := math.Abs(float64(got[i]) - float64(w)); d > math.Abs(float64(w))*1e-7+math.SmallestNonzeroFloat32 || k.metric != Cosine && d > 0 {
			t.Fatalf("element %d: %v came back as %v", i, w, got[i])
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
