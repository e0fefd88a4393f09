// Package terminal is how hannoyctl talks: numbers and tables for people, JSON for programs, progress, errors with their
// remedies and exit statuses. It knows the library's errors and nothing of what commands do.
package terminal

import (
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"
)

// Thousands writes 1234567 as 1,234,567.
func Thousands[N int | int64 | uint64](n N) string {
	s := fmt.Sprint(n)
	sign := ""
	if s[0] == '-' {
		sign, s = "-", s[1:]
	}
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return sign + s
}

var byteUnits = []string{"bytes", "KiB", "MiB", "GiB", "TiB"}

// Bytes writes a number of bytes for people: 148.2 MiB.
func Bytes(n int64) string {
	v, unit := float64(n), 0
	for v >= 1024 && unit < len(byteUnits)-1 {
		v, unit = v/1024, unit+1
	}
	if unit == 0 {
		return fmt.Sprintf("%d bytes", n)
	}
	return fmt.Sprintf("%.1f %s", v, byteUnits[unit])
}

// A ByteSize is a flag that reads 1073741824, 64MiB, 1.5GiB or 500MB.
type ByteSize int64

// String writes the size in the largest unit that divides it.
func (b *ByteSize) String() string {
	n := int64(*b)
	for unit := len(byteUnits) - 1; unit > 0; unit-- {
		if size := int64(1) << (10 * unit); n >= size && n%size == 0 {
			return strconv.FormatInt(n/size, 10) + byteUnits[unit]
		}
	}
	return strconv.FormatInt(n, 10)
}

// Type is how help texts name the flag's value.
func (b *ByteSize) Type() string { return "size" }

// Set reads a size.
func (b *ByteSize) Set(s string) error {
	digits := strings.TrimRight(s, "kKmMgGtTiIbB")
	unit := map[string]float64{"": 1, "b": 1, "kib": 1 << 10, "mib": 1 << 20, "gib": 1 << 30, "tib": 1 << 40,
		"k": 1 << 10, "m": 1 << 20, "g": 1 << 30, "t": 1 << 40, "kb": 1e3, "mb": 1e6, "gb": 1e9, "tb": 1e12}
	times, known := unit[strings.ToLower(s[len(digits):])]
	n, err := strconv.ParseFloat(strings.TrimSpace(digits), 64)
	if err != nil || !known || !(n*times >= 1 && n*times < 1<<62) {
		return fmt.Errorf("%q is not a size such as 64MiB or 1GiB", s)
	}
	*b = ByteSize(n * times)
	return nil
}

// A Count is a flag that is at least 1.
type Count int

// String writes the number.
func (c *Count) String() string { return strconv.Itoa(int(*c)) }

// Type is how help texts name the flag's value.
func (c *Count) Type() string { return "int" }

// Set reads a number from 1 up.
func (c *Count) Set(s string) error {
	n, err := strconv.Atoi(s)
	if err != nil || n < 1 {
		return fmt.Errorf("%q is not a number from 1 up", s)
	}
	*c = Count(n)
	return nil
}

// Seconds rounds a duration for JSON: microseconds are enough.
func Seconds(d time.Duration) float64 { return Rounded(d.Seconds(), 6) }

// Micros rounds a duration to tenths of microseconds.
func Micros(d time.Duration) float64 { return Rounded(float64(d)/1e3, 1) }

// Millis rounds a duration to microseconds, in milliseconds.
func Millis(d time.Duration) float64 { return Rounded(float64(d)/1e6, 3) }

// Rounded rounds to so many decimal places.
func Rounded(v float64, digits int) float64 {
	v, _ = strconv.ParseFloat(strconv.FormatFloat(v, 'f', digits, 64), 64)
	return v
}

// PrintJSON prints one object, indented or on a line.
func PrintJSON(w io.Writer, v any, indented bool) error {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	if indented {
		e.SetIndent("", "  ")
	}
	return e.Encode(v)
}

// A Sheet prints aligned lines of a name and what is to be said.
type Sheet struct{ w *tabwriter.Writer }

// NewSheet begins one on w; it prints when it is flushed.
func NewSheet(w io.Writer) *Sheet { return &Sheet{tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)} }

// Line adds a name and what is to be said of it.
func (s *Sheet) Line(name, format string, args ...any) {
	fmt.Fprintf(s.w, "%s\t%s\n", name, fmt.Sprintf(format, args...))
}

// Row prints cells of a table; the caller begins with the headings.
func (s *Sheet) Row(cells ...string) { fmt.Fprintln(s.w, strings.Join(cells, "\t")) }

// Flush aligns and prints all lines.
func (s *Sheet) Flush() error { return s.w.Flush() }

// Plural is "1 row" or "2 rows".
func Plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return Thousands(n) + " " + noun + "s"
}
