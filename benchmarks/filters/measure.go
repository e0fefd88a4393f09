package main

import (
	"context"
	"log"
	"slices"
	"time"

	"golang.org/x/sys/unix"

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

// pagingResult is what a search for a hundred costs, and ten pages of ten by an iterator.
type pagingResult struct {
	Share  float64 `json:"share"`
	Search figures `json:"search"`
	Pages  figures `json:"pages"`
}

// A search is one that is measured: all queries, with or without filters.
type search struct {
	filters []*hannoy.Filter // one for each query; nil: none
	k       int
	pages   bool // by an iterator, without a new search for each
	o       hannoy.SearchOptions
	into    *figures
	micros  []float64 // of each round
}

// All searches are measured in rounds, so that whatever else the machine does falls on all.
const (
	rounds  = 5
	atLeast = 150 * time.Millisecond // of each search in a round
)

var curveEfs = []int{10, 14, 20, 28, 40, 56, 80, 100, 140, 200, 280, 400, 560, 800}

func (b *bench) run(s *hannoy.Snapshot, r *result) error {
	var searches []*search
	add := func(truth []map[uint32]bool, measured search) error {
		searches = append(searches, &measured)
		return b.score(s, &measured, truth)
	}
	all := b.truth(k, nil)
	r.Unfiltered = make([]figures, len(curveEfs))
	for i, ef := range curveEfs {
		if err := add(all, search{k: k, o: hannoy.SearchOptions{Ef: ef}, into: &r.Unfiltered[i]}); err != nil {
			return err
		}
	}
	cases := b.cases()
	r.Cases = make([]caseResult, len(cases))
	for i, c := range cases {
		truth := b.truth(k, c.admits)
		prepared := make([]*hannoy.Filter, len(b.order))
		for q := range prepared {
			var err error
			if prepared[q], _, err = s.Prepare(context.Background(), c.filter(q)); err != nil {
				return err
			}
		}
		r.Cases[i] = caseResult{Placement: c.Placement, Share: c.Share}
		if err := add(truth, search{k: k, filters: prepared, into: &r.Cases[i].Filtered}); err != nil {
			return err
		}
		if err := add(truth, search{k: k, filters: prepared, o: hannoy.SearchOptions{Exact: true}, into: &r.Cases[i].Scan}); err != nil {
			return err
		}
		log.Printf("%s %v %%: %+v", c.Placement, c.Share, r.Cases[i].Filtered)
	}
	if err := b.paging(s, r, cases, add); err != nil {
		return err
	}
	for range rounds {
		for _, measured := range searches {
			if err := b.time(s, measured); err != nil {
				return err
			}
		}
	}
	for _, measured := range searches {
		slices.Sort(measured.micros)
		measured.into.Micros = measured.micros[rounds/2]
	}
	return nil
}

// paging adds ten pages of ten beside a search for a hundred, without a filter and with labels.
func (b *bench) paging(s *hannoy.Snapshot, r *result, cases []kase, add func([]map[uint32]bool, search) error) error {
	const deep = 100
	cases = append([]kase{{Placement: "all", Share: 100}}, cases[:len(shares)]...)
	r.Paging = make([]pagingResult, len(cases))
	for i, c := range cases {
		var filters []*hannoy.Filter
		for q := 0; c.filter != nil && q < len(b.order); q++ {
			filters = append(filters, c.filter(q))
		}
		truth := b.truth(deep, c.admits)
		r.Paging[i].Share = c.Share
		if err := add(truth, search{k: deep, filters: filters, into: &r.Paging[i].Search}); err != nil {
			return err
		}
		if err := add(truth, search{k: deep, filters: filters, pages: true, into: &r.Paging[i].Pages}); err != nil {
			return err
		}
	}
	return nil
}

func (b *bench) ask(s *hannoy.Snapshot, measured *search, q int) (hits []hannoy.Hit, err error) {
	if measured.filters != nil {
		measured.o.Filter = measured.filters[q]
	}
	query := b.queries.Row(q).F32
	if !measured.pages {
		return s.Search(context.Background(), query, measured.k, &measured.o)
	}
	for hit, err := range s.Nearest(context.Background(), hannoy.Query{Vector: query}, &measured.o) {
		if hits = append(hits, hit); err != nil || len(hits) == measured.k {
			return hits, err
		}
	}
	return hits, nil
}

// score asks all queries once and says what they find and compute.
func (b *bench) score(s *hannoy.Snapshot, measured *search, truth []map[uint32]bool) error {
	var stats hannoy.SearchStats
	measured.o.Stats = &stats
	f := measured.into
	*f = figures{Ef: measured.o.Ef, Strategies: map[string]int{}}
	found, wanted := 0, 0
	n := len(b.order)
	for q := range n {
		hits, err := b.ask(s, measured, q)
		if err != nil {
			return err
		}
		for _, h := range hits {
			id, err := hannoy.ParseID(h.Key)
			if err != nil {
				return err
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
	return nil
}

// time asks all queries over and over, by the clock of the CPU.
func (b *bench) time(s *hannoy.Snapshot, measured *search) error {
	asked, start, cpu := 0, time.Now(), cpuTime()
	for asked == 0 || time.Since(start) < atLeast {
		for q := range b.order {
			if _, err := b.ask(s, measured, q); err != nil {
				return err
			}
		}
		asked += len(b.order)
	}
	measured.micros = append(measured.micros, float64((cpuTime()-cpu).Nanoseconds())/1e3/float64(asked))
	return nil
}

// cpuTime is what the process has used, exactly: getrusage counts ticks.
func cpuTime() time.Duration {
	var now unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_PROCESS_CPUTIME_ID, &now); err != nil {
		panic(err) // only for an address or a clock that is not valid
	}
	return time.Duration(now.Nano())
}
