package distance

import "os"

// implementation is a set of kernels that use the same instructions.
type implementation string

const (
	portable implementation = "purego" // Go alone: the specification
	avx2     implementation = "avx2"   // with FMA, F16C and POPCNT: any amd64 machine since about 2013
	avx512   implementation = "avx512" // with VNNI and VPOPCNTDQ: Ice Lake, Zen 4 and later
	neon     implementation = "neon"   // any arm64 machine
)

// active is the implementation in use. It is chosen once, when the program
// starts, and changed by tests alone.
var active = choose(os.Getenv("HANNOY_CPU"), available())

// choose returns the best of the available implementations, which are in
// ascending order, or the one that is wanted by name. A name that this machine
// does not have means portable Go, so that a setting meant for other machines is
// safe everywhere.
func choose(wanted string, available []implementation) implementation {
	if wanted == "" {
		return available[len(available)-1]
	}
	for _, i := range available {
		if string(i) == wanted {
			return i
		}
	}
	return portable
}

// Implementation returns the name of the kernels in use: avx512, avx2, neon or
// purego. The environment variable HANNOY_CPU chooses one by name.
func Implementation() string { return string(active) }
