package linking

import (
	"encoding/binary"
	"math/bits"

	"github.com/hannoydb/hannoy/graph"
)

// Placed is a slot and its level.
type Placed struct {
	Slot  graph.Slot
	Level uint8
}

// Level draws the level of a key: l or more with probability m to the power -l.
// It depends on its arguments alone, so every copy of an index draws the same.
func Level(seed uint64, key []byte, m int) uint8 {
	h := hash(seed, key)
	level := uint8(0)
	// Integers rather than logarithms: the same on every machine.
	for bound := ^uint64(0) / uint64(m); h < bound && level < graph.MaxLevel; bound /= uint64(m) {
		level++
	}
	return level
}

func hash(seed uint64, key []byte) uint64 {
	h := mix(seed ^ uint64(len(key)))
	for ; len(key) >= 8; key = key[8:] {
		h = mix(h ^ binary.LittleEndian.Uint64(key))
	}
	var tail [8]byte
	copy(tail[:], key)
	return mix(h ^ binary.LittleEndian.Uint64(tail[:]))
}

// mix spreads every bit of x over the result: two rounds of a 128-bit multiply
// folded in half, with odd constants that have about as many ones as zeros.
func mix(x uint64) uint64 {
	hi, lo := bits.Mul64(x^0x9e3779b97f4a7c15, 0xd6e8feb86659fd93)
	hi, lo = bits.Mul64(hi^lo^x, 0xa0761d6478bd642f)
	return hi ^ lo
}
