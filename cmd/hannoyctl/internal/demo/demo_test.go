package demo

import (
	"reflect"
	"slices"
	"testing"

	"github.com/hannoydb/hannoy/cmd/hannoyctl/internal/measure"
	"github.com/hannoydb/hannoy/cmd/hannoyctl/internal/terminal"
)

func TestWords(t *testing.T) {
	got := words("strings.Builder.ReadFull reads SHA256 sums; a UTF8 naïve JSONEncoder")
	want := []string{"strings", "builder", "read", "full", "reads", "sha256", "sums", "utf8", "naïve", "jsonencoder"}
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

// TestEmbed checks that alike texts are near, that others are not, and that vectors are the same in every run.
func TestEmbed(t *testing.T) {
	entries := []entry{
		{"strings.Builder.Grow", "Grow grows the capacity of the buffer", ""},
		{"bytes.Buffer.Grow", "Grow grows the buffer's capacity", ""},
		{"math.Sin", "Sin returns the sine of the radian argument", ""},
		{"math/cmplx.Sin", "Sin returns the sine of x", ""},
		{"os.Nothing", "zyx", ""},
	}
	vectors, err := embed(t.Context(), entries, 2, &terminal.Bar{})
	if err != nil {
		t.Fatal(err)
	}
	for _, pair := range [][3]int{{0, 1, 2}, {2, 3, 0}} {
		near, far := measure.Dot(vectors[pair[0]], vectors[pair[1]]), measure.Dot(vectors[pair[0]], vectors[pair[2]])
		if near < far+0.2 {
			t.Errorf("%s: %.2f to %s, %.2f to %s", entries[pair[0]].name, near, entries[pair[1]].name, far, entries[pair[2]].name)
		}
	}
	for i, v := range vectors {
		if n := measure.Dot(v, v); n < 0.999 || n > 1.001 {
			t.Errorf("%s has length %v", entries[i].name, n)
		}
	}
	again, _ := embed(t.Context(), entries, 1, &terminal.Bar{})
	if !reflect.DeepEqual(vectors, again) {
		t.Error("another run gave other vectors")
	}
}

func TestShorten(t *testing.T) {
	for s, want := range map[string]string{"short": "short", "one two three four": "one two ...", "unbrokenwordofletters": "unbrokenword ..."} {
		if got := shorten(s, 12); got != want {
			t.Errorf("%q is %q, want %q", s, got, want)
		}
	}
}
