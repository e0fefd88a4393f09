package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

const correctionParams = ", weight, floor float64"

// correction turns the whole-number product of two rows of int8 into a distance,
// in float64, where nothing is lost. The two scales are multiplied first, so that
// the result is the same whichever row is the query.
type correction struct {
	norm, scale, floor VecVirtual // of the query; scale is weighted
}

func newCorrection() *correction {
	return &correction{norm: XMM(), scale: XMM(), floor: XMM()}
}

func (c *correction) load(bytes Register) {
	query := Load(Param("query"), GP64())
	ADDQ(bytes, query)
	VMOVSD(Mem{Base: query}, c.norm)
	VXORPS(c.scale, c.scale, c.scale)
	VCVTSS2SD(Mem{Base: query, Disp: 8}, c.scale, c.scale)
	weight := Load(Param("weight"), XMM())
	VMULSD(weight, c.scale, c.scale)
	Load(Param("floor"), c.floor)
}

func (c *correction) store(sum Register, dst, end Mem) {
	d, scale := XMM(), XMM()
	VCVTDQ2PD(sum, d)
	VXORPS(scale, scale, scale)
	VCVTSS2SD(end.Offset(8), scale, scale)
	VMULSD(scale, c.scale, scale)
	VMULSD(scale, d, d)
	norm := XMM()
	VADDSD(end, c.norm, norm)
	VSUBSD(d, norm, d)
	VMAXSD(c.floor, d, d)
	VCVTSD2SS(d, d, d)
	VMOVSS(d, dst)
}
