// Command asm writes the amd64 kernels of package distance.
//
// All kernels share one signature and one skeleton (rows.go); they differ in how
// a vector of elements enters an accumulator (float.go, whole.go).
package main

import (
	. "github.com/mmcloughlin/avo/build"
)

func main() {
	ConstraintExpr("!purego")

	cpuid()
	xgetbv()
	for _, m := range []machine{avx2, avx512} {
		for _, t := range []metric{l2, dot, l1} {
			rows(t.over(f32, m))
			rows(t.over(f16, m))
		}
		rows(l1I8(m))
	}
	rows(dotI8AVX2())
	rows(dotI8VNNI())
	rows(codesAVX2())
	rows(codesVNNI())
	rows(hammingPOPCNT())
	rows(hammingVPOPCNT())
	Generate()
}
