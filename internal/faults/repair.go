package main

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/hannoydb/hannoy"
)

// repaired says what repairs of files with 1 % damaged pages gave back.
type repaired struct {
	Campaign string  `json:"campaign"`
	Mode     string  `json:"mode,omitempty"`
	Seed     uint64  `json:"seed"`
	Trials   int     `json:"trials"`
	Items    int     `json:"items"`   // of the index
	Least    float64 `json:"least"`   // share of the items given back, the worst trial
	Under98  int     `json:"under98"` // trials with a smaller share
	Mean     float64 `json:"mean"`    //
	Values   float64 `json:"values"`  // items given back without their value, mean share
	Older    int     `json:"older"`   // keys or values of earlier commits that came back, all trials: of stale pages
	Refused  int     `json:"refused"` // trials in which nothing could be given back
	Seconds  float64 `json:"seconds"`
}

// verdict is an error if too little came back.
func (r *repaired) verdict() error {
	if r.Mean < 0.98 || r.Refused > 0 || r.Mode == "" && r.Older > 0 {
		return fmt.Errorf("repair -seed %d: %.4f of the items, %d older, %d refused", r.Seed, r.Mean, r.Older, r.Refused)
	}
	return nil
}

// repairs damages 1 % of the pages, repairs, and compares every item that comes back
// with what was put. A wrong item is an error. In mode "stale" some of the pages are those
// of an earlier time.
func (c *campaign) repairs() (*repaired, error) {
	dir, err := scratch()
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	start := time.Now()
	s, err := newSubject(filepath.Join(dir, "subject"), 12_000, 64)
	if err != nil {
		return nil, err
	}
	result := &repaired{Campaign: c.kind, Mode: c.mode, Seed: c.seed, Trials: c.n, Items: len(s.items), Least: 1}
	for trial := c.from; trial < c.from+c.n; trial++ {
		if err := os.WriteFile(s.file(), s.spoilPages(random(c.seed, trial), c.mode == "stale"), 0o600); err != nil {
			return nil, err
		}
		out := filepath.Join(dir, "repaired")
		share, valueless, err := s.repair(out, &result.Older)
		if errors.Is(err, hannoy.ErrCorrupt) {
			result.Refused++
			result.Least = 0
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("repair -seed %d -from %d -n 1: %w", c.seed, trial, err)
		}
		result.Least = min(result.Least, share)
		if share < 0.98 {
			result.Under98++
			fmt.Fprintf(os.Stderr, "repair -seed %d -from %d -n 1: %.3f of the items\n", c.seed, trial, share)
		}
		result.Mean += share / float64(c.n)
		result.Values += valueless / float64(c.n)
		if err := os.RemoveAll(out); err != nil {
			return nil, err
		}
	}
	result.Seconds = time.Since(start).Seconds()
	return result, nil
}

// spoilPages damages 1 % of the pages, each in its own way.
func (s *subject) spoilPages(r *rand.Rand, stale bool) []byte {
	file := slices.Clone(s.sound())
	kinds := 3
	if stale {
		kinds = 4
	}
	n := len(file) / pageSize
	for range (n + 99) / 100 {
		i := r.IntN(n)
		page := file[i*pageSize : (i+1)*pageSize]
		switch r.IntN(kinds) {
		case 0:
			clear(page)
		case 1:
			copy(page[512*r.IntN(pageSize/512):], make([]byte, 512))
		case 2:
			for range 1 + r.IntN(20) {
				page[r.IntN(len(page))] ^= 1 << r.IntN(8)
			}
		case 3:
			copy(page, s.older(r, i))
		}
	}
	return file
}

// repair repairs the subject and verifies what comes of it.
func (s *subject) repair(out string, older *int) (share, valueless float64, err error) {
	if _, err := hannoy.Repair(ctx, s.dir, out, nil); err != nil {
		return 0, 0, err
	}
	ix, err := hannoy.Open(out, nil)
	if err != nil {
		return 0, 0, err
	}
	defer ix.Close()
	report, err := ix.Check(ctx)
	if err != nil || !report.Sound {
		return 0, 0, fmt.Errorf("check of what was repaired: %+v, %w", report, err)
	}
	items, without := 0, 0
	err = ix.View(func(snap *hannoy.Snapshot) error {
		for it, err := range snap.Items() {
			if err != nil {
				return err
			}
			want, ok := s.ever[string(it.Key)]
			if !ok || !slices.Equal(it.Vector, want.vector) {
				return fmt.Errorf("item %q was never put (%t), or has another vector", it.Key, !ok)
			}
			if _, ok := s.items[string(it.Key)]; !ok {
				*older++
				continue
			}
			items++
			if it.Value == nil {
				without++
			} else if !bytes.Equal(it.Value, want.value) {
				*older++
			}
		}
		return nil
	})
	return float64(items) / float64(len(s.items)), float64(without) / float64(len(s.items)), err
}
