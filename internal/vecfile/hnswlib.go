package vecfile

import (
	"encoding/binary"
	"io"
	"math"
	"strconv"

	"github.com/hannoydb/hannoy/internal/vecfile/element"
)

// hnswlib's file (HierarchicalNSW::saveIndex, 64-bit, little endian): a header, the elements, and for each element the
// length of its links above level 0 and these. An element is its links on level 0 (u16 count, u8 flags, and maxM0 u32), its
// vector and its label.
const (
	hnswlibHeaderBytes = 96
	hnswlibDeleted     = 1 // flag of an element that markDelete hid
	labelBytes         = 8
)

// hnswlib decodes the elements of such a file, without those that are marked deleted.
type hnswlib struct {
	r            *Reader
	elements     uint64
	vectorOffset uint64
	labelOffset  uint64
	read         uint64
	buf          []byte // one element
	key          []byte
	walked       bool // over the links of the upper levels
}

// maxHNSWLibElement bounds an element: a vector of the most dimensions, and 10,000 links, the most that hnswlib allows.
const maxHNSWLibElement = 4*MaxDimensions + 2*4*10000 + 64

// open reads the header and holds it against the size of the file, -1 when unknown.
func (h *hnswlib) open(size int64) error {
	if h.r.bits {
		return fileError(h.r.file, "holds float32 numbers, not packed bits", "choose another metric than hamming")
	}
	var head [hnswlibHeaderBytes]byte
	n, err := io.ReadFull(h.r.src, head[:])
	h.r.offset += int64(n)
	if err != nil {
		if !endOfFile(err) {
			return h.r.errorAt(-1, int64(n), "", "%v", err)
		}
		return h.r.errorAt(-1, 0, "is it a file of hnswlib's saveIndex?", "an hnswlib index begins with %d bytes of header, the file has %d", hnswlibHeaderBytes, n)
	}
	field := func(i int) uint64 { return binary.LittleEndian.Uint64(head[8*i:]) }
	elementBytes, maxM0 := field(3), field(8)
	h.elements, h.labelOffset, h.vectorOffset = field(2), field(4), field(5)
	switch {
	case field(0) != 0 || field(1) < h.elements || maxM0 > 20000 || h.vectorOffset != 4+4*maxM0 ||
		h.labelOffset <= h.vectorOffset || elementBytes != h.labelOffset+labelBytes || elementBytes > maxHNSWLibElement || h.elements > math.MaxUint32:
		return h.r.errorAt(-1, 0, "is it a file of hnswlib's saveIndex, of version 0.4 or later?",
			"not an hnswlib index: the header has %s elements of %s bytes, vectors at %s, labels at %s, %s links",
			unsigned(h.elements), unsigned(elementBytes), unsigned(h.vectorOffset), unsigned(h.labelOffset), unsigned(maxM0))
	case (h.labelOffset-h.vectorOffset)%4 != 0:
		return h.r.errorAt(-1, 0, "only indexes of float32 are read", "vectors of %s bytes are not float32", unsigned(h.labelOffset-h.vectorOffset))
	}
	dims := (h.labelOffset - h.vectorOffset) / 4
	if dims > MaxDimensions {
		return h.r.errorAt(-1, 0, "", "vectors of %s dimensions are more than %s", unsigned(dims), commas(MaxDimensions))
	}
	need := hnswlibHeaderBytes + h.elements*(elementBytes+4)
	if size >= 0 && uint64(size) < need {
		return h.r.errorAt(-1, 0, "truncated? Fetch or write the file again", "%s elements of %s bytes in header need %s bytes at least, file has %s",
			unsigned(h.elements), unsigned(elementBytes), unsigned(need), commas(size))
	}
	h.r.dims = int(dims)
	h.buf = make([]byte, elementBytes)
	return nil
}

func (h *hnswlib) next(row *Row) error {
	for {
		if h.read == h.elements {
			return h.end()
		}
		row.Offset = h.r.offset
		if err := h.fill(h.buf); err != nil {
			return err
		}
		h.read++
		if h.buf[2]&hnswlibDeleted == 0 {
			break
		}
	}
	row.Vector, _ = element.Float32.AppendFloats(row.Vector[:0], h.buf[h.vectorOffset:h.labelOffset])
	h.key = strconv.AppendUint(h.key[:0], binary.LittleEndian.Uint64(h.buf[h.labelOffset:]), 10)
	row.Key, row.Numeric = h.key, true
	return nil
}

// end walks over the links of the upper levels, so that a file that was cut there is not taken for a whole one.
func (h *hnswlib) end() error {
	if h.walked {
		return io.EOF
	}
	h.walked = true
	var length [4]byte
	for range h.elements {
		if err := h.fill(length[:]); err != nil {
			return err
		}
		skipped, err := io.CopyN(io.Discard, h.r.src, int64(binary.LittleEndian.Uint32(length[:])))
		h.r.offset += skipped
		if err != nil {
			return h.cut(err)
		}
	}
	if _, err := h.r.src.ReadByte(); err == nil {
		return h.r.errorAt(-1, h.r.offset, "is it a file of another format?", "more bytes follow the links of the last element")
	} else if err != io.EOF {
		return h.cut(err)
	}
	return io.EOF
}

func (h *hnswlib) fill(p []byte) error {
	n, err := io.ReadFull(h.r.src, p)
	h.r.offset += int64(n)
	if err != nil {
		return h.cut(err)
	}
	return nil
}

func (h *hnswlib) cut(err error) error {
	if !endOfFile(err) {
		e := h.r.errorAt(-1, h.r.offset, "", "%v", err)
		e.Err = err
		return e
	}
	return h.r.errorAt(-1, h.r.offset, "truncated? Fetch or write the file again", "the file ends within its %s elements or their links", unsigned(h.elements))
}

func unsigned(n uint64) string {
	if n > math.MaxInt64 {
		return strconv.FormatUint(n, 10)
	}
	return commas(int64(n))
}
