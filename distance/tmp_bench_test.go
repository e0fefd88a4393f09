package distance

import (
	"fmt"
	"testing"
)

func BenchmarkAhead(b *testing.B) {
	saved := benchShapes
	defer func() { benchShapes = saved }()
	bench(b, func(b *testing.B, k *Kernel, rows *Rows, slots []uint32) {
		if active == portable || len(slots) == 0 {
			b.Skip()
		}
		dst := make([]float32, 32)
		query := rows.At(slots[0])
		for _, a := range []int{0, 1, 2, 3, 4, 6, 8, 12, 16} {
			b.Run(fmt.Sprintf("ahead%d", a), func(b *testing.B) {
				k.ahead = a
				for i := 0; i < b.N; i += len(dst) {
					at := i % (len(slots) - len(dst))
					k.Batch(dst, query, rows, slots[at:at+len(dst)])
				}
			})
		}
	})
}

func BenchmarkLocate(b *testing.B) {
	bench(b, func(b *testing.B, k *Kernel, rows *Rows, slots []uint32) {
		var a [64]*byte
		for i := 0; i < b.N; i += 32 {
			at := i % (len(slots) - 32)
			rows.locate(a[:], slots[at:at+32])
		}
	})
}
