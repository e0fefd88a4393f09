package kv

import (
	"github.com/hannoydb/hannoy/kv/datafile"
	"github.com/hannoydb/hannoy/kv/place"
)

// readaheadShare: of a data file larger than one in so many of the bytes of memory, the
// kernel reads the pages that are asked for and no others. It reads up to some MB around
// each otherwise, which for searches and builds that go all over the file is good while
// all of it fits in memory, and many times the work when it does not.
const readaheadShare = 2

// adviseRandom turns reading ahead off if the data file is large, in a map of so many
// bytes. The caller holds Env.mu.
func (f *files) adviseRandom(mapped int64) {
	if f.random {
		return
	}
	info, err := f.raw.Info()
	if err == nil && (info.LastPNO+1)*datafile.PageSize() > memoryBytes()/readaheadShare {
		f.random = f.memory.AdviseRandom(mapped) == nil
	}
}

// memoryBytes is a variable for tests.
var memoryBytes = place.MemoryBytes
