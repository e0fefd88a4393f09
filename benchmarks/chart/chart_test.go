package chart

import (
	"encoding/xml"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
)

func TestSVGIsWellFormed(t *testing.T) {
	c := &Chart{
		Title: "a < b & c", X: Axis{Label: "x", From: 0, To: 1, Ticks: []float64{0, 1}},
		Y:      LogAxis("y", []float64{3, 4000}),
		Series: []Series{{Name: "one", Points: []Point{{0, 3}, {1, 4000}}}, {Name: "empty", Style: 12}},
	}
	d := xml.NewDecoder(strings.NewReader(c.SVG()))
	for {
		if _, err := d.Token(); errors.Is(err, io.EOF) {
			return
		} else if err != nil {
			t.Fatal(err)
		}
	}
}

func TestLogAxisEndsAtTicksAroundTheValues(t *testing.T) {
	for _, test := range []struct{ values, ticks []float64 }{
		{[]float64{3, 40}, []float64{2, 5, 10, 20, 50}},
		{[]float64{2, 50}, []float64{2, 5, 10, 20, 50}},
		{nil, []float64{1, 2, 5, 10}},
	} {
		a := LogAxis("", test.values)
		if !slices.Equal(a.Ticks, test.ticks) || a.From != a.Ticks[0] || a.To != a.Ticks[len(a.Ticks)-1] {
			t.Errorf("%v: ticks %v from %g to %g, want %v", test.values, a.Ticks, a.From, a.To, test.ticks)
		}
	}
}

func TestThousands(t *testing.T) {
	for value, want := range map[float64]string{0.5: "0.5", 999: "999", 1000: "1,000", 1234567: "1,234,567"} {
		if got := Thousands(value); got != want {
			t.Errorf("%g: %s, want %s", value, got, want)
		}
	}
}
