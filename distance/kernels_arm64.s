//go:build !purego

#include "textflag.h"

// NEON kernels, written by hand within the instructions that Go's assembler
// knows: there are fused multiply-adds of float32 but no other arithmetic of
// them, so that q-r is q - 1*r and a+b is a + 1*b (both rounded once, as the plain
// operations are). Products of whole numbers are missing, see dotI8NEON.
//
// All kernels have the arguments and the skeleton below. Row i is read while row
// i+ahead is prefetched, line by line in step.

#define DST   R0
#define QUERY R1
#define TABLE R2
#define COUNT R3
#define BYTES R4
#define AHEAD R5
#define INDEX R6
#define ROW   R7
#define NEXT  R8 // the row being prefetched
#define Q     R9 // walks the query
#define LEFT  R10
#define T     R11
#define U     R12

// START loads the arguments and asks for the first 512 bytes of the first ahead
// rows. trailer is how many bytes at the end of a row are not elements.
#define START(trailer) \
	MOVD dst_base+0(FP), DST;   \
	MOVD query+24(FP), QUERY;   \
	MOVD rows_base+32(FP), TABLE; \
	MOVD rows_len+40(FP), COUNT; \
	MOVD rowBytes+56(FP), BYTES; \
	MOVD ahead+64(FP), AHEAD;   \
	SUB  $trailer, BYTES;       \
	CBZ  COUNT, done;           \
	CMP  COUNT, AHEAD;          \
	CSEL LT, AHEAD, COUNT, INDEX; \
first:                      \
	CBZ  INDEX, ready;          \
	SUB  $1, INDEX;             \
	MOVD (TABLE)(INDEX<<3), NEXT; \
	MOVD $512, T;               \
	CMP  T, BYTES;              \
	CSEL LT, BYTES, T, T;       \
line:                       \
	PRFM (NEXT), PLDL1KEEP;     \
	ADD  $64, NEXT;             \
	SUBS $64, T;                \
	BGT  line;                  \
	B    first;                 \
ready:                      \
	MOVD $0, INDEX

// EACH begins a row: afterwards LEFT is the bytes left, less 64.
#define EACH \
	MOVD (TABLE)(INDEX<<3), ROW; \
	ADD  AHEAD, INDEX, T;       \
	SUB  $1, COUNT, U;          \
	CMP  U, T;                  \
	CSEL LT, T, U, T;           \
	MOVD (TABLE)(T<<3), NEXT;   \
	MOVD QUERY, Q;              \
	VEOR V0.B16, V0.B16, V0.B16; \
	VEOR V1.B16, V1.B16, V1.B16; \
	VEOR V2.B16, V2.B16, V2.B16; \
	VEOR V3.B16, V3.B16, V3.B16; \
	SUBS $64, BYTES, LEFT

#define PREFETCH \
	PRFM (NEXT), PLDL1KEEP; \
	ADD  $64, NEXT

// MORE ends a row and goes to the next.
#define MORE \
	ADD $4, DST;      \
	ADD $1, INDEX;    \
	CMP COUNT, INDEX; \
	BLT row

// ONE is 1.0 in every element; V30 and V31 are for constants.
#define ONE V29.S4
#define SET_ONE \
	FMOVS $1.0, F29; \
	VDUP  V29.S[0], V29.S4

#define FILL(bits, v) \
	MOVW $bits, T; \
	VDUP T, v

// SUM_FLOATS stores the sum of V0 to V3.
#define SUM_FLOATS \
	VFMLA ONE, V2.S4, V0.S4; \
	VFMLA ONE, V3.S4, V1.S4; \
	VFMLA ONE, V1.S4, V0.S4; \
	VMOV  V0.S[1], V1.S[0];  \
	VMOV  V0.S[2], V2.S[0];  \
	VMOV  V0.S[3], V3.S[0];  \
	FADDS F2, F0, F0;        \
	FADDS F3, F1, F1;        \
	FADDS F1, F0, F0;        \
	FMOVS F0, (DST)

// STORE_COUNT stores the whole number in V0.
#define STORE_COUNT \
	VMOV    V0.D[0], T; \
	SCVTFS  T, F0;      \
	FMOVS   F0, (DST)

// The metrics over float32: q becomes scratch.

