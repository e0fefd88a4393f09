package codec

import (
	"encoding/binary"
	"math"
	"slices"
)

// MaxLevels bounds the number of levels of a graph.
const MaxLevels = 16

// Meta is the metadata of one index: all that is needed to go on with it.
type Meta struct {
	Metric     uint8  // distance.Metric
	VectorType uint8  // distance.VectorType
	IDs        bool   // keys are uint32 ids
	Dimensions uint32 // numbers per vector; bits for bit vectors

	M, M0          uint32  // link caps: upper levels, level 0; both 0: no graph, items stay pending
	EfConstruction uint32  // beam width when linking
	Ef             uint32  // beam width of searches that do not say theirs; 0: not set
	Alpha          float32 // slack of the neighbour choice
	Seed           uint64  // of levels and insertion order

	Slab Slab // geometry of the vector slabs

	Codes     uint8 // distance.VectorType of the codes that searches navigate on; 0: none
	AutoCodes bool  // builds choose them: none where they cannot tell neighbours apart
	CodeSlab  Slab  // geometry of the code slabs; zero without codes
	NextCodes uint8 // codes that are being written, and that the next build writes if that was cut off; 0: none

	NextSlot uint32 // all slots so far are below it
	NextRank uint32 // the rank of the next linked slot, from 1 up
	Live     uint32 // slots linked and answering
	Pending  uint32 // slots committed and not linked yet
	Dead     uint32 // slots without an item whose links await repair
	Free     uint32 // slots that may be used again
	NextFree uint32 // where the search for one of them goes on

	Spread    float32 // power of the rank with which distances grow, see graph.Spread; 0: not known
	SpreadFor uint32  // how many slots may be linked or removed until it is taken anew

	Edition Edition // where the links of level 0 are

	Sequence      uint64   // of the last committed batch of items
	GraphSequence uint64   // the graph covers the items up to this sequence
	Roots         []uint32 // lowest-ranked slot per level; the last one is the entry point
	Longest       []uint32 // under inner product, linked slots of the longest vectors, longest first: searches begin there too
}

// Len is the number of items.
func (m *Meta) Len() int { return int(m.Live) + int(m.Pending) }

// HasGraph reports whether builds link the items. Those of an index without a graph
// stay pending, and queries compare with each of them.
func (m *Meta) HasGraph() bool { return m.M != 0 }

// WantedCodes are the codes that searches navigate on, or will when they are written; 0: none.
func (m *Meta) WantedCodes() uint8 { return max(m.Codes, m.NextCodes) }

// Unlinked is how many items the next build links.
func (m *Meta) Unlinked() int {
	if !m.HasGraph() {
		return 0
	}
	return int(m.Pending)
}

// CopyParameters makes the parameters of to those of m, all but dimensions, kind of keys
// and seed. Counts and roots stay.
func (m *Meta) CopyParameters(to *Meta) {
	to.Metric, to.VectorType, to.Slab = m.Metric, m.VectorType, m.Slab
	to.M, to.M0, to.EfConstruction, to.Alpha = m.M, m.M0, m.EfConstruction, m.Alpha
	to.Codes, to.AutoCodes, to.CodeSlab, to.NextCodes = m.Codes, m.AutoCodes, m.CodeSlab, m.NextCodes
}

// Emptied returns the metadata of an index with these parameters and no items.
func (m Meta) Emptied() Meta {
	m.NextSlot, m.NextRank, m.Live, m.Pending, m.Dead, m.Free, m.NextFree = 0, 1, 0, 0, 0, 0, 0
	m.Sequence, m.GraphSequence, m.Roots, m.Longest, m.Spread, m.SpreadFor, m.Edition = 0, 0, nil, nil, 0, 0, 0
	return m
}

const metaFixedBytes = 4 + 4*6 + 8 + 4*16 + 2*8

// AppendMeta appends the value of a metadata record, still to be sealed.
func AppendMeta(dst []byte, m *Meta) []byte {
	le := binary.LittleEndian
	dst = append(dst, make([]byte, SumBytes)...)
	dst = append(dst, m.Metric, m.VectorType, boolByte(m.IDs), byte(len(m.Roots)))
	for _, v := range []uint32{m.Dimensions, m.M, m.M0, m.EfConstruction, m.Ef, math.Float32bits(m.Alpha)} {
		dst = le.AppendUint32(dst, v)
	}
	dst = le.AppendUint64(dst, m.Seed)
	for _, v := range []uint32{m.Slab.Rows, m.Slab.Stride, uint32(m.Codes) | uint32(boolByte(m.AutoCodes))<<8 | uint32(m.NextCodes)<<16, m.CodeSlab.Rows, m.CodeSlab.Stride, m.NextSlot, m.NextRank, m.Live, m.Pending, m.Dead, m.Free, m.NextFree, math.Float32bits(m.Spread), m.SpreadFor, uint32(m.Edition), uint32(len(m.Longest))} {
		dst = le.AppendUint32(dst, v)
	}
	dst = le.AppendUint64(dst, m.Sequence)
	dst = le.AppendUint64(dst, m.GraphSequence)
	for _, slot := range slices.Concat(m.Roots, m.Longest) {
		dst = le.AppendUint32(dst, slot)
	}
	return dst
}

