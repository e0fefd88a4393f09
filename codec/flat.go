package codec

import (
	"encoding/binary"
	"math/bits"
)

// FlatSpan is how many consecutive numbers a flat block maps. A full block takes
// one LMDB page.
const FlatSpan = 960

const flatBitmapBytes = FlatSpan / 8

// Flat maps each of FlatSpan consecutive numbers to a uint32 or to nothing: slots
// to ranks, ids to slots, slots to ids.
//
//	960 bits: which are present, u32 for each that is
type Flat struct {
	present [flatBitmapBytes]byte
	values  [FlatSpan]uint32
}

// Get returns what number (modulo FlatSpan) maps to.
func (f *Flat) Get(number uint32) (uint32, bool) {
	i := number % FlatSpan
	return f.values[i], f.present[i/8]&(1<<(i%8)) != 0
}

// Set maps number (modulo FlatSpan) to value.
func (f *Flat) Set(number, value uint32) {
	i := number % FlatSpan
	f.present[i/8] |= 1 << (i % 8)
	f.values[i] = value
}

// Unset makes number (modulo FlatSpan) map to nothing.
func (f *Flat) Unset(number uint32) {
	i := number % FlatSpan
	f.present[i/8] &^= 1 << (i % 8)
}

// Empty reports whether nothing is mapped.
func (f *Flat) Empty() bool { return f.present == [flatBitmapBytes]byte{} }

// AppendFlat appends the value of a flat block, still to be sealed.
func AppendFlat(dst []byte, f *Flat) []byte {
	dst = append(dst, make([]byte, SumBytes)...)
	dst = append(dst, f.present[:]...)
	for i := range uint32(FlatSpan) {
		if v, ok := f.Get(i); ok {
			dst = binary.LittleEndian.AppendUint32(dst, v)
		}
	}
	return dst
}

// ParseFlat reads the body of a flat block.
func ParseFlat(key, body []byte) (*Flat, error) {
	if err := VerifyFlat(key, body); err != nil {
		return nil, err
	}
	f := &Flat{present: [flatBitmapBytes]byte(body)}
	rest := body[flatBitmapBytes:]
	for i := range uint32(FlatSpan) {
		if f.present[i/8]&(1<<(i%8)) != 0 {
			f.values[i] = binary.LittleEndian.Uint32(rest)
			rest = rest[4:]
		}
	}
	return f, nil
}

// VerifyFlat checks the length of the body of a flat block, so that FlatGet needs no checks.
func VerifyFlat(key, body []byte) error {
	if len(body) < flatBitmapBytes {
		return corruptf(key, "flat block with a body of %d bytes", len(body))
	}
	if n := countBits(body[:flatBitmapBytes]); len(body) != flatBitmapBytes+4*n {
		return corruptf(key, "flat block with a body of %d bytes for %d numbers", len(body), n)
	}
	return nil
}

// FlatGet looks one number (modulo FlatSpan) up in a body that VerifyFlat accepted.
func FlatGet(body []byte, number uint32) (uint32, bool) {
	i := number % FlatSpan
	present := body[:flatBitmapBytes]
	if present[i/8]&(1<<(i%8)) == 0 {
		return 0, false
	}
	before := int(i)
	if len(body) != flatBitmapBytes+4*FlatSpan {
		before = countBits(present[:i/8]) + bits.OnesCount8(present[i/8]&(1<<(i%8)-1))
	}
	return binary.LittleEndian.Uint32(body[flatBitmapBytes+4*before:]), true
}

func countBits(b []byte) (n int) {
	for ; len(b) >= 8; b = b[8:] {
		n += bits.OnesCount64(binary.LittleEndian.Uint64(b))
	}
	for _, c := range b {
		n += bits.OnesCount8(c)
	}
	return n
}
