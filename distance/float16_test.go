package distance

import (
	"math"
	"testing"
)

// halfValue is the definition of a finite half-precision number.
func halfValue(h uint16) float64 {
	sign := 1.0
	if h>>15 == 1 {
		sign = -1
	}
	exponent, fraction := int(h>>10&31), float64(h&1023)
	if exponent == 0 {
		return sign * math.Ldexp(fraction, -24)
	}
	return sign * math.Ldexp(1024+fraction, exponent-25)
}

func TestEveryHalf(t *testing.T) {
	for h := range 0x7c00 {
		for _, h := range []uint16{uint16(h), uint16(h) | 0x8000} {
			f := fromF16(h)
			if float64(f) != halfValue(h) || math.Signbit(float64(f)) != (h>>15 == 1) {
				t.Fatalf("half %#04x is %v, want %v", h, f, halfValue(h))
			}
			if back := toF16(f); back != h {
				t.Fatalf("half %#04x came back as %#04x", h, back)
			}
		}
	}
}

// Between two neighbours the nearer one is taken, and the even one in the middle.
func TestHalfRounding(t *testing.T) {
	for h := range uint16(0x7bff) {
		low, high := halfValue(h), halfValue(h+1)
		middle := float32((low + high) / 2)
		even := h + h&1
		for f, want := range map[float32]uint16{
			middle:                              even,
			math.Nextafter32(middle, 0):         h,
			math.Nextafter32(middle, maxF16):    h + 1,
			math.Nextafter32(float32(low), 1e6): h,
		} {
			if got := toF16(f); got != want {
				t.Fatalf("%v is rounded to %#04x, want %#04x", f, got, want)
			}
			if got := toF16(-f); got != want|0x8000 {
				t.Fatalf("%v is rounded to %#04x, want %#04x", -f, got, want|0x8000)
			}
		}
	}
}
