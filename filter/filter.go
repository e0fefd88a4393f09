// Package filter is what a search may be narrowed by: an expression over labels, id
// bitmaps, sets of keys and predicates, and the syntax in which the part of it that is
// about labels is written.
//
//	lang:en & !draft
//	(tag:red or tag:blue) and not "label with blanks"
//	lang:* & !(lang:en | lang:de)
//
// An expression is a label, or a prefix of labels with a star behind it, or expressions
// joined by "or" (or |), "and" (or &) and "not" (or !), which bind in this order, the
// last most tightly; parentheses group. A label that has a blank or one of ()&|!"* in
// it, or is one of the three words, stands in double quotes, within which \ keeps a " or
// a \ from its meaning. A star alone stands for every label.
//
// The package knows no slots and no snapshots: package reader works out which items an
// expression means.
package filter

import (
	"strings"

	"github.com/RoaringBitmap/roaring/v2"
)

// Op is what an expression does.
type Op uint8

// The operations. Label, Prefix, IDs, Keys and Func have no arguments, Not has one.
const (
	Label  Op = iota + 1 // items that have the label Text
	Prefix               // items that have a label which begins with Text
	IDs                  // items whose id is in IDs
	Keys                 // items whose key is among Keys
	Func                 // items for whose key Test is true
	Not
	And
	Or
)

// Expr is an expression. It does not change once made.
type Expr struct {
	Op   Op
	Args []*Expr
	Text string
	IDs  *roaring.Bitmap
	Keys [][]byte
	Test func(key []byte) bool
}

// Join joins one or more expressions by And or Or. What is joined so already is taken
// apart, so that an expression has one form.
func Join(op Op, args []*Expr) *Expr {
	if len(args) == 1 {
		return args[0]
	}
	joined := &Expr{Op: op}
	for _, a := range args {
		if a.Op == op {
			joined.Args = append(joined.Args, a.Args...)
		} else {
			joined.Args = append(joined.Args, a)
		}
	}
	return joined
}

// OfLabels reports whether the expression is about labels only: then its String says
// all about it.
func (e *Expr) OfLabels() bool { return !e.uses(IDs) && !e.uses(Keys) && !e.uses(Func) }

// Tests reports whether the expression has a Func, which is to be asked about no more
// items than need be.
func (e *Expr) Tests() bool { return e.uses(Func) }

func (e *Expr) uses(op Op) bool {
	if e.Op == op {
		return true
	}
	for _, a := range e.Args {
		if a.uses(op) {
			return true
		}
	}
	return false
}

// String writes the expression so that Parse reads it back, as far as it is about labels.
func (e *Expr) String() string {
	var b strings.Builder
	e.write(&b, Or)
	return b.String()
}

// write appends the expression as an operand of outer, in parentheses where outer binds
// more tightly.
func (e *Expr) write(b *strings.Builder, outer Op) {
	switch e.Op {
	case Label:
		writeLabel(b, e.Text)
	case Prefix:
		if e.Text != "" {
			writeLabel(b, e.Text)
		}
		b.WriteByte('*')
	case IDs:
		b.WriteString("<ids>")
	case Keys:
		b.WriteString("<keys>")
	case Func:
		b.WriteString("<func>")
	case Not:
		b.WriteByte('!')
		e.Args[0].write(b, Not)
	case And, Or:
		sign := " & "
		if e.Op == Or {
			sign = " | "
		}
		enclosed := outer == Not || outer == And && e.Op == Or
		if enclosed {
			b.WriteByte('(')
		}
		for i, a := range e.Args {
			if i > 0 {
				b.WriteString(sign)
			}
			a.write(b, e.Op)
		}
		if enclosed {
			b.WriteByte(')')
		}
	}
}

// writeLabel writes a label, quoted if need be.
func writeLabel(b *strings.Builder, label string) {
	if !strings.ContainsFunc(label, endsWord) && !strings.Contains(label, "*") && wordOp(label) == 0 {
		b.WriteString(label)
		return
	}
	b.WriteByte('"')
	for i := range len(label) {
		if label[i] == '"' || label[i] == '\\' {
			b.WriteByte('\\')
		}
		b.WriteByte(label[i])
	}
	b.WriteByte('"')
}
