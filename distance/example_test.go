package distance_test

import (
	"fmt"
	"unsafe"

	"github.com/hannoydb/hannoy/distance"
)

func ExampleKernel_Batch() {
	kernel, err := distance.New(distance.Euclidean, distance.F32, 2)
	if err != nil {
		panic(err)
	}
	// One slab of three rows, one after another.
	var slab []byte
	for _, vector := range [][]float32{{0, 0}, {3, 4}, {6, 8}} {
		slab = kernel.AppendRow(slab, vector)
	}
	rows := distance.NewRows([]unsafe.Pointer{unsafe.Pointer(&slab[0])}, 3, uint32(kernel.RowBytes()))

	var distances [2]float32
	kernel.Batch(distances[:], rows.At(0), &rows, []uint32{1, 2})
	for _, d := range distances {
		fmt.Println(d, kernel.Report(d))
	}
	// Output:
	// 25 5
	// 100 10
}
