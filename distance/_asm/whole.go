package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// signBits flips the sign of each of four int8: what was -128 to 127 becomes 0
// to 255 in the same order.
const signBits = 0x80808080

// trailerBytes end a row of int8: norm float64, scale float32, bias int32.
const trailerBytes = 16

const dotI8Doc = " writes norm(q) + norm(r) - weight*scale(q)*scale(r)*(sum of q*r), but at least floor, of each row."

// dotI8AVX2 widens to 16 bits: products of two bytes saturate where they are
// added in pairs, as VPMADDUBSW does.
func dotI8AVX2() kernel {
	m := avx2
	acc := m.vectors(4)
	c := newCorrection()
	return kernel{
		name:         "dotI8AVX2",
		doc:          "dotI8AVX2" + dotI8Doc,
		params:       correctionParams,
		unit:         16,
		accumulators: len(acc),
		trailer:      trailerBytes,
		setup:        c.load,
		zero:         func(i int) { m.clear(acc[i]) },
		step: func(i int, query, row Mem) {
			q, r := m.vector(), m.vector()
			VPMOVSXBW(query, q)
			VPMOVSXBW(row, r)
			VPMADDWD(r, q, q)
			VPADDD(q, acc[i], acc[i])
		},
		store: func(dst, end Mem) { c.store(m.sumI32(acc), dst, end) },
	}
}

// dotI8VNNI multiplies unsigned by signed bytes: q+128 by r. What this adds, 128
// times the sum of r, is the row's bias.
func dotI8VNNI() kernel {
	m := avx512
	acc := m.vectors(2)
	c := newCorrection()
	var flip VecVirtual
	var mask OpmaskVirtual
	return kernel{
		name:         "dotI8VNNI",
		doc:          "dotI8VNNI" + dotI8Doc,
		params:       correctionParams,
		unit:         64,
		accumulators: len(acc),
		trailer:      trailerBytes,
		setup: func(bytes Register) {
			c.load(bytes)
			flip = m.broadcast(signBits)
			mask = tailMask(bytes)
		},
		zero: func(i int) { m.clear(acc[i]) },
		step: func(i int, query, row Mem) {
			q := m.vector()
			VPXORD(query, flip, q)
			VPDPBUSD(row, q, acc[i])
		},
		tail: func(query, row Mem) {
			q, r := m.vector(), m.vector()
			VPXORD_Z(query, flip, mask, q)
			VMOVDQU32_Z(row, mask, r)
			VPDPBUSD(r, q, acc[1])
		},
		store: func(dst, end Mem) {
			sum, bias := m.sumI32(acc), XMM()
			VMOVD(end.Offset(12), bias)
			VPSUBD(bias, sum, sum)
			c.store(sum, dst, end)
		},
	}
}

// l1I8 uses the sum of absolute differences of unsigned bytes.
func l1I8(m machine) kernel {
	acc := m.vectors(4)
	var flip VecVirtual
	var mask OpmaskVirtual
	add := func(i int, q, r VecVirtual) {
		m.xor(flip, q)
		m.xor(flip, r)
		VPSADBW(r, q, q)
		VPADDQ(q, acc[i], acc[i])
	}
	return kernel{
		name:         "l1I8" + m.name,
		doc:          "l1I8" + m.name + " writes the sum of |q-r| of each row.",
		unit:         m.bytes,
		accumulators: len(acc),
		trailer:      trailerBytes,
		setup: func(bytes Register) {
			flip = m.broadcast(signBits)
			if m == avx512 {
				mask = tailMask(bytes)
			}
		},
		zero: func(i int) { m.clear(acc[i]) },
		step: func(i int, query, row Mem) {
			q, r := m.vector(), m.vector()
			m.load(query, q)
			m.load(row, r)
			add(i, q, r)
		},
		tail: func(query, row Mem) {
			q, r := m.vector(), m.vector()
			if m == avx512 {
				VMOVDQU32_Z(query, mask, q)
				VMOVDQU32_Z(row, mask, r)
			} else {
				VMOVDQU(query, q.AsX())
				VMOVDQU(row, r.AsX())
			}
			add(1, q, r)
		},
		store: func(dst, _ Mem) { m.sumI64(acc, dst) },
	}
}

// hammingPOPCNT counts word by word.
func hammingPOPCNT() kernel {
	acc := []GPVirtual{GP64(), GP64()}
	return kernel{
		name:         "hammingPOPCNT",
		doc:          "hammingPOPCNT writes the number of bits in which each row differs from the query.",
		unit:         16,
		accumulators: 4,
		setup:        func(Register) {},
		zero: func(i int) {
			if i < len(acc) {
				XORQ(acc[i], acc[i])
			}
		},
		step: func(_ int, query, row Mem) {
			for i := range acc {
				w := GP64()
				MOVQ(query.Offset(8*i), w)
				XORQ(row.Offset(8*i), w)
				POPCNTQ(w, w)
				ADDQ(w, acc[i])
			}
		},
		store: func(dst, _ Mem) {
			ADDQ(acc[1], acc[0])
			storeWhole(acc[0], dst)
		},
	}
}

// hammingVPOPCNT counts vector by vector.
func hammingVPOPCNT() kernel {
	m := avx512
	acc := m.vectors(4)
	var mask OpmaskVirtual
	add := func(i int, q VecVirtual, row Op) {
		VPXORQ(row, q, q)
		VPOPCNTQ(q, q)
		VPADDQ(q, acc[i], acc[i])
	}
	return kernel{
		name:         "hammingVPOPCNT",
		doc:          "hammingVPOPCNT writes the number of bits in which each row differs from the query.",
		unit:         64,
		accumulators: len(acc),
		setup:        func(bytes Register) { mask = tailMask(bytes) },
		zero:         func(i int) { m.clear(acc[i]) },
		step: func(i int, query, row Mem) {
			q := m.vector()
			VMOVDQU64(query, q)
			add(i, q, row)
		},
		tail: func(query, row Mem) {
			q, r := m.vector(), m.vector()
			VMOVDQU32_Z(query, mask, q)
			VMOVDQU32_Z(row, mask, r)
			add(1, q, r)
		},
		store: func(dst, _ Mem) { m.sumI64(acc, dst) },
	}
}
