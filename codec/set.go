package codec

import (
	"encoding/binary"
	"errors"
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
	if err := validateSet(b, body); err != nil {
		return nil, corruptf(key, "%v", err)
	}
	if b.IsEmpty() || ChunkOf(b.Minimum()) != chunk || ChunkOf(b.Maximum()) != chunk {
		return nil, corruptf(key, "slots are not all of chunk %d", chunk)
	}
	return b, nil
}

// runCookie begins a roaring bitmap that has runs.
const runCookie = 12347

// validateSet is Bitmap.Validate, but for a chunk of runs: Validate compares each run
// with each other, which takes milliseconds.
func validateSet(b *roaring.Bitmap, body []byte) error {
	le := binary.LittleEndian
	if len(body) < 4 || le.Uint16(body) != runCookie {
		return b.Validate()
	}
	// A chunk is one container: u16 cookie, u16 0, u8 1, u16 chunk, u16 slots less one, u16
	// runs, runs x { u16 first, u16 more }.
	const head = 11
	if len(body) < head || le.Uint16(body[2:]) != 0 || body[4]&1 == 0 {
		return errors.New("runs in more than one container")
	}
	runs := body[head:]
	if len(runs) != 4*int(le.Uint16(body[head-2:])) {
		return fmt.Errorf("%d bytes of %d runs", len(runs), le.Uint16(body[head-2:]))
	}
	next, slots := 0, 0
	for ; len(runs) > 0; runs = runs[4:] {
		first, more := int(le.Uint16(runs)), int(le.Uint16(runs[2:]))
		if first < next || first+more > 1<<16-1 {
			return fmt.Errorf("run of %d from %d where %d is next", more+1, first, next)
		}
		next, slots = first+more+2, slots+more+1
	}
	if want := int(le.Uint16(body[head-4:])) + 1; slots != want {
		return fmt.Errorf("runs of %d slots, %d are counted", slots, want)
	}
	return nil
}
