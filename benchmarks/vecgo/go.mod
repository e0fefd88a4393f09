module github.com/hannoydb/hannoy/benchmarks/vecgo

go 1.26.0

require (
	github.com/hannoydb/hannoy/benchmarks v0.0.0
	github.com/hupe1980/vecgo v0.0.15
	golang.org/x/sync v0.24.0
)

require (
	github.com/RoaringBitmap/roaring/v2 v2.30.0 // indirect
	github.com/bits-and-blooms/bitset v1.24.4 // indirect
	github.com/klauspost/compress v1.18.2 // indirect
	github.com/mschoch/smat v0.2.0 // indirect
	github.com/pierrec/lz4/v4 v4.1.23 // indirect
	golang.org/x/sys v0.49.0 // indirect
	golang.org/x/time v0.14.0 // indirect
)

replace (
	github.com/hannoydb/hannoy => ../../
	github.com/hannoydb/hannoy/benchmarks => ../
)