// ParseMeta reads the body of a metadata record. key is only for errors.
func ParseMeta(key, body []byte) (*Meta, error) {
	if len(body) < metaFixedBytes {
		return nil, corruptf(key, "%d bytes, at least %d are needed", len(body), metaFixedBytes)
	}
	levels := int(body[3])
	m := &Meta{Metric: body[0], VectorType: body[1], IDs: body[2] != 0}
	b := body[4:]
	u32 := func() uint32 { v := binary.LittleEndian.Uint32(b); b = b[4:]; return v }
	u64 := func() uint64 { v := binary.LittleEndian.Uint64(b); b = b[8:]; return v }
	m.Dimensions, m.M, m.M0, m.EfConstruction, m.Ef = u32(), u32(), u32(), u32(), u32()
	m.Alpha = math.Float32frombits(u32())
	m.Seed = u64()
	m.Slab = Slab{Rows: u32(), Stride: u32()}
	codes := u32()
	m.Codes, m.AutoCodes, m.NextCodes = uint8(codes), codes>>8&1 != 0, uint8(codes>>16)
	m.CodeSlab = Slab{Rows: u32(), Stride: u32()}
	m.NextSlot, m.NextRank = u32(), u32()
	m.Live, m.Pending, m.Dead, m.Free, m.NextFree = u32(), u32(), u32(), u32(), u32()
	m.Spread, m.SpreadFor = math.Float32frombits(u32()), u32()
	edition, longest := u32(), u32()
	m.Edition = Edition(edition)
	m.Sequence, m.GraphSequence = u64(), u64()
	if levels > MaxLevels || longest > MaxLongest || len(b) != 4*(levels+int(longest)) {
		return nil, corruptf(key, "%d bytes for %d levels and the slots of %d of the longest vectors", len(body), levels, longest)
	}
	for range levels {
		m.Roots = append(m.Roots, u32())
	}
	for range longest {
		m.Longest = append(m.Longest, u32())
	}
	if codes&^0xff01ff != 0 || m.Codes != 0 && m.NextCodes != 0 {
		return nil, corruptf(key, "codes %#x", codes)
	}
	if edition > 1 {
		return nil, corruptf(key, "edition %d of the links, must be 0 or 1", edition)
	}
	return m, m.validate(key)
}

func (m *Meta) validate(key []byte) error {
	switch {
	case !m.HasGraph() && (m.M0 != 0 || m.WantedCodes() != 0 || m.AutoCodes || m.Live != 0 || len(m.Roots) != 0 || len(m.Longest) != 0):
		return corruptf(key, "no graph, but M0 %d, codes %d, %d live slots, %d levels", m.M0, m.WantedCodes(), m.Live, len(m.Roots))
	case outside(m.Dimensions, 1, MaxDimensions), m.HasGraph() && outside(m.M, 2, MaxM), outside(m.M0, m.M, 2*MaxM), outside(m.EfConstruction, 1, MaxEfConstruction), outside(m.Ef, 0, MaxEf), !(m.Alpha >= 1 && m.Alpha <= MaxAlpha):
		return corruptf(key, "dimensions %d, M %d, M0 %d, ef construction %d, ef %d or alpha %v out of range", m.Dimensions, m.M, m.M0, m.EfConstruction, m.Ef, m.Alpha)
	case !m.Slab.valid() || m.Codes != 0 && !m.CodeSlab.valid():
		return corruptf(key, "slabs of %d rows x %d bytes, codes %d of %d x %d", m.Slab.Rows, m.Slab.Stride, m.Codes, m.CodeSlab.Rows, m.CodeSlab.Stride)
	case uint64(m.Live)+uint64(m.Pending)+uint64(m.Dead)+uint64(m.Free) != uint64(m.NextSlot):
		return corruptf(key, "%d live + %d pending + %d dead + %d free slots are not the %d slots there are", m.Live, m.Pending, m.Dead, m.Free, m.NextSlot)
	case m.NextFree > m.NextSlot:
		return corruptf(key, "free slots are searched from %d on, there are %d", m.NextFree, m.NextSlot)
	case !(m.Spread >= 0 && m.Spread <= MaxSpread):
		return corruptf(key, "spread %v, must be in 0..%v", m.Spread, MaxSpread)
	case m.NextRank == 0 || m.GraphSequence > m.Sequence:
		return corruptf(key, "next rank %d, sequence %d, graph sequence %d", m.NextRank, m.Sequence, m.GraphSequence)
	}
	for level, root := range m.Roots {
		if root >= m.NextSlot {
			return corruptf(key, "root of level %d is slot %d of %d", level, root, m.NextSlot)
		}
	}
	for _, slot := range m.Longest {
		if slot >= m.NextSlot {
			return corruptf(key, "slot %d of %d has one of the longest vectors", slot, m.NextSlot)
		}
	}
	return nil
}

// The largest parameters that a file may have. MaxM keeps a block of lists
// below 64 KiB.
const (
	MaxDimensions     = 65536
	MaxM              = 128
	MaxEfConstruction = 1 << 16
	MaxEf             = 1 << 20
	MaxAlpha          = 2.0
	MaxSpread         = 2.0
	MaxLongest        = 64
)

func outside(v, lo, hi uint32) bool { return v < lo || v > hi }

func boolByte(b bool) byte {
	if b {
		return 1
	}
	return 0
}
