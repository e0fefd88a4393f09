package distance

import (
	"os"
	"slices"
	"strings"
	"testing"
)

func forEachImplementation(t *testing.T, f func(t *testing.T)) {
	before := active
	defer func() { active = before }()
	for _, i := range available() {
		active = i
		t.Run(string(i), f)
	}
}

// HANNOY_REQUIRE=avx2,avx512 makes the tests fail on a machine that lacks one of
// these: there they would test less than they seem to.
func TestRequiredImplementations(t *testing.T) {
	t.Logf("available: %v, in use: %v", available(), Implementation())
	for name := range strings.SplitSeq(os.Getenv("HANNOY_REQUIRE"), ",") {
		if name != "" && !slices.Contains(available(), implementation(name)) {
			t.Errorf("HANNOY_REQUIRE names %q, which this machine or build does not have: %v", name, available())
		}
	}
}

func TestChoose(t *testing.T) {
	all := []implementation{portable, avx2, avx512}
	for wanted, want := range map[string]implementation{
		"": avx512, "avx2": avx2, "avx512": avx512, "purego": portable, "neon": portable, "typo": portable,
	} {
		if got := choose(wanted, all); got != want {
			t.Errorf("HANNOY_CPU=%q chooses %v, want %v", wanted, got, want)
		}
	}
}
