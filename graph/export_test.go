package graph

// What tests of filters compare with.
const (
	MaxNearBytes = maxNearBytes
	SampleSize   = sampleSize
)

// Room is how many bytes the lists that the filter keeps may still grow by.
func (f *Filter) Room() int64 { return f.room.Load() }

// SetRoom sets it.
func (f *Filter) SetRoom(bytes int64) { f.room.Store(bytes) }
