// Package npy reads and writes the header of NumPy's array file: magic, version, length of the header, the header (a Python
// dict literal), the numbers.
// https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html
package npy

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/hannoydb/hannoy/internal/vecfile/element"
)

// Magic is what files begin with.
var Magic = []byte("\x93NUMPY")

// elements are the types that are read. Big-endian, structured and object (pickled) arrays are not.
var elements = map[string]element.Type{
	"<f2": element.Float16, "<f4": element.Float32, "<f8": element.Float64, "<i4": element.Int32, "<i8": element.Int64,
	"|u1": element.Uint8, "|i1": element.Int8, "<u1": element.Uint8, "<i1": element.Int8,
}

// ParseHeader reads {'descr': '<f4', 'fortran_order': False, 'shape': (3, 4), }: these three keys in any order.
func ParseHeader(s string) (elem element.Type, rows, dims int64, err error) {
	p := literal{s: s}
	var descr string
	seen := map[string]bool{}
	p.expect('{')
	for p.err == nil && !p.accept('}') {
		key := p.text()
		p.expect(':')
		if seen[key] {
			return 0, 0, 0, fmt.Errorf("the npy header names %.60q twice", key)
		}
		seen[key] = true
		switch key {
		case "descr":
			if p.peek() == '[' {
				return 0, 0, 0, fmt.Errorf("a structured array is not a matrix of numbers")
			}
			descr = p.text()
		case "fortran_order":
			if p.word() == "True" {
				return 0, 0, 0, fmt.Errorf("the array is in Fortran order (column after column)")
			}
		case "shape":
			shape := p.tuple()
			if p.err == nil && len(shape) != 2 {
				return 0, 0, 0, fmt.Errorf("the array has %d dimensions, not 2 (rows, numbers in a row)", len(shape))
			}
			if p.err == nil {
				rows, dims = shape[0], shape[1]
			}
		default:
			p.fail(fmt.Sprintf("the unknown key %.60q", key))
		}
		if p.peek() != '}' {
			p.expect(',')
		}
	}
	if p.err != nil {
		return 0, 0, 0, p.err
	}
	if rest := strings.TrimSpace(p.s); rest != "" {
		return 0, 0, 0, fmt.Errorf("the npy header has %.60q behind it", rest)
	}
	if !seen["descr"] || !seen["fortran_order"] || !seen["shape"] {
		return 0, 0, 0, fmt.Errorf("the npy header lacks descr, fortran_order or shape")
	}
	elem, ok := elements[descr]
	if !ok {
		return 0, 0, 0, fmt.Errorf("numbers of type %.60q are not read; <f2 <f4 <f8 |u1 |i1 <i4 <i8 are", descr)
	}
	return elem, rows, dims, nil
}

// literal walks a Python literal. The first error stays and ends every further step.
type literal struct {
	s   string
	err error
}

func (p *literal) fail(what string) {
	if p.err == nil {
		p.err = fmt.Errorf("the npy header has %s", what)
	}
	p.s = ""
}

func (p *literal) peek() byte {
	p.s = strings.TrimLeft(p.s, " \t\n")
	if p.s == "" {
		return 0
	}
	return p.s[0]
}

func (p *literal) accept(c byte) bool {
	if p.peek() != c {
		return false
	}
	p.s = p.s[1:]
	return true
}

func (p *literal) expect(c byte) {
	if !p.accept(c) {
		p.fail(fmt.Sprintf("%.60q where %q belongs", p.s, c))
	}
}

func (p *literal) text() string {
	if !p.accept('\'') {
		p.fail(fmt.Sprintf("%.60q where a string belongs", p.s))
		return ""
	}
	text, rest, ok := strings.Cut(p.s, "'")
	if !ok {
		p.fail("a string without end")
		return ""
	}
	p.s = rest
	return text
}

func (p *literal) word() string {
	p.peek()
	for _, w := range []string{"True", "False"} {
		if rest, ok := strings.CutPrefix(p.s, w); ok {
			p.s = rest
			return w
		}
	}
	p.fail(fmt.Sprintf("%.60q where True or False belongs", p.s))
	return ""
}

// tuple is (3, 4) or (3,) or (). Numbers are bounded so that rows times dimensions cannot overflow.
func (p *literal) tuple() []int64 {
	var out []int64
	p.expect('(')
	for p.err == nil && !p.accept(')') {
		p.peek()
		end := strings.IndexFunc(p.s, func(r rune) bool { return r < '0' || r > '9' })
		if end < 0 {
			end = len(p.s)
		}
		n, err := strconv.ParseUint(p.s[:end], 10, 40)
		if err != nil {
			p.fail(fmt.Sprintf("%.60q where a length up to 2^40 belongs", p.s))
			return nil
		}
		p.s = p.s[end:]
		out = append(out, int64(n))
		if p.peek() != ')' {
			p.expect(',')
		}
	}
	return out
}

// Header is the beginning of a file of such rows, all that stands before the numbers.
func Header(elem element.Type, rows int64, dims int) []byte {
	descr := map[element.Type]string{element.Float32: "<f4", element.Float16: "<f2", element.Int8: "|i1", element.Uint8: "|u1"}[elem]
	dict := fmt.Sprintf("{'descr': '%s', 'fortran_order': False, 'shape': (%d, %d), }", descr, rows, dims)
	const length = 118 // with the 10 bytes before it, a multiple of 64 as NumPy wants
	head := append(Magic[:len(Magic):len(Magic)], 1, 0, length, 0)
	return fmt.Appendf(head, "%-*s\n", length-1, dict)
}
