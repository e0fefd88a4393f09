package main

import (
	"context"
	"fmt"
	"log"
	"math/rand/v2"
	"slices"
	"syscall"
	"time"

	"github.com/RoaringBitmap/roaring/v2"

	"github.com/hannoydb/hannoy"
)

// figures are what queries cost and find, in the mean.
type figures struct {
	Ef         int            `json:"ef"`
	Recall     float64        `json:"recall"` // by row
	Missing    int            `json:"missing"`
	Distances  float64        `json:"distances"`
	Hops       float64        `json:"hops"`
	Micros     float64        `json:"us"` // of CPU
	Strategies map[string]int `json:"strategies,omitempty"`
	Scanned    int            `json:"scanned,omitempty"` // walks that were given up
}

// caseResult is one case at the library's default ef, and by comparing with all matches.
type caseResult struct {
	Placement string  `json:"placement"`
	Share     float64 `json:"share"`
	Filtered  figures `json:"filtered"`
	Scan      figures `json:"scan"`
}

// preparation is how long it takes to work out what a filter admits.
type preparation struct {
	Filter string  `json:"filter"`
	Items  int     `json:"items"`
	Micros float64 `json:"us"` // median of 20
}

// atLeast is how long each case is measured.
const atLeast = 400 * time.Millisecond

var curveEfs = []int{10, 14, 20, 28, 40, 56, 80, 100, 140, 200, 280, 400, 560, 800}

func (b *bench) run(s *hannoy.Snapshot, r *result) error {
	all := b.truth(nil)
	for _, ef := range curveEfs {
		f, err := b.measure(s, all, nil, hannoy.SearchOptions{Ef: ef})
		if err != nil {
			return err
		}
		r.Unfiltered = append(r.Unfiltered, f)
	}
	for _, c := range b.cases() {
		truth := b.truth(c.admits)
		prepared := make([]*hannoy.Filter, len(b.order))
		for q := range prepared {
			var err error
			if prepared[q], _, err = s.Prepare(context.Background(), c.filter(q)); err != nil {
				return err
			}
		}
		result := caseResult{Placement: c.Placement, Share: c.Share}
		var err error
		if result.Filtered, err = b.measure(s, truth, prepared, hannoy.SearchOptions{}); err != nil {
			return err
		}
		if result.Scan, err = b.measure(s, truth, prepared, hannoy.SearchOptions{Exact: true}); err != nil {
			return err
		}
		log.Printf("%s %v %%: %+v", c.Placement, c.Share, result.Filtered)
		r.Cases = append(r.Cases, result)
	}
	return b.preparations(s, r)
}

// measure asks all queries: once to warm up and to score, then over and over by the clock
// of the CPU.
func (b *bench) measure(s *hannoy.Snapshot, truth []map[uint32]bool, filters []*hannoy.Filter, o hannoy.SearchOptions) (figures, error) {
	var stats hannoy.SearchStats
	o.Stats = &stats
	ctx := context.Background()
	f := figures{Ef: o.Ef, Strategies: map[string]int{}}
	found, wanted := 0, 0
	ask := func(q int) ([]hannoy.Hit, error) {
		if filters != nil {
			o.Filter = filters[q]
		}
		return s.Search(ctx, b.queries.Row(q).F32, k, &o)
	}
	n := len(b.order)
	for q := range n {
		hits, err := ask(q)
		if err != nil {
			return f, err
		}
		for _, h := range hits {
			id, err := hannoy.ParseID(h.Key)
			if err != nil {
				return f, err
			}
			if truth[q][id] {
				found++
			}
		}
		wanted += len(truth[q])
		f.Missing += len(truth[q]) - len(hits)
		f.Distances += float64(stats.Distances) / float64(n)
		f.Hops += float64(stats.Hops) / float64(n)
		f.Strategies[stats.Strategy.String()]++
		if stats.Scanned {
			f.Scanned++
		}
	}
	f.Recall = 1
	if wanted > 0 {
		f.Recall = float64(found) / float64(wanted)
	}
	asked, start, cpu := 0, time.Now(), cpuTime()
	for time.Since(start) < atLeast {
		for q := range n {
			if _, err := ask(q); err != nil {
				return f, err
			}
		}
		asked += n
	}
	f.Micros = float64((cpuTime() - cpu).Nanoseconds()) / 1e3 / float64(asked)
	return f, nil
}

func cpuTime() time.Duration {
	var ru syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &ru); err != nil {
		panic(err) // only for an address or a target that is not valid
	}
	return time.Duration(ru.Utime.Nano() + ru.Stime.Nano())
}

// preparations measures how long filters take that were not seen before: the name of a
// label that no row has makes each of them another.
func (b *bench) preparations(s *hannoy.Snapshot, r *result) error {
	random := rand.New(rand.NewPCG(1, 1))
	ids := roaring.New()
	for ids.GetCardinality() < min(100_000, uint64(b.base.Count)/2) {
		ids.Add(random.Uint32N(uint32(b.base.Count)))
	}
	one, two := hannoy.FilterLabel(label(50)), hannoy.FilterLabel(label(10))
	for _, p := range []struct {
		name string
		make func(i int) *hannoy.Filter
	}{
		{"a label of 50 %", func(i int) *hannoy.Filter { return one.Or(hannoy.FilterLabel(fmt.Sprint("none", i))) }},
		{"a label of 50 % and not one of 10 %", func(i int) *hannoy.Filter {
			return one.And(two.Or(hannoy.FilterLabel(fmt.Sprint("none", i))).Not())
		}},
		{fmt.Sprintf("a bitmap of %d random ids", ids.GetCardinality()), func(int) *hannoy.Filter { return hannoy.FilterIDs(ids) }},
		{"a function of keys", func(int) *hannoy.Filter { return hannoy.FilterFunc(func(key []byte) bool { return key[3]%2 == 0 }) }},
	} {
		var took []time.Duration
		var items int
		for i := range 20 {
			f := p.make(i)
			start := time.Now()
			var err error
			if _, items, err = s.Prepare(context.Background(), f); err != nil {
				return err
			}
			took = append(took, time.Since(start))
		}
		slices.Sort(took)
		r.Preparations = append(r.Preparations, preparation{p.name, items, float64(took[len(took)/2].Nanoseconds()) / 1e3})
	}
	return nil
}
