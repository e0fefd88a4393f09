package codec

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
)

// ErrCorrupt is wrapped by every error about bytes that cannot be what was written.
var ErrCorrupt = errors.New("damaged data")

// corruptf returns an error about the record under key that wraps ErrCorrupt.
func corruptf(key []byte, format string, args ...any) error {
	return fmt.Errorf("record %s: %s: %w", FormatKey(key), fmt.Sprintf(format, args...), ErrCorrupt)
}

// SumBytes is the length of the checksum that every value begins with.
const SumBytes = 4

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

func sum(key, body []byte) uint32 {
	return crc32.Update(crc32.Checksum(key, castagnoli), castagnoli, body)
}

// Seal writes the checksum of key and value[SumBytes:] into value[:SumBytes] and
// returns value.
func Seal(key, value []byte) []byte {
	binary.LittleEndian.PutUint32(value, sum(key, value[SumBytes:]))
	return value
}

// Open verifies the checksum of the record and returns its body, the value
// without the checksum. The body borrows from value.
func Open(key, value []byte) ([]byte, error) {
	if len(value) < SumBytes {
		return nil, corruptf(key, "%d bytes are too few for a checksum", len(value))
	}
	want := binary.LittleEndian.Uint32(value)
	if got := sum(key, value[SumBytes:]); got != want {
		return nil, corruptf(key, "checksum is %08x, its %d bytes give %08x", want, len(value), got)
	}
	return value[SumBytes:], nil
}

// ParseIndexID reads the body of a record that holds the id of an index.
func ParseIndexID(key, body []byte) (IndexID, error) {
	n, err := ParseNumber(key, body)
	if err == nil && (n < 1 || n > 1<<16-1) {
		err = corruptf(key, "index id %d is not within 1 to 65,535", n)
	}
	return IndexID(n), err
}

// AppendNumber appends the value of a record that holds one number, still to be sealed.
func AppendNumber(dst []byte, number uint32) []byte {
	return binary.LittleEndian.AppendUint32(append(dst, make([]byte, SumBytes)...), number)
}

// ParseNumber reads the body of a record that holds one number.
func ParseNumber(key, body []byte) (uint32, error) {
	if len(body) != 4 {
		return 0, corruptf(key, "body of %d bytes, a number has 4", len(body))
	}
	return binary.LittleEndian.Uint32(body), nil
}

// RunningSum verifies the checksum of a record whose value comes in parts.
type RunningSum struct {
	bytes     int
	sum, want uint32
}

// StartSum begins with the first part of the value, at least SumBytes long unless it
// is all there is.
func StartSum(key, part []byte) RunningSum {
	s := RunningSum{bytes: len(part), sum: crc32.Checksum(key, castagnoli)}
	if len(part) >= SumBytes {
		s.want = binary.LittleEndian.Uint32(part)
		s.sum = crc32.Update(s.sum, castagnoli, part[SumBytes:])
	}
	return s
}

// Add goes on with the next part.
func (s *RunningSum) Add(part []byte) {
	s.bytes += len(part)
	s.sum = crc32.Update(s.sum, castagnoli, part)
}

// Verify returns an error unless the parts have the checksum that they began with.
func (s *RunningSum) Verify(key []byte) error {
	if s.bytes < SumBytes || s.sum != s.want {
		return corruptf(key, "checksum is %08x, its %d bytes give %08x", s.want, s.bytes, s.sum)
	}
	return nil
}
