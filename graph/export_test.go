package graph

// SampleSize is what tests of filters compare with.
const SampleSize = sampleSize

// Left is how many bytes of the room are left.
func (r *Room) Left() int64 { return r.bytes.Load() }
