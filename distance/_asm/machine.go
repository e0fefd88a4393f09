package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// machine is one width of vector registers.
type machine struct {
	name  string
	bytes int // of a vector register
}

var (
	avx2   = machine{"AVX2", 32}
	avx512 = machine{"AVX512", 64}
)

// vector returns a new register of the machine's width.
func (m machine) vector() VecVirtual {
	if m == avx512 {
		return ZMM()
	}
	return YMM()
}

// vectors returns n new registers.
func (m machine) vectors(n int) []VecVirtual {
	v := make([]VecVirtual, n)
	for i := range v {
		v[i] = m.vector()
	}
	return v
}

// clear sets a register to zero, of whatever type.
func (m machine) clear(v VecVirtual) {
	VXORPS(v.AsX(), v.AsX(), v.AsX()) // also clears what is above
}

// broadcast returns a register whose every 32-bit element is word.
func (m machine) broadcast(word uint32) VecVirtual {
	v, scalar := m.vector(), GP32()
	MOVL(U32(word), scalar)
	VMOVD(scalar, v.AsX())
	VPBROADCASTD(v.AsX(), v)
	return v
}

// tailMask returns a mask of the 32-bit elements of a row after its last whole
// vector of 64 bytes.
func tailMask(bytes Register) OpmaskVirtual {
	n, ones, k := GP64(), GP64(), K()
	MOVQ(bytes, n)
	ANDQ(Imm(lineBytes-1), n)
	SHRQ(Imm(2), n)
	MOVQ(I32(-1), ones)
	BZHIQ(n, ones, ones)
	KMOVW(ones.As32(), k)
	return k
}

// fold adds the upper half of a vector to its lower half until 16 bytes are
// left, with the given add.
func (m machine) fold(v VecVirtual, add func(...Op)) {
	half := YMM()
	if m == avx512 {
		VEXTRACTI64X4(Imm(1), v, half)
		add(half, v.AsY(), v.AsY())
	}
	VEXTRACTI128(Imm(1), v.AsY(), half.AsX())
	add(half.AsX(), v.AsX(), v.AsX())
}

// sumF32 stores the sum of all elements of the accumulators.
func (m machine) sumF32(acc []VecVirtual, dst Mem) {
	for n := len(acc); n > 1; n /= 2 {
		for i := range n / 2 {
			VADDPS(acc[i+n/2], acc[i], acc[i])
		}
	}
	m.fold(acc[0], VADDPS)
	sum, other := acc[0].AsX(), XMM()
	VMOVHLPS(sum, sum, other)
	VADDPS(other, sum, sum)
	VMOVSHDUP(sum, other)
	VADDSS(other, sum, sum)
	VMOVSS(sum, dst)
}

// sumI32 returns the sum of all 32-bit elements of the accumulators, as the first
// element of a register.
func (m machine) sumI32(acc []VecVirtual) Register {
	for n := len(acc); n > 1; n /= 2 {
		for i := range n / 2 {
			VPADDD(acc[i+n/2], acc[i], acc[i])
		}
	}
	m.fold(acc[0], VPADDD)
	sum, other := acc[0].AsX(), XMM()
	VPSHUFD(Imm(0b1110), sum, other)
	VPADDD(other, sum, sum)
	VPSHUFD(Imm(0b0001), sum, other)
	VPADDD(other, sum, sum)
	return sum
}

// sumI64 stores the sum of all 64-bit elements of the accumulators as a float32.
func (m machine) sumI64(acc []VecVirtual, dst Mem) {
	for n := len(acc); n > 1; n /= 2 {
		for i := range n / 2 {
			VPADDQ(acc[i+n/2], acc[i], acc[i])
		}
	}
	m.fold(acc[0], VPADDQ)
	sum, other, whole := acc[0].AsX(), XMM(), GP64()
	VPSHUFD(Imm(0b1110), sum, other)
	VPADDQ(other, sum, sum)
	VMOVQ(sum, whole)
	storeWhole(whole, dst)
}

func storeWhole(whole Register, dst Mem) {
	result := XMM()
	VXORPS(result, result, result) // the conversion keeps the upper part: no wait for what was there
	VCVTSI2SSQ(whole, result, result)
	VMOVSS(result, dst)
}

// load reads a vector of bytes.
func (m machine) load(src Mem, v VecVirtual) {
	if m == avx512 {
		VMOVDQU64(src, v)
	} else {
		VMOVDQU(src, v)
	}
}

// xor flips the bits of mask in v.
func (m machine) xor(mask, v VecVirtual) {
	if m == avx512 {
		VPXORQ(mask, v, v)
	} else {
		VPXOR(mask, v, v)
	}
}
