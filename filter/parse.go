package filter

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxDepth bounds how deep parentheses and nots may nest.
const maxDepth = 200

// Error says what is wrong with the text of an expression, and where.
type Error struct {
	Text    string // the whole expression
	Offset  int    // of the byte that is wrong, len(Text) for its end
	Problem string
	Kind    error // what errors.Is finds it to be; nil
}

// Unwrap returns the kind.
func (e *Error) Unwrap() error { return e.Kind }

// Error says what is wrong, and at which character.
func (e *Error) Error() string {
	return fmt.Sprintf("filter, character %d: %s", utf8.RuneCountInString(e.Text[:e.Offset])+1, e.Problem)
}

// Caret is the expression with a caret under the place, in two lines.
func (e *Error) Caret() string {
	line := strings.Map(func(r rune) rune {
		if unicode.IsSpace(r) {
			return ' '
		}
		return r
	}, e.Text)
	return line + "\n" + strings.Repeat(" ", utf8.RuneCountInString(e.Text[:e.Offset])) + "^"
}

// Parse reads an expression over labels; check says whether a text can be a label. The
// error is an *Error of the kind.
func Parse(text string, check func(label string) error, kind error) (*Expr, error) {
	p := &parser{text: text, check: check, kind: kind}
	e, err := p.alternatives(0)
	if err == nil && p.peek() != 0 && p.text[p.at] == ')' {
		err = p.errorf(p.at, "this ) has no (")
	} else if err == nil && p.peek() != 0 {
		err = p.errorf(p.at, "%s stands where the expression could end: join it with and, or", p.found())
	}
	if err != nil {
		return nil, err
	}
	return e, nil
}

// parser is a parser by recursive descent, at a byte of its text.
type parser struct {
	text  string
	at    int
	check func(label string) error
	kind  error
}

func (p *parser) errorf(at int, format string, args ...any) *Error {
	return &Error{Text: p.text, Offset: at, Problem: fmt.Sprintf(format, args...), Kind: p.kind}
}

// endsWord reports whether the character cannot be in an unquoted label.
func endsWord(r rune) bool { return unicode.IsSpace(r) || strings.ContainsRune(`()&|!"`, r) }

// wordOp is the operation that the word or sign stands for, or 0.
func wordOp(word string) Op {
	switch {
	case word == "&" || strings.EqualFold(word, "and"):
		return And
	case word == "|" || strings.EqualFold(word, "or"):
		return Or
	case word == "!" || strings.EqualFold(word, "not"):
		return Not
	}
	return 0
}

// peek skips blanks and returns the length of what comes then: a sign, or a word. It is
// 0 at the end.
func (p *parser) peek() int {
	rest := strings.TrimLeftFunc(p.text[p.at:], unicode.IsSpace)
	p.at = len(p.text) - len(rest)
	switch end := strings.IndexFunc(rest, endsWord); {
	case rest == "":
		return 0
	case end < 0:
		return len(rest)
	case end == 0:
		return 1
	default:
		return end
	}
}

// found names what comes, for errors.
func (p *parser) found() string {
	n := p.peek()
	if n == 0 {
		return "the end"
	}
	return fmt.Sprintf("%q", p.text[p.at:p.at+n])
}

// accept steps over the operator, if it comes.
func (p *parser) accept(op Op) bool {
	n := p.peek()
	if wordOp(p.text[p.at:p.at+n]) != op {
		return false
	}
	p.at += n
	return true
}

// alternatives reads what "or" joins.
func (p *parser) alternatives(depth int) (*Expr, error) {
	return p.joined(Or, func() (*Expr, error) {
		return p.joined(And, func() (*Expr, error) { return p.operand(depth) })
	})
}

// joined reads operands joined by the operator.
func (p *parser) joined(op Op, operand func() (*Expr, error)) (*Expr, error) {
	var args []*Expr
	for {
		e, err := operand()
		if err != nil {
			return nil, err
		}
		args = append(args, e)
		if !p.accept(op) {
			break
		}
	}
	return Join(op, args), nil
}

// operand reads a label, a group, or the negation of one.
func (p *parser) operand(depth int) (*Expr, error) {
	if depth == maxDepth {
		return nil, p.errorf(p.at, "more than %d parentheses and nots within each other", maxDepth)
	}
	if p.accept(Not) {
		e, err := p.operand(depth + 1)
		if err != nil {
			return nil, err
		}
		return &Expr{Op: Not, Args: []*Expr{e}}, nil
	}
	n := p.peek()
	start := p.at
	word := p.text[start : start+n]
	switch {
	case n == 0:
		return nil, p.errorf(start, "a label or ( is missing at the end")
	case word == "(":
		p.at++
		e, err := p.alternatives(depth + 1)
		if err != nil {
			return nil, err
		}
		if p.peek() == 0 || p.text[p.at] != ')' {
			if p.at == len(p.text) {
				return nil, p.errorf(start, "this ( has no )")
			}
			return nil, p.errorf(p.at, "%s stands where and, or, ) could", p.found())
		}
		p.at++
		return e, nil
	case word == `"`:
		return p.quoted()
	case word == ")" || wordOp(word) != 0:
		return nil, p.errorf(start, "%q stands where a label or ( must", word)
	}
	p.at += n
	if star := strings.IndexByte(word, '*'); star >= 0 && star < len(word)-1 {
		return nil, p.errorf(start+star, "* may stand at the end of a label only (put a label that has one in double quotes)")
	}
	label, isPrefix := strings.CutSuffix(word, "*")
	return p.label(start, label, isPrefix)
}

// quoted reads a label in double quotes.
func (p *parser) quoted() (*Expr, error) {
	start := p.at
	var label strings.Builder
	for p.at++; p.at < len(p.text); p.at++ {
		switch c := p.text[p.at]; c {
		case '"':
			p.at++
			isPrefix := strings.HasPrefix(p.text[p.at:], "*")
			if isPrefix {
				p.at++
			}
			return p.label(start, label.String(), isPrefix)
		case '\\':
			p.at++
			if p.at == len(p.text) || p.text[p.at] != '"' && p.text[p.at] != '\\' {
				return nil, p.errorf(p.at-1, `within quotes \ must stand before " or \`)
			}
			label.WriteByte(p.text[p.at])
		default:
			label.WriteByte(c)
		}
	}
	return nil, p.errorf(start, `this " has no second`)
}

func (p *parser) label(start int, label string, isPrefix bool) (*Expr, error) {
	if isPrefix && label == "" {
		return &Expr{Op: Prefix}, nil
	}
	if err := p.check(label); err != nil {
		return nil, p.errorf(start, "%v", err)
	}
	if isPrefix {
		return &Expr{Op: Prefix, Text: label}, nil
	}
	return &Expr{Op: Label, Text: label}, nil
}
