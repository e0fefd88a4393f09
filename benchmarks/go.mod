module github.com/hannoydb/hannoy/benchmarks

go 1.26.0

require (
	github.com/RoaringBitmap/roaring/v2 v2.30.0
	github.com/bmatsuo/lmdb-go v1.8.0
	github.com/hannoydb/hannoy v0.0.0
	go.yaml.in/yaml/v3 v3.0.4
	golang.org/x/sys v0.49.0
)

require (
	github.com/PowerDNS/lmdb-go v1.9.3 // indirect
	github.com/bits-and-blooms/bitset v1.24.4 // indirect
	github.com/mschoch/smat v0.2.0 // indirect
	golang.org/x/sync v0.24.0 // indirect
)

replace github.com/hannoydb/hannoy => ../
