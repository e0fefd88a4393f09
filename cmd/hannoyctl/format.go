package main

import (
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"
)

// thousands writes 1234567 as 1,234,567.
func thousands[N int | int64 | uint64](n N) string {
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

// byteText writes a number of bytes for people: 148.2 MiB.
func byteText(n int64) string {
	v, unit := float64(n), 0
	for v >= 1024 && unit < len(byteUnits)-1 {
		v, unit = v/1024, unit+1
	}
	if unit == 0 {
		return fmt.Sprintf("%d bytes", n)
	}
	return fmt.Sprintf("%.1f %s", v, byteUnits[unit])
}

// A byteSize is a flag that reads 1073741824, 64MiB, 1.5GiB or 500MB.
type byteSize int64

func (b *byteSize) String() string {
	n := int64(*b)
	for unit := len(byteUnits) - 1; unit > 0; unit-- {
		if size := int64(1) << (10 * unit); n >= size && n%size == 0 {
			return strconv.FormatInt(n/size, 10) + byteUnits[unit]
		}
	}
	return strconv.FormatInt(n, 10)
}

func (b *byteSize) Type() string { return "size" }

func (b *byteSize) Set(s string) error {
	digits := strings.TrimRight(s, "kKmMgGtTiIbB")
	unit := map[string]float64{"": 1, "b": 1, "kib": 1 << 10, "mib": 1 << 20, "gib": 1 << 30, "tib": 1 << 40,
		"k": 1 << 10, "m": 1 << 20, "g": 1 << 30, "t": 1 << 40, "kb": 1e3, "mb": 1e6, "gb": 1e9, "tb": 1e12}
	times, known := unit[strings.ToLower(s[len(digits):])]
	n, err := strconv.ParseFloat(strings.TrimSpace(digits), 64)
	if err != nil || !known || !(n*times >= 1 && n*times < 1<<62) {
		return fmt.Errorf("%q is not a size such as 64MiB or 1GiB", s)
	}
	*b = byteSize(n * times)
	return nil
}

// A count is a flag that is at least 1.
type count int

func (c *count) String() string { return strconv.Itoa(int(*c)) }

func (c *count) Type() string { return "int" }

func (c *count) Set(s string) error {
	n, err := strconv.Atoi(s)
	if err != nil || n < 1 {
		return fmt.Errorf("%q is not a number from 1 up", s)
	}
	*c = count(n)
	return nil
}

// seconds rounds a duration for JSON: microseconds are enough.
func seconds(d time.Duration) float64 { return rounded(d.Seconds(), 6) }

func micros(d time.Duration) float64 { return rounded(float64(d)/1e3, 1) }

func millis(d time.Duration) float64 { return rounded(float64(d)/1e6, 3) }

func rounded(v float64, digits int) float64 {
	v, _ = strconv.ParseFloat(strconv.FormatFloat(v, 'f', digits, 64), 64)
	return v
}

// printJSON prints one object.
func printJSON(w io.Writer, v any) error {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	return e.Encode(v)
}

// A sheet prints aligned lines of a name and what is to be said.
type sheet struct{ w *tabwriter.Writer }

func newSheet(w io.Writer) *sheet { return &sheet{tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)} }

func (s *sheet) line(name, format string, args ...any) {
	fmt.Fprintf(s.w, "%s\t%s\n", name, fmt.Sprintf(format, args...))
}

// row prints cells of a table; the caller begins with the headings.
func (s *sheet) row(cells ...string) { fmt.Fprintln(s.w, strings.Join(cells, "\t")) }

func (s *sheet) flush() error { return s.w.Flush() }

// plural is "1 row" or "2 rows".
func plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return thousands(n) + " " + noun + "s"
}
