package codec

import (
	"encoding/binary"
	"hash/crc32"
)

// Stamp says whose slab a value is and of which batch. It stands in the header, so
// that a repair knows a slab whose key is lost with the page that had it.
type Stamp struct {
	Index    IndexID
	Kind     Kind
	Number   uint32
	Sequence uint64 // of the batch that wrote it last; 0 for codes
	Slab     Slab
}

// pieces returns how many pieces of how many bytes the slab is divided into: one per
// page, but of larger slabs fewer. A sum of each stands in the header and again
// behind the rows, in the last page, so that the damage of one page costs the rows
// of that page and not those of the slab.
func (s Slab) pieces() (n, bytes int) {
	pages := (pageHeadBytes + s.rowsEnd() + pageBytes - 1) / pageBytes
	each := (pages + maxSlabPieces - 1) / maxSlabPieces
	return (pages + each - 1) / each, each * pageBytes
}

// sumOf returns the sum of a record's key and of piece i. The first piece begins behind the
// checksum of the value; the sums themselves belong to none.
func (s Slab) sumOf(key, value []byte, i, bytes int) uint32 {
	from, to := max(i*bytes-pageHeadBytes, SumBytes), min((i+1)*bytes-pageHeadBytes, s.rowsEnd())
	sum := crc32.Checksum(key, castagnoli)
	if i > 0 {
		return crc32.Update(sum, castagnoli, value[from:to])
	}
	sum = crc32.Update(sum, castagnoli, value[from:slabSumsAt])
	return crc32.Update(sum, castagnoli, value[SlabHeaderBytes:to])
}

// Stamp writes the stamp and the sums of its pieces into the value of a slab, which
// is still to be sealed.
func (s Slab) Stamp(key, value []byte, sequence uint64) error {
	p, err := ParseKey(key)
	if err != nil {
		return err
	}
	le := binary.LittleEndian
	le.PutUint16(value[12:], uint16(p.Index))
	value[14] = byte(p.Kind)
	le.PutUint32(value[16:], p.Number)
	le.PutUint64(value[24:], sequence)
	n, bytes := s.pieces()
	for i := range n {
		sum := s.sumOf(key, value, i, bytes)
		le.PutUint32(value[slabSumsAt+4*i:], sum)
		le.PutUint32(value[s.rowsEnd()+4*i:], sum)
	}
	return nil
}

// Key is that of the record.
func (s Stamp) Key() []byte { return AppendNumberKey(nil, s.Index, s.Kind, s.Number) }

// ParseStamp reads the stamp of a slab from the first SlabHeaderBytes of its value.
// They may be anything: only a piece whose sum is right makes it trustworthy.
func ParseStamp(value []byte) (Stamp, bool) {
	if len(value) < SlabHeaderBytes {
		return Stamp{}, false
	}
	le := binary.LittleEndian
	stamp := Stamp{
		Index: IndexID(le.Uint16(value[12:])), Kind: Kind(value[14]), Number: le.Uint32(value[16:]), Sequence: le.Uint64(value[24:]),
		Slab: Slab{Rows: le.Uint32(value[4:]), Stride: le.Uint32(value[8:])},
	}
	return stamp, stamp.Slab.valid() && (stamp.Kind == KindVectors || stamp.Kind == KindCodes)
}

// SoundPieces tells of each piece of a slab's value, as long as Bytes, whether it is
// as it was written, under that key: a damaged page may lead to the slab of another. Of the
// two copies of the sums it goes by the one that fits more pieces: the other is damaged, or
// on a page that is of an earlier time, with its piece, which only its own sum fits then.
func (s Slab) SoundPieces(key, value []byte) []bool {
	n, bytes := s.pieces()
	var fits [2][maxSlabPieces]bool
	var count [2]int
	for i := range n {
		sum := s.sumOf(key, value, i, bytes)
		for c, at := range []int{slabSumsAt, s.rowsEnd()} {
			if sum == binary.LittleEndian.Uint32(value[at+4*i:]) {
				fits[c][i] = true
				count[c]++
			}
		}
	}
	sound := make([]bool, n)
	for i := range sound {
		switch {
		case count[0] > count[1]:
			sound[i] = fits[0][i]
		case count[0] < count[1]:
			sound[i] = fits[1][i]
		default:
			sound[i] = fits[0][i] && fits[1][i]
		}
	}
	return sound
}

// SoundRow reports whether all pieces that have a part of the row are sound.
func (s Slab) SoundRow(sound []bool, row uint32) bool {
	_, bytes := s.pieces()
	from := SlabHeaderBytes + int(row)*int(s.Stride) + pageHeadBytes
	for i := from / bytes; i <= (from+int(s.Stride)-1)/bytes; i++ {
		if !sound[i] {
			return false
		}
	}
	return true
}
