package main

import (
	"math/rand/v2"
	"os"
	"slices"
)

var pageSize = min(os.Getpagesize(), 1<<15)

// random is the source of a trial.
func random(seed uint64, trial int) *rand.Rand { return rand.New(rand.NewPCG(seed, uint64(trial))) }

// flip changes one bit: in every second trial among the first 64 bytes of a page, where
// its structure is. It returns a copy.
func (s *subject) flip(r *rand.Rand) []byte {
	file := slices.Clone(s.sound())
	at := r.IntN(len(file))
	if r.IntN(2) == 0 {
		at = at/pageSize*pageSize + r.IntN(64)
	}
	file[at] ^= 1 << r.IntN(8)
	return file
}

// spoil damages a page, or the end of the file. It returns a copy.
func (s *subject) spoil(r *rand.Rand) []byte {
	file := slices.Clone(s.sound())
	n := len(file) / pageSize
	page := func(i int) []byte { return file[i*pageSize : (i+1)*pageSize] }
	switch i := r.IntN(n); r.IntN(6) {
	case 0: // zeroed
		clear(page(i))
	case 1: // torn: some sectors are those of an older version, or garbage
		older := s.older(r, i)
		for sector := 0; sector < pageSize; sector += 512 {
			if r.IntN(2) == 0 {
				copy(page(i)[sector:sector+512], older[sector:])
			}
		}
	case 2: // stale, as by a write that was lost
		copy(page(i), s.older(r, i))
	case 3: // swapped
		j := r.IntN(n)
		other := slices.Clone(page(j))
		copy(page(j), page(i))
		copy(page(i), other)
	case 4: // garbage
		for k := range page(i) {
			page(i)[k] = byte(r.Uint32())
		}
	case 5: // cut short
		return file[:r.IntN(len(file))]
	}
	return file
}

// older returns page i as an older image has it; garbage if none has.
func (s *subject) older(r *rand.Rand, i int) []byte {
	image := s.images[r.IntN(len(s.images)-1)]
	if len(image) >= (i+1)*pageSize {
		return image[i*pageSize : (i+1)*pageSize]
	}
	garbage := make([]byte, pageSize)
	for k := range garbage {
		garbage[k] = byte(r.Uint32())
	}
	return garbage
}
