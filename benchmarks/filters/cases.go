package main

import (
	"cmp"
	"fmt"
	"math"
	"math/rand/v2"
	"runtime"
	"slices"
	"sync"

	"github.com/RoaringBitmap/roaring/v2"

	"github.com/hannoydb/hannoy"
	"github.com/hannoydb/hannoy/benchmarks/harness"
)

// shares are the selectivities: percent of the rows that match.
var shares = []float64{50, 10, 1, .1}

func label(share float64) string { return fmt.Sprintf("uniform:%v%%", share) }

// labelsOf draws the labels of a row, each on its own.
func labelsOf(row int) (labels []string) {
	r := rand.New(rand.NewPCG(uint64(row), 5))
	for _, share := range shares {
		if r.Float64() < share/100 {
			labels = append(labels, label(share))
		}
	}
	return labels
}

// bench holds the rows and, for each query, their order by true distance.
type bench struct {
	*options
	base, queries *harness.Rows
	index         *hannoy.Index
	order         [][]uint32
}

// rank sorts the rows by their distance from each query, in float64.
func (b *bench) rank() {
	b.order = make([][]uint32, b.queries.Count)
	b.each(func(q int, rank func(query []float32) []uint32) { b.order[q] = rank(b.queries.Row(q).F32) })
}

// each calls fn for each query, in parallel, with a function that sorts the rows by their
// distance from a vector.
func (b *bench) each(fn func(q int, rank func(vector []float32) []uint32)) {
	var group sync.WaitGroup
	for t := range runtime.GOMAXPROCS(0) {
		group.Go(func() {
			distances := make([]float64, b.base.Count)
			rank := func(vector []float32) []uint32 {
				order := make([]uint32, b.base.Count)
				for i := range order {
					order[i] = uint32(i)
					distances[i] = distance(b.metric, vector, b.base.Row(i).F32)
				}
				slices.SortFunc(order, func(x, y uint32) int {
					return cmp.Or(cmp.Compare(distances[x], distances[y]), cmp.Compare(x, y))
				})
				return order
			}
			for q := t; q < len(b.order); q += runtime.GOMAXPROCS(0) {
				fn(q, rank)
			}
		})
	}
	group.Wait()
}

// distance is one that ranks as the metric does.
func distance(metric string, a, b []float32) float64 {
	var squares, dot, norm float64
	for i, x := range a {
		d := float64(x) - float64(b[i])
		squares += d * d
		dot += float64(x) * float64(b[i])
		norm += float64(b[i]) * float64(b[i])
	}
	if metric == "cosine" {
		return -dot / math.Sqrt(norm)
	}
	return squares
}

// kase is one filter for each query.
type kase struct {
	Placement string  // where matches lie
	Share     float64 // percent of the rows that match
	filter    func(q int) *hannoy.Filter
	admits    func(q int, row uint32) bool
}

func (b *bench) cases() []kase {
	var all []kase
	for _, share := range shares {
		uniform := hannoy.FilterLabel(label(share))
		has := make([]bool, b.base.Count)
		for i := range has {
			has[i] = slices.Contains(labelsOf(i), label(share))
		}
		all = append(all, kase{"uniform", share, func(int) *hannoy.Filter { return uniform }, func(_ int, row uint32) bool { return has[row] }})
	}
	for _, share := range shares {
		n := int(share / 100 * float64(b.base.Count))
		all = append(all, b.among("nearest", share, func(order []uint32) []uint32 { return order[:n] }))
	}
	all = append(all, b.elsewhere()...)
	for _, share := range shares {
		n := int(share / 100 * float64(b.base.Count))
		all = append(all, b.among("farthest", share, func(order []uint32) []uint32 { return order[len(order)-n:] }))
	}
	ids := randomIDs(max(2*manyIDs, b.base.Count))
	caller := hannoy.FilterIDs(ids)
	share := float64(ids.Rank(uint32(b.base.Count-1))) / float64(b.base.Count) * 100
	all = append(all, kase{callersBitmap, share, func(int) *hannoy.Filter { return caller }, func(_ int, row uint32) bool { return ids.Contains(row) }})
	one := 100 / float64(b.base.Count)
	all = append(all, b.among("one in the middle", one, func(order []uint32) []uint32 { return order[len(order)/2 : len(order)/2+1] }))
	all = append(all, b.among("none", 0, func([]uint32) []uint32 { return nil }))
	whole := roaring.New()
	whole.AddRange(0, uint64(b.base.Count))
	every := hannoy.FilterIDs(whole)
	return append(all, kase{"all, as a bitmap", 100, func(int) *hannoy.Filter { return every }, func(int, uint32) bool { return true }})
}

// manyIDs is how many ids a caller's bitmap has.
const (
	manyIDs       = 100_000
	callersBitmap = "100,000 random ids"
)

// randomIDs draws them from those below the limit.
func randomIDs(limit int) *roaring.Bitmap {
	random := rand.New(rand.NewPCG(1, 1))
	ids := roaring.New()
	for ids.GetCardinality() < manyIDs {
		ids.Add(random.Uint32N(uint32(limit)))
	}
	return ids
}

// elsewhere are the cases of matches that are alike, and not like the query: the rows
// nearest to one that is farther from the query than nine tenths of all.
func (b *bench) elsewhere() (all []kase) {
	bitmaps := make([][]*roaring.Bitmap, len(shares))
	for i := range bitmaps {
		bitmaps[i] = make([]*roaring.Bitmap, len(b.order))
	}
	b.each(func(q int, rank func(query []float32) []uint32) {
		far := b.order[q][len(b.order[q])*9/10]
		order := rank(b.base.Row(int(far)).F32)
		for i, share := range shares {
			bitmaps[i][q] = roaring.BitmapOf(order[:int(share/100*float64(b.base.Count))]...)
		}
	})
	for i, share := range shares {
		all = append(all, b.of("elsewhere", share, bitmaps[i]))
	}
	return all
}

// among is the case of matches that are chosen by their distance from the query.
func (b *bench) among(placement string, share float64, choose func(order []uint32) []uint32) kase {
	bitmaps := make([]*roaring.Bitmap, len(b.order))
	for q, order := range b.order {
		bitmaps[q] = roaring.BitmapOf(choose(order)...)
	}
	return b.of(placement, share, bitmaps)
}

// of is the case of one bitmap of rows for each query.
func (b *bench) of(placement string, share float64, bitmaps []*roaring.Bitmap) kase {
	return kase{placement, share,
		func(q int) *hannoy.Filter { return hannoy.FilterIDs(bitmaps[q]) },
		func(q int, row uint32) bool { return bitmaps[q].Contains(row) },
	}
}

// truth is the rows that each query should find, k of them or as many as there are.
func (b *bench) truth(k int, admits func(q int, row uint32) bool) []map[uint32]bool {
	all := make([]map[uint32]bool, len(b.order))
	for q, order := range b.order {
		all[q] = map[uint32]bool{}
		for _, row := range order {
			if len(all[q]) == k {
				break
			}
			if admits == nil || admits(q, row) {
				all[q][row] = true
			}
		}
	}
	return all
}
