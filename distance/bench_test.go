package distance

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"unsafe"
)

var benchShapes = []struct {
	name   string
	metric Metric
	typ    VectorType
	dims   int
	codes  bool
}{
	{"l2-f32-128", Euclidean, F32, 128, false},
	{"l2-f32-768", Euclidean, F32, 768, false},
	{"dot-f32-128", InnerProduct, F32, 128, false},
	{"l1-f32-128", Manhattan, F32, 128, false},
	{"l2-f16-128", Euclidean, F16, 128, false},
	{"l2-f16-768", Euclidean, F16, 768, false},
	{"codes-i8-100", Euclidean, I8, 100, true},
	{"codes-i8-128", Euclidean, I8, 128, true},
	{"codes-i8-768", Euclidean, I8, 768, true},
	{"l1-i8-128", Manhattan, I8, 128, false},
	{"hamming-256", Hamming, Bits, 256, false},
	{"hamming-1024", Hamming, Bits, 1024, false},
}

// BenchmarkBatch takes batches of 32 distances, a hop's worth, over rows that
// stay in the nearest cache or lie at random in 512 MiB; ns/op is per row.
func BenchmarkBatch(b *testing.B) {
	bench(b, func(b *testing.B, k *Kernel, rows *Rows, slots []uint32) {
		dst := make([]float32, 32)
		query := rows.At(slots[0])
		for i := 0; i < b.N; i += len(dst) {
			at := i % (len(slots) - len(dst))
			k.Batch(dst, query, rows, slots[at:at+len(dst)])
		}
	})
}

// BenchmarkPair takes one distance at a time.
func BenchmarkPair(b *testing.B) {
	bench(b, func(b *testing.B, k *Kernel, rows *Rows, slots []uint32) {
		query := rows.At(slots[0])
		for i := range b.N {
			k.Pair(query, rows.At(slots[i&(len(slots)-1)]))
		}
	})
}

func bench(b *testing.B, f func(b *testing.B, k *Kernel, rows *Rows, slots []uint32)) {
	const bytes = 512 << 20
	memory := make([]byte, bytes+64)
	for i := range memory {
		memory[i] = 0x3c | byte(i*0x9e3779b1>>20)&3 // ordinary numbers of every type
	}
	base := unsafe.Add(unsafe.Pointer(&memory[0]), -int(uintptr(unsafe.Pointer(&memory[0])))&63)
	defer func(before implementation) { active = before }(active)
	for _, s := range benchShapes {
		k := mustNew(b, s.metric, s.typ, s.dims)
		if s.codes {
			k, _ = NewCodes(s.metric, s.typ, s.dims, nil)
		}
		stride := (k.RowBytes() + 63) &^ 63
		if s.codes {
			stride = k.RowBytes()
		}
		const rowsPerSlab = 100
		var slabs []unsafe.Pointer
		for at := 0; at+rowsPerSlab*stride <= bytes; at += rowsPerSlab * stride {
			slabs = append(slabs, unsafe.Add(base, at))
		}
		rows := NewRows(slabs, rowsPerSlab, uint32(stride))
		rng := rand.New(rand.NewPCG(1, 2))
		for _, place := range []string{"cached", "random"} {
			n := len(slabs) * rowsPerSlab
			if place == "cached" {
				n = max(1, 8<<10/stride)
			}
			slots := make([]uint32, 1<<16)
			for i := range slots {
				slots[i] = uint32(rng.IntN(n))
			}
			for _, i := range available() {
				b.Run(fmt.Sprintf("%s/%s/%s", s.name, place, i), func(b *testing.B) {
					active = i
					f(b, k, &rows, slots)
				})
			}
		}
	}
}
