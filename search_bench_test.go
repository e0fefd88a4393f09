package hannoy_test

import (
	"testing"

	"github.com/hannoydb/hannoy"
	"github.com/hannoydb/hannoy/internal/fixture"
)

func benchmarkIndex(b *testing.B, o hannoy.Options) (*hannoy.Index, [][]float32) {
	const n, dims = 20000, 32
	o.Dimensions, o.EfConstruction = dims, 60
	ix := open(b, b.TempDir(), &o)
	putRows(b, ix, fixture.Vectors(n, dims, 1), 0, n)
	build(b, ix, nil)
	return ix, fixture.Vectors(256, dims, 2)
}

// What a search costs, and how often it allocates.
func BenchmarkSearch(b *testing.B) {
	ix, queries := benchmarkIndex(b, hannoy.Options{})
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		if _, err := ix.Search(ctx, queries[i%len(queries)], 10, nil); err != nil {
			b.Fatal(err)
		}
	}
}
