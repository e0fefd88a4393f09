package sample

import (
	"cmp"
	"context"
	"slices"
	"unsafe"

	"github.com/hannoydb/hannoy/distance"
)

// Codes of int8 count in steps of a vector's largest number. Most data are served by that, and some are
// not: numbers that are large in every vector, or one that is large in all of them, leave no
// steps for what tells neighbours apart. So codes are taken about the middle of the data, and
// whether they will do is measured before any links are chosen by them.

const (
	// Of so many vectors the nearest are looked for among so many others at most: by codes, and exactly.
	// Those of which fewest are found tell nothing: they may be far from all others.
	fidelityQueries = 64
	fidelityOdd     = 2
	fidelityRows    = 1 << 16

	// The true nearest so many must be among the nearest by codes that searches compare exactly.
	fidelityNearest    = 10
	fidelityCandidates = 20

	// Codes that keep less than this share of the nearest are worse than none.
	fidelityEnough = .98

	// Codes in use that are not good enough are written anew for no smaller gain.
	fidelityGain = .02

	// Among fewer vectors than this all are candidates.
	fidelityLeast = 2 * fidelityCandidates

	// A middle is the median of so many vectors at most, and at least.
	middleSample = 1 << 9
	middleLeast  = 1 << 6
)

// Fit is how codes of an index serve best.
type Fit struct {
	Mean []float32 // that they are taken about; nil is the origin
	Good bool      // they tell neighbours apart
	Kept bool      // none are much better than those in use
}

// Fit finds out how codes of the type serve best. Those in use, if there are any, are kept if they are good enough.
func (v *Vectors) Fit(ctx context.Context, codes distance.VectorType, inUse *distance.Kernel) (f Fit, err error) {
	if codes == distance.Bits {
		f.Good = true
		f.Mean, err = v.mean()
		return f, err
	}
	var has float64 // the share of those in use
	if inUse != nil {
		shares, err := v.fidelity(ctx, []*distance.Kernel{inUse})
		if err != nil || shares[0] >= fidelityEnough {
			return Fit{Good: true, Kept: true}, err
		}
		has = shares[0]
	}
	middle, err := v.middle()
	if err != nil {
		return f, err
	}
	var kernels []*distance.Kernel
	means := [][]float32{nil, middle}
	if middle == nil {
		means = means[:1]
	}
	for _, mean := range means {
		kernel, err := distance.NewCodes(v.Kernel.Metric(), codes, v.Kernel.Dimensions(), mean)
		if err != nil {
			return f, err
		}
		kernels = append(kernels, kernel)
	}
	shares, err := v.fidelity(ctx, kernels)
	if err != nil {
		return f, err
	}
	best := 0
	if last := len(shares) - 1; shares[last] >= shares[best] {
		best = last
	}
	return Fit{Mean: means[best], Good: shares[best] >= fidelityEnough, Kept: has > 0 && shares[best] < has+fidelityGain}, nil
}

// middle is the vector of the medians of each number: a few vectors far away do not move
// it, and numbers that are mostly 0 stay as they are. It is nil where there is too little to tell, and under
// inner product, where the origin has a meaning.
func (v *Vectors) middle() ([]float32, error) {
	kernel, most := v.Kernel, min(middleSample, v.Next)
	if most < middleLeast || kernel.Metric() == distance.InnerProduct {
		return nil, nil
	}
	numbers := make([][]float32, kernel.Dimensions())
	for d := range numbers {
		numbers[d] = make([]float32, 0, most)
	}
	err := v.each(most, func(_ uint32, _ []byte, vector []float32) {
		for d, v := range vector {
			numbers[d] = append(numbers[d], v)
		}
	})
	middle := make([]float32, len(numbers))
	for d, of := range numbers {
		slices.Sort(of)
		middle[d] = of[len(of)/2]
	}
	return middle, err
}

// fidelity is the share of the true nearest of a sample that walks on codes of each of the kernels would be
// offered: 1 is all. It is 1 where there are too few vectors to tell.
func (v *Vectors) fidelity(ctx context.Context, kernels []*distance.Kernel) ([]float64, error) {
	if v.Next < fidelityLeast {
		return slices.Repeat([]float64{1}, len(kernels)), nil
	}
	var trials []*trial
	err := v.each(fidelityQueries, func(slot uint32, row []byte, vector []float32) {
		t := &trial{slot: slot, row: row, byCodes: make([]contest, len(kernels))}
		for _, k := range kernels {
			t.codes = append(t.codes, k.AppendRow(nil, vector))
		}
		trials = append(trials, t)
	})
	if err != nil {
		return nil, err
	}
	code := make([][]byte, len(kernels))
	err = v.each(fidelityRows, func(slot uint32, row []byte, vector []float32) {
		if ctx.Err() != nil {
			return
		}
		for i, k := range kernels {
			code[i] = k.AppendRow(code[i][:0], vector)
		}
		for _, t := range trials {
			if t.slot != slot {
				t.offer(v.Kernel, row, kernels, code)
			}
		}
	})
	if err := cmp.Or(err, ctx.Err()); err != nil {
		return nil, err
	}
	shares := make([]float64, len(kernels))
	each := make([]float64, len(trials))
	for i := range kernels {
		for j, t := range trials {
			each[j] = t.share(i)
		}
		slices.Sort(each)
		for _, share := range each[fidelityOdd:] {
			shares[i] += share / float64(len(each)-fidelityOdd)
		}
	}
	return shares, nil
}

// trial is one vector whose nearest are looked for.
type trial struct {
	slot    uint32
	row     []byte
	codes   [][]byte // by kernel
	exact   contest
	byCodes []contest
}

// contest is the nearest so far, the nearest first: how far they are, and how far
// by exact distances.
type contest []struct{ by, exact float32 }

func (c *contest) offer(most int, by, exact float32) {
	if len(*c) == most {
		if by >= (*c)[most-1].by {
			return
		}
		*c = (*c)[:most-1]
	}
	at := len(*c)
	for at > 0 && (*c)[at-1].by > by {
		at--
	}
	*c = slices.Insert(*c, at, struct{ by, exact float32 }{by, exact})
}

func (t *trial) offer(exact *distance.Kernel, row []byte, kernels []*distance.Kernel, code [][]byte) {
	d := pair(exact, t.row, row)
	t.exact.offer(fidelityNearest, d, d)
	for i, k := range kernels {
		t.byCodes[i].offer(fidelityCandidates, pair(k, t.codes[i], code[i]), d)
	}
}

func pair(k *distance.Kernel, a, b []byte) float32 {
	return k.Pair(unsafe.Pointer(unsafe.SliceData(a)), unsafe.Pointer(unsafe.SliceData(b)))
}

// share is that of the nearest by exact distances, or others as near, that are candidates by codes of a kernel.
func (t *trial) share(kernel int) float64 {
	limit, found := t.exact[len(t.exact)-1].by, 0
	for _, candidate := range t.byCodes[kernel] {
		if candidate.exact <= limit {
			found++
		}
	}
	return float64(min(found, len(t.exact))) / float64(len(t.exact))
}
