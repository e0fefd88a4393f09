package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

const (
	lineBytes  = 64
	blockBytes = 16  // divides every row
	firstBytes = 512 // of a row are prefetched before the first distance
)

// kernel is what rows needs to know of an arithmetic: how one unit of bytes of
// the query and of a row enter an accumulator.
type kernel struct {
	name, doc    string
	params       string               // after the common ones
	unit         int                  // bytes of a row that one step takes
	accumulators int                  // steps in flight: a multiple of lineBytes/unit
	trailer      int                  // bytes at the end of a row that are not elements
	setup        func(bytes Register) // once per call: constants, masks
	zero         func(acc int)
	step         func(acc int, query, row Mem)
	tail         func(query, row Mem)   // what is left, less than a unit; nil when unit is a block
	store        func(dst Mem, end Mem) // sums the accumulators; end is the row's trailer
}

// rows writes a function that takes the distances from one row to many.
//
// Row i is read while row i+ahead is prefetched, line by line in step, so that
// the memory always has the same number of lines to bring. The last rows have no
// row ahead: the last of all, already there, is prefetched instead.
func rows(k kernel) {
	TEXT(k.name, NOSPLIT, "func(dst []float32, query *byte, rows []*byte, rowBytes, ahead int"+k.params+")")
	Doc(k.doc)
	Pragma("noescape")

	dst := Load(Param("dst").Base(), GP64())
	query := Load(Param("query"), GP64())
	table := Load(Param("rows").Base(), GP64())
	count := Load(Param("rows").Len(), GP64())
	bytes := Load(Param("rowBytes"), GP64())
	ahead := Load(Param("ahead"), GP64())
	if k.trailer > 0 {
		SUBQ(Imm(uint64(k.trailer)), bytes)
	}
	TESTQ(count, count)
	JZ(LabelRef("done"))

	prefetchFirst(table, count, bytes, ahead)

	wide := k.unit * k.accumulators
	wideEnd, unitEnd := GP64(), GP64() // the last offsets at which a wide step, a step still fits
	LEAQ(Mem{Base: bytes, Disp: -wide}, wideEnd)
	LEAQ(Mem{Base: bytes, Disp: -k.unit}, unitEnd)
	k.setup(bytes)

	last, i := GP64(), GP64()
	LEAQ(Mem{Base: count, Disp: -1}, last)
	XORQ(i, i)

	Label("row")
	row, next, offset := GP64(), GP64(), GP64()
	MOVQ(Mem{Base: table, Index: i, Scale: 8}, row)
	LEAQ(Mem{Base: i, Index: ahead, Scale: 1}, next)
	CMPQ(next, last)
	CMOVQGT(last, next)
	MOVQ(Mem{Base: table, Index: next, Scale: 8}, next)
	for acc := range k.accumulators {
		k.zero(acc)
	}
	XORQ(offset, offset)
	at := func(base Register, disp int) Mem {
		return Mem{Base: base, Index: offset, Scale: 1, Disp: disp}
	}

	CMPQ(offset, wideEnd)
	JGT(LabelRef("narrow"))
	Label("wide")
	for line := 0; line < wide; line += lineBytes {
		PREFETCHT0(at(next, line))
	}
	for acc := range k.accumulators {
		k.step(acc, at(query, acc*k.unit), at(row, acc*k.unit))
	}
	ADDQ(I32(int32(wide)), offset)
	CMPQ(offset, wideEnd)
	JLE(LabelRef("wide"))

	narrow(k, at, query, row, next, offset, unitEnd, bytes)
	k.store(Mem{Base: dst, Index: i, Scale: 4}, Mem{Base: row, Index: bytes, Scale: 1})

	INCQ(i)
	CMPQ(i, count)
	JLT(LabelRef("row"))
	VZEROUPPER()
	Label("done")
	RET()
}

// narrow goes on where no wide step fits: step by step, and then with the tail.
func narrow(k kernel, at func(base Register, disp int) Mem, query, row, next, offset, unitEnd, bytes Register) {
	Label("narrow")
	CMPQ(offset, unitEnd)
	JGT(LabelRef("tail"))
	PREFETCHT0(at(next, 0))
	k.step(0, at(query, 0), at(row, 0))
	ADDQ(I32(int32(k.unit)), offset)
	JMP(LabelRef("narrow"))

	Label("tail")
	if k.tail != nil {
		CMPQ(offset, bytes)
		JEQ(LabelRef("sum"))
		PREFETCHT0(at(next, 0))
		k.tail(at(query, 0), at(row, 0))
		Label("sum")
	}
	if k.trailer > 0 {
		PREFETCHT0(Mem{Base: next, Index: bytes, Scale: 1})
	}
}

// prefetchFirst asks for the beginnings of the first ahead rows.
func prefetchFirst(table, count, bytes, ahead Register) {
	rows, end, row, offset := GP64(), GP64(), GP64(), GP64()
	MOVQ(ahead, rows)
	CMPQ(rows, count)
	CMOVQGT(count, rows)
	MOVQ(U32(firstBytes), end)
	CMPQ(end, bytes)
	CMOVQGT(bytes, end)

	Label("first")
	DECQ(rows)
	JLT(LabelRef("ready"))
	MOVQ(Mem{Base: table, Index: rows, Scale: 8}, row)
	XORQ(offset, offset)
	Label("line")
	PREFETCHT0(Mem{Base: row, Index: offset, Scale: 1})
	ADDQ(Imm(lineBytes), offset)
	CMPQ(offset, end)
	JLT(LabelRef("line"))
	JMP(LabelRef("first"))
	Label("ready")
}
