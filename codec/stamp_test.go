package codec

import (
	"math/rand/v2"
	"slices"
	"testing"
)

// Damage of one page costs the rows that lie on it, wherever it is, and no others.
func TestSoundRows(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for _, rowBytes := range []int{16, 128, 512, 3072, 6000, 40_000, 300_000} {
		s := SlabFor(rowBytes)
		key := AppendNumberKey(nil, 3, KindVectors, 77)
		value := s.NewSlab()
		for i := SlabHeaderBytes; i < len(value); i++ {
			value[i] = byte(r.Uint32())
		}
		if err := s.Stamp(key, value, 5); err != nil {
			t.Fatal(err)
		}
		Seal(key, value)
		if err := s.Verify(key, value); err != nil {
			t.Fatal(err)
		}
		want := Stamp{Index: 3, Kind: KindVectors, Number: 77, Sequence: 5, Slab: s}
		if got, ok := ParseStamp(value); !ok || got != want {
			t.Errorf("stamp is %+v, want %+v", got, want)
		}
		if other := s.SoundPieces(AppendNumberKey(nil, 3, KindVectors, 78), value); slices.Contains(other, true) {
			t.Errorf("rows of %d bytes: pieces %v are sound under the key of another slab", rowBytes, other)
		}
		n, bytes := s.pieces()
		for page := 0; page*pageBytes < len(value)+pageHeadBytes; page++ {
			damaged := slices.Clone(value)
			from, to := max(page*pageBytes-pageHeadBytes, 0), min((page+1)*pageBytes-pageHeadBytes, len(value))
			for i := from; i < to; i++ {
				damaged[i] ^= 0x55
			}
			sound := s.SoundPieces(key, damaged)
			for i := range n {
				if want := i != page*pageBytes/bytes; sound[i] != want && page*pageBytes-pageHeadBytes < s.rowsEnd() {
					t.Fatalf("rows of %d bytes, page %d: piece %d is sound: %t", rowBytes, page, i, sound[i])
				}
			}
			for row := range s.Rows {
				same := slices.Equal(s.Row(damaged, row), s.Row(value, row))
				if got := s.SoundRow(sound, row); got && !same || same && !got && bytes == pageBytes {
					t.Fatalf("rows of %d bytes, page %d: row %d is sound: %t, unchanged: %t", rowBytes, page, row, got, same)
				}
			}
		}
	}
}

// A slab that is filled where anything was before is the one that is put together from an empty one.
func TestFilledSlab(t *testing.T) {
	s := SlabFor(100)
	rows := make([][]byte, s.Rows-3)
	want := s.NewSlab()
	for i := range rows {
		if i == 1 {
			continue
		}
		rows[i] = []byte{byte(i), 7}
		copy(s.Row(want, uint32(i)), rows[i])
	}
	got := make([]byte, s.Bytes())
	for i := range got {
		got[i] = 0xdb
	}
	s.Fill(got, rows)
	key := AppendNumberKey(nil, 3, KindVectors, 0)
	for _, value := range [][]byte{want, got} {
		if err := s.Stamp(key, value, 5); err != nil {
			t.Fatal(err)
		}
		Seal(key, value)
	}
	if !slices.Equal(got, want) {
		t.Error("slabs differ")
	}
}

// Of a slab one of whose pages is of an earlier time, no row is believed that is not of the later.
func TestStalePageOfASlab(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	for _, rowBytes := range []int{128, 512, 6000} {
		s := SlabFor(rowBytes)
		key := AppendNumberKey(nil, 3, KindVectors, 77)
		earlier, later := s.NewSlab(), s.NewSlab()
		for i := SlabHeaderBytes; i < len(later); i++ {
			earlier[i], later[i] = byte(r.Uint32()), byte(r.Uint32())
		}
		for sequence, value := range [][]byte{earlier, later} {
			if err := s.Stamp(key, value, uint64(sequence)); err != nil {
				t.Fatal(err)
			}
		}
		_, bytes := s.pieces()
		for page := 0; page*bytes < len(later)+pageHeadBytes; page++ {
			stale := slices.Clone(later)
			from, to := max(page*bytes-pageHeadBytes, 0), min((page+1)*bytes-pageHeadBytes, len(later))
			copy(stale[from:to], earlier[from:to])
			sound := s.SoundPieces(key, stale)
			for row := range s.Rows {
				if s.SoundRow(sound, row) && !slices.Equal(s.Row(stale, row), s.Row(later, row)) {
					t.Fatalf("rows of %d bytes, page %d stale: row %d is sound", rowBytes, page, row)
				}
			}
			if n := len(sound); n > 2 && !slices.Contains(sound, true) {
				t.Errorf("rows of %d bytes, page %d stale: no piece is sound", rowBytes, page)
			}
		}
	}
}