#define L2(q, r, acc) \
	VFMLS ONE, r, q; \
	VFMLA q, q, acc

#define DOT(q, r, acc) \
	VFMLS q, r, acc

// The arguments of VAND and VFMLA name the same register in two ways.
#define L1(q, r, acc, qb) \
	VFMLS ONE, r, q;       \
	VAND  V30.B16, qb, qb; \
	VFMLA ONE, q, acc

// func l2F32NEON(dst []float32, query *byte, rows []*byte, rowBytes int, ahead int)
TEXT ·l2F32NEON(SB), NOSPLIT, $0-72
	START(0)
	SET_ONE
row:
	EACH
	BLT narrow
wide:
	PREFETCH
	VLD1.P 64(Q), [V4.S4, V5.S4, V6.S4, V7.S4]
	VLD1.P 64(ROW), [V16.S4, V17.S4, V18.S4, V19.S4]
	L2(V4.S4, V16.S4, V0.S4)
	L2(V5.S4, V17.S4, V1.S4)
	L2(V6.S4, V18.S4, V2.S4)
	L2(V7.S4, V19.S4, V3.S4)
	SUBS $64, LEFT
	BGE  wide
narrow:
	ADDS $64, LEFT
	BEQ  sum
	PREFETCH
block:
	VLD1.P 16(Q), [V4.S4]
	VLD1.P 16(ROW), [V16.S4]
	L2(V4.S4, V16.S4, V0.S4)
	SUBS $16, LEFT
	BNE  block
sum:
	SUM_FLOATS
	MORE
done:
	RET

// func dotF32NEON(dst []float32, query *byte, rows []*byte, rowBytes int, ahead int)
TEXT ·dotF32NEON(SB), NOSPLIT, $0-72
	START(0)
	SET_ONE
row:
	EACH
	BLT narrow
wide:
	PREFETCH
	VLD1.P 64(Q), [V4.S4, V5.S4, V6.S4, V7.S4]
	VLD1.P 64(ROW), [V16.S4, V17.S4, V18.S4, V19.S4]
	DOT(V4.S4, V16.S4, V0.S4)
	DOT(V5.S4, V17.S4, V1.S4)
	DOT(V6.S4, V18.S4, V2.S4)
	DOT(V7.S4, V19.S4, V3.S4)
	SUBS $64, LEFT
	BGE  wide
narrow:
	ADDS $64, LEFT
	BEQ  sum
	PREFETCH
block:
	VLD1.P 16(Q), [V4.S4]
	VLD1.P 16(ROW), [V16.S4]
	DOT(V4.S4, V16.S4, V0.S4)
	SUBS $16, LEFT
	BNE  block
sum:
	SUM_FLOATS
	MORE
done:
	RET

// func l1F32NEON(dst []float32, query *byte, rows []*byte, rowBytes int, ahead int)
TEXT ·l1F32NEON(SB), NOSPLIT, $0-72
	START(0)
	SET_ONE
	FILL(0x7fffffff, V30.S4)
row:
	EACH
	BLT narrow
wide:
	PREFETCH
	VLD1.P 64(Q), [V4.S4, V5.S4, V6.S4, V7.S4]
	VLD1.P 64(ROW), [V16.S4, V17.S4, V18.S4, V19.S4]
	L1(V4.S4, V16.S4, V0.S4, V4.B16)
	L1(V5.S4, V17.S4, V1.S4, V5.B16)
	L1(V6.S4, V18.S4, V2.S4, V6.B16)
	L1(V7.S4, V19.S4, V3.S4, V7.B16)
	SUBS $64, LEFT
	BGE  wide
narrow:
	ADDS $64, LEFT
	BEQ  sum
	PREFETCH
block:
	VLD1.P 16(Q), [V4.S4]
	VLD1.P 16(ROW), [V16.S4]
	L1(V4.S4, V16.S4, V0.S4, V4.B16)
	SUBS $16, LEFT
	BNE  block
sum:
	SUM_FLOATS
	MORE
done:
	RET

// Half precision is widened by moving its bits to the fields of a float32, which
// makes the value times 2^-112, and multiplying by 2^112. V30 is the mask of the
// moved magnitude, V31 that of the sign, V28 the factor, V27 zero.
#define SET_HALF \
	FILL(0x0fffe000, V30.S4); \
	FILL(0x80000000, V31.S4); \
	FILL(0x77800000, V28.S4); \
	VEOR V27.B16, V27.B16, V27.B16

