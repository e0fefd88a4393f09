module github.com/hannoydb/hannoy/internal/scripts

go 1.26.0

require (
	github.com/hannoydb/hannoy v0.0.0
	github.com/rogpeppe/go-internal v1.16.0
)

require (
	github.com/PowerDNS/lmdb-go v1.9.3 // indirect
	github.com/RoaringBitmap/roaring/v2 v2.30.0 // indirect
	github.com/bits-and-blooms/bitset v1.24.4 // indirect
	github.com/bmatsuo/lmdb-go v1.8.0 // indirect
	github.com/klauspost/compress v1.20.3 // indirect
	github.com/mschoch/smat v0.2.0 // indirect
	golang.org/x/sync v0.24.0 // indirect
	golang.org/x/sys v0.49.0 // indirect
	golang.org/x/tools v0.30.0 // indirect
)

replace github.com/hannoydb/hannoy => ../..
