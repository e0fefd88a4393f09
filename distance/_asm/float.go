package main

import (
	"fmt"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// element is a type of floating-point element; all arithmetic is in float32.
type element struct {
	name  string
	bytes int
}

var (
	f32 = element{"F32", 4}
	f16 = element{"F16", 2}
)

// metric adds one vector of differences or products to an accumulator.
type metric struct {
	name, doc string
	// row may be memory or a register
	add func(m machine, acc, query VecVirtual, row Op, sign VecVirtual)
}

var (
	l2 = metric{"l2", "sum of (q-r)^2", func(m machine, acc, query VecVirtual, row Op, _ VecVirtual) {
		VSUBPS(row, query, query)
		VFMADD231PS(query, query, acc)
	}}
	dot = metric{"dot", "-sum of q*r", func(m machine, acc, query VecVirtual, row Op, _ VecVirtual) {
		VFNMADD231PS(row, query, acc)
	}}
	l1 = metric{"l1", "sum of |q-r|", func(m machine, acc, query VecVirtual, row Op, sign VecVirtual) {
		VSUBPS(row, query, query)
		VANDPS(sign, query, query)
		VADDPS(query, acc, acc)
	}}
)

// over returns the kernel of a metric for elements of type e.
func (t metric) over(e element, m machine) kernel {
	const accumulators = 4
	acc := m.vectors(accumulators)
	var sign VecVirtual
	var mask OpmaskVirtual
	k := kernel{
		name:         t.name + e.name + m.name,
		doc:          fmt.Sprintf("%s%s%s writes the %s of each row.", t.name, e.name, m.name, t.doc),
		unit:         m.bytes * e.bytes / 4,
		accumulators: accumulators,
		setup: func(bytes Register) {
			if t.name == l1.name {
				sign = m.broadcast(1<<31 - 1)
			}
			if m == avx512 && e == f32 {
				mask = tailMask(bytes)
			}
		},
		zero:  func(i int) { m.clear(acc[i]) },
		store: func(dst, _ Mem) { m.sumF32(acc, dst) },
	}
	k.step = func(i int, query, row Mem) {
		q := m.vector()
		if e == f32 {
			VMOVUPS(query, q)
			t.add(m, acc[i], q, row, sign)
			return
		}
		r := m.vector()
		VCVTPH2PS(query, q)
		VCVTPH2PS(row, r)
		t.add(m, acc[i], q, r, sign)
	}
	// The tail loads fewer elements; the rest of the registers is zero.
	k.tail = func(query, row Mem) {
		q, r := m.vector(), m.vector()
		switch {
		case e == f32 && m == avx512:
			VMOVUPS_Z(query, mask, q)
			VMOVUPS_Z(row, mask, r)
		case e == f32:
			VMOVUPS(query, q.AsX())
			VMOVUPS(row, r.AsX())
		default:
			VCVTPH2PS(query, q.AsY())
			VCVTPH2PS(row, r.AsY())
		}
		t.add(m, acc[1], q, r, sign)
	}
	if k.unit == blockBytes {
		k.tail = nil
	}
	return k
}