// SCALE finishes one vector: v holds the shifted bits in and the floats out.
#define SCALE(v, vb, t, tb) \
	VSHL  $3, v, t;          \
	VAND  V30.B16, vb, vb;   \
	VBIT  V31.B16, tb, vb;   \
	VMOV  V27.B16, tb;       \
	VFMLA V28.S4, v, t;      \
	VMOV  tb, vb

// HALVES reads the next 8 halves of the query to V4 and V5, of the row to V6 and V7.
#define HALVES \
	VLD1.P  16(Q), [V16.H8];    \
	VLD1.P  16(ROW), [V17.H8];  \
	VUSHLL  $13, V16.H4, V4.S4; \
	VUSHLL2 $13, V16.H8, V5.S4; \
	VUSHLL  $13, V17.H4, V6.S4; \
	VUSHLL2 $13, V17.H8, V7.S4; \
	SCALE(V4.S4, V4.B16, V18.S4, V18.B16); \
	SCALE(V5.S4, V5.B16, V19.S4, V19.B16); \
	SCALE(V6.S4, V6.B16, V20.S4, V20.B16); \
	SCALE(V7.S4, V7.B16, V21.S4, V21.B16)

// NEXT_HALVES goes on to a block while there is one.
#define NEXT_HALVES \
	SUBS $16, LEFT; \
	BGE  block

// EACH_HALVES begins a row of halves, whose blocks all take the same path.
#define EACH_HALVES \
	EACH; \
	ADD $48, LEFT

// PREFETCH_BLOCK asks for the line of each block: four times the same one.
#define PREFETCH_BLOCK \
	PRFM (NEXT), PLDL1KEEP; \
	ADD  $16, NEXT

// func l2F16NEON(dst []float32, query *byte, rows []*byte, rowBytes int, ahead int)
TEXT ·l2F16NEON(SB), NOSPLIT, $0-72
	START(0)
	SET_ONE
	SET_HALF
row:
	EACH_HALVES
block:
	PREFETCH_BLOCK
	HALVES
	L2(V4.S4, V6.S4, V0.S4)
	L2(V5.S4, V7.S4, V1.S4)
	NEXT_HALVES
	SUM_FLOATS
	MORE
done:
	RET

// func dotF16NEON(dst []float32, query *byte, rows []*byte, rowBytes int, ahead int)
TEXT ·dotF16NEON(SB), NOSPLIT, $0-72
	START(0)
	SET_ONE
	SET_HALF
row:
	EACH_HALVES
block:
	PREFETCH_BLOCK
	HALVES
	DOT(V4.S4, V6.S4, V0.S4)
	DOT(V5.S4, V7.S4, V1.S4)
	NEXT_HALVES
	SUM_FLOATS
	MORE
done:
	RET

// func l1F16NEON(dst []float32, query *byte, rows []*byte, rowBytes int, ahead int)
TEXT ·l1F16NEON(SB), NOSPLIT, $0-72
	START(0)
	SET_ONE
	SET_HALF
row:
	EACH_HALVES
block:
	PREFETCH_BLOCK
	HALVES
	VFMLS ONE, V6.S4, V4.S4
	VFMLS ONE, V7.S4, V5.S4
	VBIT  V31.B16, V27.B16, V4.B16 // no sign
	VBIT  V31.B16, V27.B16, V5.B16
	VFMLA ONE, V4.S4, V0.S4
	VFMLA ONE, V5.S4, V1.S4
	NEXT_HALVES
	SUM_FLOATS
	MORE
done:
	RET

// func l1I8NEON(dst []float32, query *byte, rows []*byte, rowBytes int, ahead int)
TEXT ·l1I8NEON(SB), NOSPLIT, $0-72
	START(16)
	FILL(0x80808080, V30.S4)
row:
	EACH
	ADD $48, LEFT
