//go:build !purego

package distance

// processor says which instructions a processor has, by the bits of CPUID, and which registers the
// system keeps for each thread: without that the instructions exist and must not be used.
type processor struct {
	basic    uint32 // leaf 1, ECX
	extended uint64 // leaf 7: EBX, above it ECX
	kept     uint32 // XCR0
}

// What the kernels need, by the names that Linux gives the bits.
const (
	hasFMA      = 1 << 12
	hasPOPCNT   = 1 << 23
	hasOSXSAVE  = 1 << 27
	hasF16C     = 1 << 29
	hasAVX2     = 1 << 5
	hasBMI2     = 1 << 8
	hasAVX512F  = 1 << 16
	hasAVX512DQ = 1 << 17
	hasAVX512BW = 1 << 30
	hasAVX512VL = 1 << 31
	hasVNNI     = 1 << (32 + 11)
	hasVPOPCNT  = 1 << (32 + 14)

	keptXMM, keptYMM                = 1 << 1, 1 << 2
	keptMasks, keptZMM, keptMoreZMM = 1 << 5, 1 << 6, 1 << 7
)

var (
	needsAVX2 = processor{hasFMA | hasPOPCNT | hasOSXSAVE | hasF16C, hasAVX2, keptXMM | keptYMM}
	// macOS keeps the wide registers only for threads that have used them, and says so: there AVX2 is used.
	needsAVX512 = processor{
		extended: hasBMI2 | hasAVX512F | hasAVX512DQ | hasAVX512BW | hasAVX512VL | hasVNNI | hasVPOPCNT,
		kept:     keptMasks | keptZMM | keptMoreZMM,
	}
)

// have reports whether all that is needed is there.
func (p processor) have(needed processor) bool {
	return p.basic&needed.basic == needed.basic && p.extended&needed.extended == needed.extended && p.kept&needed.kept == needed.kept
}

// features asks the processor on which this runs.
func features() (p processor) {
	most, _, _, _ := cpuid(0, 0)
	if most < 7 {
		return p
	}
	_, _, p.basic, _ = cpuid(1, 0)
	if p.basic&hasOSXSAVE != 0 {
		p.kept = xgetbv()
	}
	_, ebx, ecx, _ := cpuid(7, 0)
	p.extended = uint64(ecx)<<32 | uint64(ebx)
	return p
}
