module github.com/hannoydb/hannoy

go 1.26.0

require (
	github.com/PowerDNS/lmdb-go v1.9.3
	github.com/RoaringBitmap/roaring/v2 v2.30.0
	github.com/bmatsuo/lmdb-go v1.8.0
	github.com/klauspost/compress v1.20.3
	github.com/spf13/cobra v1.10.2
	golang.org/x/sync v0.24.0
)

require (
	github.com/bits-and-blooms/bitset v1.24.4 // indirect
	github.com/inconshreveable/mousetrap v1.1.0 // indirect
	github.com/mschoch/smat v0.2.0 // indirect
	github.com/spf13/pflag v1.0.9 // indirect
	golang.org/x/sys v0.49.0 // indirect
)