block:
	PREFETCH_BLOCK
	VLD1.P  16(Q), [V4.B16]
	VLD1.P  16(ROW), [V5.B16]
	VEOR    V30.B16, V4.B16, V4.B16 // -128..127 to 0..255 in the same order
	VEOR    V30.B16, V5.B16, V5.B16
	VUMAX   V4.B16, V5.B16, V6.B16
	VUMIN   V4.B16, V5.B16, V7.B16
	VSUB    V7.B16, V6.B16, V6.B16
	VUADDLV V6.B16, V6
	VADD    V6.D2, V0.D2, V0.D2
	SUBS    $16, LEFT
	BGE     block
	STORE_COUNT
	MORE
done:
	RET

// func hammingNEON(dst []float32, query *byte, rows []*byte, rowBytes int, ahead int)
TEXT ·hammingNEON(SB), NOSPLIT, $0-72
	START(0)
row:
	EACH
	ADD $48, LEFT
block:
	PREFETCH_BLOCK
	VLD1.P  16(Q), [V4.B16]
	VLD1.P  16(ROW), [V5.B16]
	VEOR    V4.B16, V5.B16, V4.B16
	VCNT    V4.B16, V4.B16
	VUADDLV V4.B16, V4
	VADD    V4.D2, V0.D2, V0.D2
	SUBS    $16, LEFT
	BGE     block
	STORE_COUNT
	MORE
done:
	RET

// dotI8NEON multiplies bytes as floats, exactly. A byte u from 0 to 255 that is
// masked out of a 32-bit word in place j is, read as a float32, the subnormal
// u * 2^(8j-149): no conversion. So the query is spread out once into floats
// q * 2^(120-8j), ordered as the masks find the bytes, and each product is
// q*u * 2^-29. Sums start at 1.5 * 2^-6, where the last bit of a float32 is
// 2^-29: they are whole numbers in its low bits as long as 128 products of at most
// 128*255 stay below 2^22, which is so for 2,048 elements in 16 sums.
//
// With u = r+128 the product is off by the query's bias.

#define SUM_START 0x3cc00000 // 1.5 * 2^-6
#define SUMS_START 0xcc000000 // 16 of them, as bits

// SPREAD writes the floats of the bytes in place j, shifted down in V5, and
// scaled by factor.
#define SPREAD(factor) \
	VORR   V24.B16, V5.B16, V5.B16; \
	VFMLS  ONE, V25.S4, V5.S4;      \
	VEOR   V6.B16, V6.B16, V6.B16;  \
	VFMLA  factor, V5.S4, V6.S4;    \
	VST1.P [V6.S4], 16(T)

// func dotI8NEON(dst []float32, query *byte, rows []*byte, rowBytes int, ahead int, weight float64, floor float64)
TEXT ·dotI8NEON(SB), 0, $8192-88
	START(16)
	SET_ONE
	FILL(0x80808080, V31.S4)
	FILL(0x000000ff, V20.S4)
	FILL(0x0000ff00, V21.S4)
	FILL(0x00ff0000, V22.S4)
	FILL(SUM_START, V23.S4)
	FILL(0x4b000000, V24.S4) // 2^23: or-ed with u it is 2^23 + u
	FILL(0x4b000080, V25.S4) // 2^23 + 128
	FILL(0x7b800000, V26.S4) // 2^120
	FILL(0x77800000, V27.S4) // 2^112
	FILL(0x73800000, V28.S4) // 2^104

	MOVD QUERY, Q
	MOVD $spread-8192(SP), T
	MOVD BYTES, LEFT
spread:
	VLD1.P 16(Q), [V4.B16]
	VEOR   V31.B16, V4.B16, V4.B16
	VAND   V20.B16, V4.B16, V5.B16
	SPREAD(V26.S4)
	VUSHR  $8, V4.S4, V5.S4
	VAND   V20.B16, V5.B16, V5.B16
	SPREAD(V27.S4)
	VUSHR  $16, V4.S4, V5.S4
	VAND   V20.B16, V5.B16, V5.B16
	SPREAD(V28.S4)
	VUSHR  $24, V4.S4, V5.S4
	SPREAD(V26.S4)
	SUBS   $16, LEFT
	BNE    spread

	// The trailer of the query: norm, scale times weight, bias.
	FMOVD  (Q), F16
	FMOVS  8(Q), F17
	FCVTSD F17, F17
	FMOVD  weight+72(FP), F18
	FMULD  F18, F17, F17
	FMOVD  floor+80(FP), F18
	MOVW   12(Q), R13
	MOVD   $SUMS_START, T
	ADD    T, R13

