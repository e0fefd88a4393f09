package codec

import (
	"fmt"

	"github.com/RoaringBitmap/roaring/v2"
)

// A Set names one of the stored sets of slots. A slot below NextSlot that is in
// none of them is live.
type Set uint8

// The sets of slots.
const (
	SetPending Set = 1 // committed, not linked yet
	SetDead    Set = 2 // without an item, links await repair
	SetFree    Set = 3 // may be used again
)

// String returns the set's name.
func (s Set) String() string {
	switch s {
	case SetPending:
		return "pending"
	case SetDead:
		return "dead"
	case SetFree:
		return "free"
	}
	return fmt.Sprintf("set%d", uint8(s))
}

// ChunkOf is the chunk of a set that holds the slot. A set is stored as one
// roaring bitmap per 65,536 slots, so that a change rewrites at most 8 KiB.
func ChunkOf(slot uint32) uint16 { return uint16(slot >> 16) }

// AppendSet appends the value of a chunk of a set, or of a label's slots, still to be
// sealed: the slots, all of one chunk, as a portable roaring bitmap.
func AppendSet(dst []byte, slots *roaring.Bitmap) ([]byte, error) {
	slots.RunOptimize()
	b, err := slots.ToBytes()
	if err != nil {
		return nil, err
	}
	return append(append(dst, make([]byte, SumBytes)...), b...), nil
}

// ParseSet reads the body of a set's chunk, or of a label's.
func ParseSet(key, body []byte, chunk uint16) (*roaring.Bitmap, error) {
	b := roaring.New()
	if err := b.UnmarshalBinary(body); err != nil {
		return nil, corruptf(key, "%v", err)
	}
	if err := b.Validate(); err != nil {
		return nil, corruptf(key, "%v", err)
	}
	if b.IsEmpty() || ChunkOf(b.Minimum()) != chunk || ChunkOf(b.Maximum()) != chunk {
		return nil, corruptf(key, "slots are not all of chunk %d", chunk)
	}
	return b, nil
}
