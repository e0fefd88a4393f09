package distance

import (
	"fmt"
	"math"
	"unsafe"
)

// blockBytes divides the length of every row.
const blockBytes = 16

// batchRows is how many rows are located before their distances are taken: more
// than a hop has links, few enough for their addresses to stay on the stack.
const batchRows = 64

// Kernel computes distances between rows of one metric, vector type and number
// of dimensions. It holds no vectors and is safe for concurrent use.
type Kernel struct {
	metric   Metric
	typ      VectorType
	op       op
	codes    bool      // rows are codes, see NewCodes
	mean     []float32 // of codes; nil is the origin
	dims     int
	rowBytes int
	ahead    int // rows to prefetch
}

// op is what a kernel computes over two rows. Cosine is l2 over unit rows.
type op uint8

const (
	opL2F32 op = iota + 1
	opDotF32
	opL1F32
	opL2F16
	opDotF16
	opL1F16
	opDotI8
	opL1I8
	opCodesI8
	opHamming
)

// opOf is 0 where a metric has no meaning for a type.
func opOf(metric Metric, typ VectorType) op {
	if typ == Bits || metric == Hamming {
		if typ == Bits && metric == Hamming {
			return opHamming
		}
		return 0
	}
	var l2, dot, l1 op
	switch typ {
	case F32:
		l2, dot, l1 = opL2F32, opDotF32, opL1F32
	case F16:
		l2, dot, l1 = opL2F16, opDotF16, opL1F16
	case I8:
		l2, dot, l1 = opDotI8, opDotI8, opL1I8
	}
	switch metric {
	case Euclidean, Cosine:
		return l2
	case InnerProduct:
		return dot
	case Manhattan:
		return l1
	}
	return 0
}

// New returns the kernel for rows of dims elements (bits under hamming). It
// refuses more than [MaxDimensions], and pairs of metric and type that have no
// meaning: hamming goes with bits, and bits with hamming.
func New(metric Metric, typ VectorType, dims int) (*Kernel, error) {
	if dims < 1 || dims > MaxDimensions {
		return nil, fmt.Errorf("%d dimensions: want 1 to %d", dims, MaxDimensions)
	}
	k := &Kernel{metric: metric, typ: typ, dims: dims, op: opOf(metric, typ)}
	if k.op == 0 {
		return nil, fmt.Errorf("metric %v is not defined for vectors of type %v: hamming goes with bits, the others with f32, f16 and int8", metric, typ)
	}
	k.shape()
	return k, nil
}

// shape derives the length of a row and how far ahead to prefetch.
func (k *Kernel) shape() {
	k.rowBytes = (k.elementBytes() + blockBytes - 1) &^ (blockBytes - 1)
	if k.typ == I8 && !k.codes {
		k.rowBytes += trailerBytes
	}
	k.ahead = lookahead(k.rowBytes)
}

// lookahead returns how many rows ahead of the current one to prefetch: enough
// bytes to keep the memory busy, in rows that the caches still hold by then.
func lookahead(rowBytes int) int {
	const aheadBytes = 4096
	return max(2, min(aheadBytes/rowBytes, 16))
}

// Metric returns the metric that the kernel was made for.
func (k *Kernel) Metric() Metric { return k.metric }

// Type returns the vector type that the kernel was made for.
func (k *Kernel) Type() VectorType { return k.typ }

// Dimensions returns the number of elements of a vector (bits under hamming).
func (k *Kernel) Dimensions() int { return k.dims }

// RowBytes returns the length of a row: a multiple of 16.
func (k *Kernel) RowBytes() int { return k.rowBytes }

// Pair returns the ranking distance of two rows.
func (k *Kernel) Pair(a, b unsafe.Pointer) float32 {
	var d [1]float32
	rows := [1]*byte{(*byte)(b)}
	k.distances(d[:], (*byte)(a), rows[:], 0)
	return d[0]
}

// Batch writes the ranking distances from the query row to the rows of slots
// and returns how many it wrote: len(slots), or the index of the first slot
// whose slab is not in the table or not resolved yet. It does not allocate.
// len(dst) must be at least len(slots).
func (k *Kernel) Batch(dst []float32, query unsafe.Pointer, rows *Rows, slots []uint32) int {
	dst = dst[:len(slots)]
	var addresses [batchRows]*byte
	for done := 0; done < len(slots); {
		n := min(len(slots)-done, batchRows)
		found := rows.locate(addresses[:], slots[done:done+n])
		k.distances(dst[done:done+found], (*byte)(query), addresses[:found], k.ahead)
		done += found
		if found < n {
			return done
		}
	}
	return len(slots)
}

// distances is the one place where a kernel is chosen: once per call.
func (k *Kernel) distances(dst []float32, query *byte, rows []*byte, ahead int) {
	switch k.op {
	case opL2F32:
		l2F32(dst, query, rows, k.rowBytes, ahead)
	case opDotF32:
		dotF32(dst, query, rows, k.rowBytes, ahead)
	case opL1F32:
		l1F32(dst, query, rows, k.rowBytes, ahead)
	case opL2F16:
		l2F16(dst, query, rows, k.rowBytes, ahead)
	case opDotF16:
		dotF16(dst, query, rows, k.rowBytes, ahead)
	case opL1F16:
		l1F16(dst, query, rows, k.rowBytes, ahead)
	case opDotI8:
		weight, floor := 2.0, 0.0
		if k.metric == InnerProduct {
			weight, floor = 1, math.Inf(-1)
		}
		dotI8(dst, query, rows, k.rowBytes, ahead, weight, floor)
	case opL1I8:
		l1I8(dst, query, rows, k.rowBytes, ahead)
	case opCodesI8:
		norms, weight, floor := 1.0, 2.0, 0.0
		if k.metric == InnerProduct {
			norms, weight, floor = 0, 1, math.Inf(-1)
		}
		codesI8(dst, query, rows, k.rowBytes, ahead, norms, weight, floor)
	case opHamming:
		hamming(dst, query, rows, k.rowBytes, ahead)
	}
}

// Report returns the distance that users see for a ranking distance.
func (k *Kernel) Report(d float32) float32 {
	switch {
	case k.op == opHamming:
		return d
	case k.metric == Euclidean:
		return float32(math.Sqrt(float64(d)))
	case k.metric == Cosine:
		return min(d/2, 2)
	default:
		return d
	}
}

// Rank returns the largest ranking distance that is reported as at most d: a
// distance taken from a hit and given back as a limit keeps that hit.
func (k *Kernel) Rank(d float32) float32 {
	switch {
	case k.op == opHamming:
		return d
	case k.metric == Euclidean:
		return k.rankEuclidean(d)
	case k.metric == Cosine:
		if d >= 2 {
			return float32(math.Inf(1)) // rounding may put opposite vectors a little over 4
		}
		return 2 * d
	default:
		return d
	}
}

func (k *Kernel) rankEuclidean(d float32) float32 {
	if !(d >= 0) {
		return d // no distance is negative: such a limit admits nothing
	}
	rank := float32(float64(d) * float64(d))
	for k.Report(rank) > d {
		rank = math.Nextafter32(rank, 0)
	}
	for rank <= math.MaxFloat32 {
		next := math.Nextafter32(rank, float32(math.Inf(1)))
		if k.Report(next) > d {
			break
		}
		rank = next
	}
	return rank
}
