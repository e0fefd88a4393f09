package vecfile

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math"
	"reflect"
	"testing"

	"github.com/hannoydb/hannoy/internal/vecfile/element"
)

// NumPy's arrays of every type that is read.
func TestNPYTypes(t *testing.T) {
	want := [][]float32{{1, -2, 100}, {0, 127, -128}}
	for descr, numbers := range map[string]any{
		"<f2": []uint16{0x3c00, 0xc000, 0x5640, 0, 0x57f0, 0xd800},
		"<f4": []float32{1, -2, 100, 0, 127, -128},
		"<f8": []float64{1, -2, 100, 0, 127, -128},
		"|i1": []int8{1, -2, 100, 0, 127, -128},
		"<i1": []int8{1, -2, 100, 0, 127, -128},
		"<i4": []int32{1, -2, 100, 0, 127, -128},
		"<i8": []int64{1, -2, 100, 0, 127, -128},
	} {
		file := bytes.NewBuffer(npyFile(fmt.Sprintf("{'descr': '%s', 'fortran_order': False, 'shape': (2, 3), }", descr)))
		if err := binary.Write(file, binary.LittleEndian, numbers); err != nil {
			t.Fatal(err)
		}
		rows, err := readAll(openBytes(t, NPY, file.Bytes()))
		if got := vectorsOf(rows); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %v, %v, want %v", descr, got, err, want)
		}
	}
}

func TestEveryHalf(t *testing.T) {
	for h := range 1 << 16 {
		sign, exponent, fraction := 1.0, h>>10&31, float64(h&1023)
		if h>>15 == 1 {
			sign = -1
		}
		want := sign * math.Ldexp(1024+fraction, exponent-25)
		switch {
		case exponent == 0:
			want = sign * math.Ldexp(fraction, -24)
		case exponent == 31 && fraction == 0:
			want = math.Inf(int(sign))
		case exponent == 31:
			want = math.NaN()
		}
		got := float64(element.HalfFloat(uint16(h)))
		if got != want && !(math.IsNaN(got) && math.IsNaN(want)) || math.Signbit(got) != (sign < 0) && !math.IsNaN(want) {
			t.Fatalf("half %#04x is %v, want %v", h, got, want)
		}
		if back := element.HalfBits(element.HalfFloat(uint16(h))); !math.IsNaN(want) && back != uint16(h) {
			t.Fatalf("half %#04x comes back as %#04x", h, back)
		}
		// Between two halves the nearer one is taken, and half way the even one.
		if next := element.HalfFloat(uint16(h) + 1); h&0x7fff < 0x7bff {
			here := element.HalfFloat(uint16(h))
			middle := here + (next-here)/2
			even := uint16(h + h&1)
			nearHere, nearNext := math.Nextafter32(middle, here), math.Nextafter32(middle, next)
			if element.HalfBits(middle) != even || element.HalfBits(nearHere) != uint16(h) || element.HalfBits(nearNext) != uint16(h)+1 {
				t.Fatalf("around %v: %#04x %#04x %#04x", middle, element.HalfBits(nearHere), element.HalfBits(middle), element.HalfBits(nearNext))
			}
		}
	}
}

// TestNPYNumbers writes every type of numbers that is written, and refuses what a type does not hold.
func TestNPYNumbers(t *testing.T) {
	for numbers, bad := range map[Numbers]float32{Float16: 1 + 1.0/2048, Int8: 128, Uint8: -1} {
		var file bytes.Buffer
		w, err := Create(Stdin, &WriterOptions{Format: NPY, Dimensions: 3, Rows: 2, Numbers: numbers, Stdout: &file})
		if err != nil {
			t.Fatal(err)
		}
		want := [][]float32{{0, 1, 2}, {3, 100, 127}}
		for _, v := range want {
			if err := w.WriteVector(v); err != nil {
				t.Fatal(err)
			}
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		rows, err := readAll(openBytes(t, NPY, file.Bytes()))
		if got := vectorsOf(rows); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%v: %v, %v", numbers, got, err)
		}
		wantError(t, w.WriteVector([]float32{0, bad, 0}), "number 1")
	}
}