row:
	EACH
	MOVD  $spread-8192(SP), Q
	VMOV  V23.B16, V0.B16
	VMOV  V23.B16, V1.B16
	VMOV  V23.B16, V2.B16
	VMOV  V23.B16, V3.B16
	ADD   $48, LEFT
block:
	PREFETCH_BLOCK
	VLD1.P 16(ROW), [V4.B16]
	VLD1.P 64(Q), [V8.S4, V9.S4, V10.S4, V11.S4]
	VEOR  V31.B16, V4.B16, V4.B16
	VAND  V20.B16, V4.B16, V5.B16
	VAND  V21.B16, V4.B16, V6.B16
	VAND  V22.B16, V4.B16, V7.B16
	VUSHR $24, V4.S4, V4.S4
	VFMLA V8.S4, V5.S4, V0.S4
	VFMLA V9.S4, V6.S4, V1.S4
	VFMLA V10.S4, V7.S4, V2.S4
	VFMLA V11.S4, V4.S4, V3.S4
	SUBS  $16, LEFT
	BGE   block

	PRFM  (NEXT), PLDL1KEEP
	VADD  V1.S4, V0.S4, V0.S4
	VADD  V3.S4, V2.S4, V2.S4
	VADD  V2.S4, V0.S4, V0.S4
	VADDV V0.S4, V0
	VMOV  V0.S[0], T
	SUB   R13, T

	// The product of two scales is exact, so that the order of the rows does
	// not matter.
	SCVTFWD T, F0
	FMOVS  8(ROW), F1
	FCVTSD F1, F1
	FMULD  F17, F1, F1
	FMULD  F1, F0, F0
	FMOVD  (ROW), F1
	FADDD  F16, F1, F1
	FSUBD  F0, F1, F0
	FMAXD  F18, F0, F0
	FCVTDS F0, F0
	FMOVS  F0, (DST)
	MORE
done:
	RET

// codesI8NEON multiplies bytes as floats, exactly: widened to 32 bits, a byte u from 0
// to 255 that is or-ed into 2^23 is the float32 2^23+u. Sums start at 1.5 * 2^23: they
// are whole numbers in the low bits of a float32 as long as 128 products of at most
// 127*127 stay below 2^22, which is so for 2,048 elements in 16 sums.

#define COUNTS_START 0x4b400000 // 1.5 * 2^23
#define COUNTS_STARTS 0xb4000000 // 16 of them, as bits

// COUNTS turns the 16 bytes in V4 into the floats V4 to V7.
#define COUNTS \
	VEOR   V31.B16, V4.B16, V4.B16; \
	VUXTL  V4.B8, V5.H8;            \
	VUXTL2 V4.B16, V6.H8;           \
	VUXTL  V5.H4, V4.S4;            \
	VUXTL2 V5.H8, V5.S4;            \
	VUXTL2 V6.H8, V7.S4;            \
	VUXTL  V6.H4, V6.S4;            \
	VORR   V24.B16, V4.B16, V4.B16; \
	VORR   V24.B16, V5.B16, V5.B16; \
	VORR   V24.B16, V6.B16, V6.B16; \
	VORR   V24.B16, V7.B16, V7.B16; \
	VFMLS  ONE, V25.S4, V4.S4;      \
	VFMLS  ONE, V25.S4, V5.S4;      \
	VFMLS  ONE, V25.S4, V6.S4;      \
	VFMLS  ONE, V25.S4, V7.S4

// START_COUNTS begins four vectors of sums.
#define START_COUNTS(a, b, c, d) \
	VMOV V23.B16, a; \
	VMOV V23.B16, b; \
	VMOV V23.B16, c; \
	VMOV V23.B16, d

// SUM_COUNTS leaves the whole number that V(a) to V(d) add up to in t.
#define SUM_COUNTS(a, b, c, d, v, first, t) \
	VADD  b, a, a;       \
	VADD  d, c, c;       \
	VADD  c, a, a;       \
	VADDV a, v;          \
	VMOV  first, t;      \
	SUB   R13, t

