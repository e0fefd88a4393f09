package distance

import "math"

// maxF16 is the largest finite half-precision value.
const maxF16 = 65504

// toF16 returns the nearest half-precision value, ties to even. Magnitudes above
// maxF16 are the caller's to refuse.
func toF16(f float32) uint16 {
	b := math.Float32bits(f)
	sign := uint16(b >> 16 & 0x8000)
	magnitude := math.Float32frombits(b &^ (1 << 31))
	if magnitude < 0x1p-14 {
		// Subnormal: a whole number of 2^-24, which adding 0.5 rounds in place.
		return sign | uint16(math.Float32bits(magnitude+0.5)-math.Float32bits(0.5))
	}
	// Rebias the exponent from 127 to 15 and round away 13 bits of fraction; a
	// carry out of the fraction is the next exponent, as it should be.
	b &^= 1 << 31
	return sign | uint16((b-(127-15)<<23+0xfff+b>>13&1)>>13)
}

// fromF16 returns the value of a finite half.
func fromF16(h uint16) float32 {
	sign := uint32(h&0x8000) << 16
	// The bits of a half, moved to the fields of a float32, are the value times
	// 2^(15-127), subnormals included.
	magnitude := math.Float32frombits(uint32(h&0x7fff)<<13) * 0x1p112
	return math.Float32frombits(math.Float32bits(magnitude) | sign)
}
