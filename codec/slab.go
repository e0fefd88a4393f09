package codec

import (
	"encoding/binary"
	"math"
)

// Slab is the geometry of the slabs of an index: one LMDB value holds Rows
// consecutive slots, each Stride bytes apart, between a header of SlabHeaderBytes
// and a second copy of the sums of its pieces.
//
// LMDB's overflow values begin 16 bytes into a page, so with this header the first
// row starts on a cache line, and all do whose stride is a multiple of 64.
type Slab struct {
	Rows   uint32
	Stride uint32
}

// SlabHeaderBytes is where the first row of a slab begins.
const SlabHeaderBytes = slabSumsAt + 4*maxSlabPieces

const (
	lineBytes  = 64 // of a cache
	blockBytes = 16 // what the lengths of rows are multiples of

	pageBytes     = 4096 // that geometry is chosen for; LMDB's own page may be larger
	pageHeadBytes = 16   // of an LMDB overflow page
	maxSlabPages  = 64
	maxRowsBytes  = 1 << 26

	// What a commit pays for each page of a slab that it rewrites, as a share of the file.
	slabPageCost = .005

	slabSumsAt    = 48 // where the header has the sums of the pieces
	maxSlabPieces = 32
)

// SlabFor chooses the geometry for rows of rowBytes, for slabs of whole pages: large
// ones waste less of the file, small ones keep single writes cheap, since a commit
// rewrites each slab that it touches. LMDB wants free pages in a row for them, of which
// there are few in a file that changes much.
func SlabFor(rowBytes int) Slab {
	stride := strideFor(uint32(rowBytes))
	best, bestCost := Slab{Rows: 2, Stride: stride}, math.Inf(1) // as it is for rows of more than 128 KiB
	for pages := uint32(1); pages <= maxSlabPages; pages++ {
		used := pageHeadBytes + SlabHeaderBytes + 4*min(pages, maxSlabPieces)
		rows := (pages*pageBytes - used) / stride
		if rows < 2 {
			continue
		}
		waste := float64(pages*pageBytes)/float64(rows*stride) - 1
		if cost := waste + slabPageCost*float64(pages); cost < bestCost {
			best, bestCost = Slab{Rows: rows, Stride: stride}, cost
		}
	}
	return best
}

// strideFor is how far apart rows are: whole blocks, and such that none touches more
// cache lines than it must. Among rows that begin on a block, only those would that
// are a block short of whole lines.
func strideFor(rowBytes uint32) uint32 {
	stride := (rowBytes + blockBytes - 1) &^ (blockBytes - 1)
	if stride%lineBytes == lineBytes-blockBytes {
		stride += blockBytes
	}
	return stride
}

func (s Slab) valid() bool {
	return s.Rows >= 2 && s.Stride > 0 && s.Stride%blockBytes == 0 &&
		uint64(s.Rows)*uint64(s.Stride) <= maxRowsBytes
}

// Bytes is the length of a slab's value.
func (s Slab) Bytes() int {
	pieces, _ := s.pieces()
	return s.rowsEnd() + 4*pieces
}

// rowsEnd is where the last row of a slab ends.
func (s Slab) rowsEnd() int { return SlabHeaderBytes + int(s.Rows)*int(s.Stride) }

// Of returns the slab that holds the slot and the row within it.
func (s Slab) Of(slot uint32) (slab, row uint32) {
	slab = slot / s.Rows
	return slab, slot - slab*s.Rows
}

// Count is the number of slabs that hold slots below next.
func (s Slab) Count(next uint32) int {
	return int((uint64(next) + uint64(s.Rows) - 1) / uint64(s.Rows))
}

// Row returns one row of a slab's value: it borrows from it.
func (s Slab) Row(value []byte, row uint32) []byte {
	from := SlabHeaderBytes + int(row)*int(s.Stride)
	return value[from : from+int(s.Stride) : from+int(s.Stride)]
}

// NewSlab returns the value of an empty slab, still to be sealed.
func (s Slab) NewSlab() []byte {
	value := make([]byte, s.Bytes())
	s.putShape(value)
	return value
}

func (s Slab) putShape(value []byte) {
	binary.LittleEndian.PutUint32(value[4:], s.Rows)
	binary.LittleEndian.PutUint32(value[8:], s.Stride)
}

// Fill writes a slab of these rows, which may be short, and of zeros where there are none, over a value of
// Bytes that may hold anything; it is still to be stamped and sealed.
func (s Slab) Fill(value []byte, rows [][]byte) {
	clear(value[:SlabHeaderBytes])
	s.putShape(value)
	for i := range s.Rows {
		row := s.Row(value, i)
		if int(i) < len(rows) {
			row = row[copy(row, rows[i]):]
		}
		clear(row)
	}
}

// Verify checks the length and the header of a slab's value, not its checksum.
func (s Slab) Verify(key, value []byte) error {
	if len(value) != s.Bytes() {
		return corruptf(key, "%d bytes, a slab of %d rows x %d bytes has %d", len(value), s.Rows, s.Stride, s.Bytes())
	}
	if rows, stride := binary.LittleEndian.Uint32(value[4:]), binary.LittleEndian.Uint32(value[8:]); rows != s.Rows || stride != s.Stride {
		return corruptf(key, "header says %d rows x %d bytes, metadata %d x %d", rows, stride, s.Rows, s.Stride)
	}
	return nil
}

// AppendVector appends the value of a record that holds a vector of float32, still to
// be sealed.
func AppendVector(dst []byte, vector []float32) []byte {
	dst = append(dst, make([]byte, SumBytes)...)
	for _, v := range vector {
		dst = binary.LittleEndian.AppendUint32(dst, math.Float32bits(v))
	}
	return dst
}

// ParseVector reads the body of a record that holds a vector of n float32.
func ParseVector(key, body []byte, n int) ([]float32, error) {
	if len(body) != 4*n {
		return nil, corruptf(key, "%d bytes for a vector of %d numbers", len(body), n)
	}
	vector := make([]float32, n)
	for i := range vector {
		vector[i] = math.Float32frombits(binary.LittleEndian.Uint32(body[4*i:]))
	}
	return vector, nil
}