// CODE_SCALE gathers the lowest bits of the 16 bytes at row, the scale of a code, as
// a float64 in f.
#define CODE_SCALE(row, f, fd) \
	LDP  (row), (R14, R15); \
	AND  R16, R14;          \
	AND  R16, R15;          \
	MUL  R17, R14;          \
	MUL  R17, R15;          \
	LSR  $56, R14;          \
	LSR  $56, R15;          \
	ORR  R15<<8, R14;       \
	LSL  $16, R14;          \
	FMOVS R14, f;           \
	FCVTSD f, fd

// func codesI8NEON(dst []float32, query *byte, rows []*byte, rowBytes int, ahead int, norms float64, weight float64, floor float64)
TEXT ·codesI8NEON(SB), 0, $8192-96
	START(0)
	SET_ONE
	FILL(0x80808080, V31.S4)
	FILL(COUNTS_START, V23.S4)
	FILL(0x4b000000, V24.S4) // 2^23
	FILL(0x4b000080, V25.S4) // 2^23 + 128
	MOVD $COUNTS_STARTS, R13
	MOVD $0x0101010101010101, R16
	MOVD $0x0102040810204080, R17

	// The query, as floats, and its norm.
	MOVD QUERY, Q
	MOVD $spread-8192(SP), T
	MOVD BYTES, LEFT
	START_COUNTS(V16.B16, V17.B16, V18.B16, V19.B16)
spread:
	VLD1.P 16(Q), [V4.B16]
	COUNTS
	VST1.P [V4.S4, V5.S4, V6.S4, V7.S4], 64(T)
	VFMLA  V4.S4, V4.S4, V16.S4
	VFMLA  V5.S4, V5.S4, V17.S4
	VFMLA  V6.S4, V6.S4, V18.S4
	VFMLA  V7.S4, V7.S4, V19.S4
	SUBS   $16, LEFT
	BNE    spread
	SUM_COUNTS(V16.S4, V17.S4, V18.S4, V19.S4, V16, V16.S[0], T)
	CODE_SCALE(QUERY, F27, F27)
	FMOVD   norms+72(FP), F26
	FMOVD   weight+80(FP), F28
	FMOVD   floor+88(FP), F22
	SCVTFWD T, F30
	FMULD   F27, F30, F30
	FMULD   F27, F30, F30
	FMULD   F26, F30, F30 // norm of the query
	FMULD   F28, F27, F27 // its scale, weighted

row:
	EACH
	MOVD  $spread-8192(SP), Q
	START_COUNTS(V0.B16, V1.B16, V2.B16, V3.B16)
	START_COUNTS(V16.B16, V17.B16, V18.B16, V19.B16)
	ADD   $48, LEFT
block:
	PREFETCH_BLOCK
	VLD1.P 16(ROW), [V4.B16]
	VLD1.P 64(Q), [V8.S4, V9.S4, V10.S4, V11.S4]
	COUNTS
	VFMLA V8.S4, V4.S4, V0.S4
	VFMLA V9.S4, V5.S4, V1.S4
	VFMLA V10.S4, V6.S4, V2.S4
	VFMLA V11.S4, V7.S4, V3.S4
	VFMLA V4.S4, V4.S4, V16.S4
	VFMLA V5.S4, V5.S4, V17.S4
	VFMLA V6.S4, V6.S4, V18.S4
	VFMLA V7.S4, V7.S4, V19.S4
	SUBS  $16, LEFT
	BGE   block

	SUM_COUNTS(V0.S4, V1.S4, V2.S4, V3.S4, V0, V0.S[0], T)
	SUM_COUNTS(V16.S4, V17.S4, V18.S4, V19.S4, V16, V16.S[0], U)
	MOVD    (TABLE)(INDEX<<3), ROW
	CODE_SCALE(ROW, F2, F2)
	SCVTFWD T, F0
	SCVTFWD U, F1
	FMULD   F2, F0, F0
	FMULD   F27, F0, F0 // the product
	FMULD   F2, F1, F1
	FMULD   F2, F1, F1
	FMULD   F26, F1, F1 // norm of the row
	FADDD   F30, F1, F1
	FSUBD   F0, F1, F0
	FMAXD   F22, F0, F0
	FCVTDS  F0, F0
	FMOVS   F0, (DST)
	MORE
done:
	RET
