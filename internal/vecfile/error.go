package vecfile

import (
	"fmt"
	"strconv"
	"strings"
)

// An Error says what is wrong with a file and where.
type Error struct {
	File    string // as the caller named it; "-" is standard input
	Row     int64  // from 0; -1 when it is not about one row
	Offset  int64  // in bytes from the start, after decompression; -1 when it is not about one place
	Problem string // what is wrong, with the values
	Hint    string // the remedy; may be empty
	Err     error  // the cause, when there is one
	bad     bool   // it is about the row alone: the next one can be read
}

func (e *Error) Error() string {
	var b strings.Builder
	switch e.File {
	case "":
	case Stdin:
		b.WriteString("standard input: ")
	default:
		b.WriteString(e.File + ": ")
	}
	if e.Row >= 0 {
		fmt.Fprintf(&b, "row %s, ", commas(e.Row))
	}
	if e.Offset >= 0 {
		fmt.Fprintf(&b, "byte %s: ", commas(e.Offset))
	}
	b.WriteString(e.Problem)
	return b.String()
}

// Unwrap is the cause.
func (e *Error) Unwrap() error { return e.Err }

// fileError is about a file as a whole.
func fileError(file, problem, hint string) *Error {
	return &Error{File: file, Row: -1, Offset: -1, Problem: problem, Hint: hint}
}

// commas writes 1234567 as 1,234,567.
func commas(n int64) string {
	s := strconv.FormatInt(n, 10)
	sign := ""
	if s[0] == '-' {
		sign, s = "-", s[1:]
	}
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return sign + s
}

// quote shows text of unknown origin in an error: printable and short.
func quote(s string) string {
	if len(s) > 60 {
		return strconv.Quote(s[:60]) + "..."
	}
	return strconv.Quote(s)
}
