package vecfile

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"strconv"
	"strings"
)

// NumPy's file: magic, version, length of the header, the header (a Python dict literal), the numbers.
// https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html

var npyMagic = []byte("\x93NUMPY")

// maxNPYHeader bounds the dict. A real one has about 118 bytes.
const maxNPYHeader = 64 << 10

// npyElements are the types that are read. Big-endian, structured and object (pickled) arrays are not.
var npyElements = map[string]element{
	"<f2": float16Element, "<f4": float32Element, "<f8": float64Element, "<i4": int32Element, "<i8": int64Element,
	"|u1": uint8Element, "|i1": int8Element, "<u1": uint8Element, "<i1": int8Element,
}

func (f *fixed) openNPY() error {
	var head [12]byte
	if n, err := f.read(head[:8]); err != nil {
		return f.npyCut(int64(n), err)
	}
	if !bytes.Equal(head[:6], npyMagic) {
		return f.r.errorAt(-1, 0, "write it with numpy.save", "not an npy file: it begins with %s", quote(string(head[:6])))
	}
	lengthBytes := 2
	if version := head[6]; version >= 2 {
		lengthBytes = 4
		if version > 3 {
			return f.r.errorAt(-1, 6, "versions 1 to 3 are read", "npy version %d.%d is unknown", version, head[7])
		}
	}
	if n, err := f.read(head[8 : 8+lengthBytes]); err != nil {
		return f.npyCut(8+int64(n), err)
	}
	length := int64(binary.LittleEndian.Uint16(head[8:]))
	if lengthBytes == 4 {
		length = int64(binary.LittleEndian.Uint32(head[8:]))
	}
	if length > maxNPYHeader {
		return f.r.errorAt(-1, 8, "is the file damaged?", "the npy header claims %s bytes, more than %s", commas(length), commas(maxNPYHeader))
	}
	dict := make([]byte, length)
	at := f.r.offset
	if n, err := f.read(dict); err != nil {
		return f.npyCut(at+int64(n), err)
	}
	l, err := parseNPYHeader(string(dict))
	if err != nil {
		return f.r.errorAt(-1, at, "save a 2-dimensional C-order array: numpy.save(f, numpy.ascontiguousarray(a, dtype='<f4'))", "%v", err)
	}
	f.layout = l
	f.headerBytes = f.r.offset
	return nil
}

func (f *fixed) npyCut(have int64, err error) error {
	if !endOfFile(err) {
		return f.r.errorAt(-1, have, "", "%v", err)
	}
	return f.r.errorAt(-1, have, "truncated? Fetch or write the file again", "the npy header ends after %s bytes", commas(have))
}

// parseNPYHeader reads {'descr': '<f4', 'fortran_order': False, 'shape': (3, 4), }: these three keys in any order.
func parseNPYHeader(s string) (layout, error) {
	p := literal{s: s}
	l := layout{rows: -1}
	var descr string
	seen := map[string]bool{}
	p.expect('{')
	for p.err == nil && !p.accept('}') {
		key := p.text()
		p.expect(':')
		if seen[key] {
			return l, fmt.Errorf("the npy header names %s twice", quote(key))
		}
		seen[key] = true
		switch key {
		case "descr":
			if p.peek() == '[' {
				return l, fmt.Errorf("a structured array is not a matrix of numbers")
			}
			descr = p.text()
		case "fortran_order":
			if p.word() == "True" {
				return l, fmt.Errorf("the array is in Fortran order (column after column)")
			}
		case "shape":
			shape := p.tuple()
			if p.err == nil && len(shape) != 2 {
				return l, fmt.Errorf("the array has %d dimensions, not 2 (rows, numbers in a row)", len(shape))
			}
			if p.err == nil {
				l.rows, l.dims = shape[0], shape[1]
			}
		default:
			p.fail("the unknown key " + quote(key))
		}
		if p.peek() != '}' {
			p.expect(',')
		}
	}
	if p.err != nil {
		return l, p.err
	}
	if rest := strings.TrimSpace(p.s); rest != "" {
		return l, fmt.Errorf("the npy header has %s behind it", quote(rest))
	}
	if !seen["descr"] || !seen["fortran_order"] || !seen["shape"] {
		return l, fmt.Errorf("the npy header lacks descr, fortran_order or shape")
	}
	elem, ok := npyElements[descr]
	if !ok {
		return l, fmt.Errorf("numbers of type %s are not read; <f2 <f4 <f8 |u1 |i1 <i4 <i8 are", quote(descr))
	}
	l.elem = elem
	return l, nil
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
		p.fail(fmt.Sprintf("%s where %q belongs", quote(p.s), c))
	}
}

func (p *literal) text() string {
	if !p.accept('\'') {
		p.fail(quote(p.s) + " where a string belongs")
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
	p.fail(quote(p.s) + " where True or False belongs")
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
			p.fail(quote(p.s) + " where a length up to 2^40 belongs")
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

// npyHeader is the counterpart of openNPY.
func npyHeader(elem element, rows int64, dims int) []byte {
	descr := map[element]string{float32Element: "<f4", float16Element: "<f2", int8Element: "|i1", uint8Element: "|u1"}[elem]
	dict := fmt.Sprintf("{'descr': '%s', 'fortran_order': False, 'shape': (%d, %d), }", descr, rows, dims)
	const length = 118 // with the 10 bytes before it, a multiple of 64 as NumPy wants
	head := append(npyMagic[:len(npyMagic):len(npyMagic)], 1, 0, length, 0)
	return fmt.Appendf(head, "%-*s\n", length-1, dict)
}
