package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

const (
	codesParams = ", norms, weight, floor float64"
	codesDoc    = " writes norm(q) + norm(r) - weight*scale(q)*scale(r)*(sum of q*r), but at least floor, of each row of codes; norm is norms*scale^2*(sum of c*c)."
)

// codesAVX2 widens to 16 bits: products of two bytes saturate where they are
// added in pairs, as VPMADDUBSW does.
func codesAVX2() kernel {
	m := avx2
	acc, squares := m.vectors(2), m.vectors(2)
	c := newCodes()
	return kernel{
		name:         "codesI8AVX2",
		doc:          "codesI8AVX2" + codesDoc,
		params:       codesParams,
		unit:         16,
		accumulators: 4,
		setup:        func(bytes Register) { c.load(bytes, 0) },
		zero: func(i int) {
			if i < len(acc) {
				m.clear(acc[i])
				m.clear(squares[i])
			}
		},
		step: func(i int, query, row Mem) {
			i %= len(acc)
			q, r := m.vector(), m.vector()
			VPMOVSXBW(query, q)
			VPMOVSXBW(row, r)
			VPMADDWD(r, q, q)
			VPADDD(q, acc[i], acc[i])
			VPMADDWD(r, r, r)
			VPADDD(r, squares[i], squares[i])
		},
		store: func(dst, end Mem) { c.store(m.sumsI32(acc, squares), dst, end) },
	}
}

// codesVNNI multiplies unsigned by signed bytes: r+128 by q, which adds 128 times
// the sum of q, and the magnitudes of r by themselves.
func codesVNNI() kernel {
	m := avx512
	acc, squares := m.vectors(2), m.vectors(2)
	c := newCodes()
	var flip VecVirtual
	var mask OpmaskVirtual
	return kernel{
		name:         "codesI8VNNI",
		doc:          "codesI8VNNI" + codesDoc,
		params:       codesParams,
		unit:         64,
		accumulators: len(acc),
		setup: func(bytes Register) {
			c.load(bytes, 128)
			flip = m.broadcast(signBits)
			mask = tailMask(bytes)
		},
		zero: func(i int) {
			m.clear(acc[i])
			m.clear(squares[i])
		},
		step: func(i int, query, row Mem) {
			r, magnitude := m.vector(), m.vector()
			VMOVDQU64(row, r)
			VPABSB(r, magnitude)
			VPXORD(r, flip, r)
			VPDPBUSD(query, r, acc[i])
			VPDPBUSD(magnitude, magnitude, squares[i])
		},
		tail: func(query, row Mem) {
			q, r, magnitude := m.vector(), m.vector(), m.vector()
			VMOVDQU32_Z(query, mask, q)
			VMOVDQU32_Z(row, mask, r)
			VPABSB(r, magnitude)
			VPXORD(r, flip, r)
			VPDPBUSD(q, r, acc[1])
			VPDPBUSD(magnitude, magnitude, squares[1])
		},
		store: func(dst, end Mem) { c.store(m.sumsI32(acc, squares), dst, end) },
	}
}

// codes turns the sums over two rows of codes, whole numbers, into a distance, in
// float64, where nothing is lost.
type codes struct {
	bytes                     Register
	bias                      VecVirtual // what the products are too large by, as an int32
	norm, scale, norms, floor VecVirtual // of the query: norm is weighted, scale too
}

func newCodes() *codes {
	return &codes{bias: XMM(), norm: XMM(), scale: XMM(), norms: XMM(), floor: XMM()}
}

// load sums up the query, block by block. Products are off by offset times the sum
// of the query.
func (c *codes) load(bytes Register, offset uint64) {
	c.bytes = bytes
	query := Load(Param("query"), GP64())
	q, one, sum, squares := YMM(), YMM(), YMM(), YMM()
	avx2.clear(sum)
	avx2.clear(squares)
	one = avx2.broadcast(0x00010001)
	at := GP64()
	XORQ(at, at)
	Label("query")
	product := YMM()
	VPMOVSXBW(Mem{Base: query, Index: at, Scale: 1}, q)
	VPMADDWD(q, q, product)
	VPADDD(product, squares, squares)
	VPMADDWD(one, q, product)
	VPADDD(product, sum, sum)
	ADDQ(Imm(blockBytes), at)
	CMPQ(at, bytes)
	JLT(LabelRef("query"))
	sums := avx2.sumsI32([]VecVirtual{sum}, []VecVirtual{squares})

	bias := GP32()
	VMOVD(sums, bias)
	IMUL3L(U32(offset), bias, bias)
	VMOVD(bias, c.bias)

	VPSHUFD(Imm(1), sums, sums)
	VCVTDQ2PD(sums, c.norm)
	codeScale(Mem{Base: query}, c.scale)
	Load(Param("norms"), c.norms)
	VMULSD(c.scale, c.norm, c.norm)
	VMULSD(c.scale, c.norm, c.norm)
	VMULSD(c.norms, c.norm, c.norm)
	weight := Load(Param("weight"), XMM())
	VMULSD(weight, c.scale, c.scale)
	Load(Param("floor"), c.floor)
}

// codeScale reads the scale of a code from the lowest bits of its first bytes.
func codeScale(row Mem, scale VecVirtual) {
	low, bits := XMM(), GP32()
	VMOVDQU(row, low)
	VPSLLW(Imm(7), low, low)
	VPMOVMSKB(low, bits)
	SHLL(Imm(16), bits)
	VMOVD(bits, low)
	VXORPS(scale, scale, scale)
	VCVTSS2SD(low, scale, scale)
}

// store takes the sums of the products and of the row's squares.
func (c *codes) store(sums VecVirtual, dst, end Mem) {
	row := GP64()
	LEAQ(end, row)
	SUBQ(c.bytes, row)
	scale, product, norm := XMM(), XMM(), XMM()
	codeScale(Mem{Base: row}, scale)
	VPSUBD(c.bias, sums, sums)
	VCVTDQ2PD(sums, product)
	VUNPCKHPD(product, product, norm)
	VMULSD(scale, product, product)
	VMULSD(c.scale, product, product)
	VMULSD(scale, norm, norm)
	VMULSD(scale, norm, norm)
	VMULSD(c.norms, norm, norm)
	VADDSD(norm, c.norm, norm)
	VSUBSD(product, norm, norm)
	VMAXSD(c.floor, norm, norm)
	VCVTSD2SS(norm, norm, norm)
	VMOVSS(norm, dst)
}

// sumsI32 returns the sums of all 32-bit elements of two lists of accumulators, as
// the first two elements of a register.
func (m machine) sumsI32(a, b []VecVirtual) VecVirtual {
	for _, acc := range [][]VecVirtual{a, b} {
		for n := len(acc); n > 1; n /= 2 {
			for i := range n / 2 {
				VPADDD(acc[i+n/2], acc[i], acc[i])
			}
		}
		m.fold(acc[0], VPADDD)
	}
	sums, high := XMM(), XMM()
	VPUNPCKLDQ(b[0].AsX(), a[0].AsX(), sums)
	VPUNPCKHDQ(b[0].AsX(), a[0].AsX(), high)
	VPADDD(high, sums, sums)
	VPSHUFD(Imm(0b1110), sums, high)
	VPADDD(high, sums, sums)
	return sums
}
