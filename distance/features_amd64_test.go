//go:build !purego

package distance

import (
	"os"
	"slices"
	"strings"
	"testing"
)

// The kernel has asked the same processor.
func TestFeatures(t *testing.T) {
	text, err := os.ReadFile("/proc/cpuinfo")
	if err != nil {
		t.Skip(err)
	}
	_, rest, found := strings.Cut(string(text), "\nflags")
	line, _, _ := strings.Cut(rest, "\n")
	flags := strings.Fields(line)
	if !found || len(flags) < 10 {
		t.Fatalf("flags of /proc/cpuinfo: %q", line)
	}
	p := features()
	for name, needed := range map[string]processor{
		"fma": {basic: hasFMA}, "popcnt": {basic: hasPOPCNT}, "f16c": {basic: hasF16C},
		"avx2": {extended: hasAVX2}, "bmi2": {extended: hasBMI2},
		"avx512f": {extended: hasAVX512F}, "avx512dq": {extended: hasAVX512DQ}, "avx512bw": {extended: hasAVX512BW},
		"avx512vl": {extended: hasAVX512VL}, "avx512_vnni": {extended: hasVNNI}, "avx512_vpopcntdq": {extended: hasVPOPCNT},
		// The kernel hides what it does not keep registers for.
		"avx": {basic: hasOSXSAVE, kept: keptXMM | keptYMM},
	} {
		if listed := slices.Contains(flags, name); p.have(needed) != listed {
			t.Errorf("%s: %t, /proc/cpuinfo: %t", name, !listed, listed)
		}
	}
	if slices.Contains(flags, "avx512f") && !p.have(processor{kept: keptMasks | keptZMM | keptMoreZMM}) {
		t.Errorf("the kernel lists avx512f, of its registers %#x are kept", p.kept)
	}
}

// Each bit that is missing leaves the kernels out that need it.
func TestNeeds(t *testing.T) {
	all := processor{^uint32(0), ^uint64(0), ^uint32(0)}
	if !all.have(needsAVX2) || !all.have(needsAVX512) {
		t.Fatal("what has all does not have what is needed")
	}
	without := func(needed processor) (n int) {
		for bit := range 64 {
			for _, less := range []processor{
				{all.basic &^ (1 << bit), all.extended, all.kept},
				{all.basic, all.extended &^ (1 << bit), all.kept},
				{all.basic, all.extended, all.kept &^ (1 << bit)},
			} {
				if !less.have(needed) {
					n++
				}
			}
		}
		return n
	}
	if a, b := without(needsAVX2), without(needsAVX512); a != 4+1+2 || b != 7+3 {
		t.Errorf("%d bits are needed for AVX2, %d for AVX-512 besides", a, b)
	}
}
