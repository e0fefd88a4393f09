package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/hannoydb/hannoy"
)

// repaired says what repairs of files with 1 % damaged pages gave back.
type repaired struct {
	Campaign string  `json:"campaign"`
	Seed     uint64  `json:"seed"`
	Trials   int     `json:"trials"`
	Items    int     `json:"items"`   // of the index
	Least    float64 `json:"least"`   // share of the items given back, the worst trial
	Mean     float64 `json:"mean"`    //
	Values   float64 `json:"values"`  // items given back without their value, mean share
	Older    int     `json:"older"`   // keys or values of earlier commits that came back, all trials: of stale pages
	Refused  int     `json:"refused"` // trials in which nothing could be given back
	Seconds  float64 `json:"seconds"`
}

// repairs damages 1 % of the pages, repairs, and compares every item that comes back
// with what was put. A wrong item is an error.
func repairs(seed uint64, from, n int) (*repaired, error) {
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
	result := &repaired{Campaign: "repair", Seed: seed, Trials: n, Items: len(s.items), Least: 1}
	for trial := from; trial < from+n; trial++ {
		if err := os.WriteFile(s.file(), s.spoilPages(random(seed, trial).IntN, trial, seed), 0o600); err != nil {
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
			return nil, fmt.Errorf("repair -seed %d -from %d -n 1: %w", seed, trial, err)
		}
		result.Least = min(result.Least, share)
		result.Mean += share / float64(n)
		result.Values += valueless / float64(n)
		if err := os.RemoveAll(out); err != nil {
			return nil, err
		}
	}
	result.Seconds = time.Since(start).Seconds()
	return result, nil
}

// spoilPages damages 1 % of the pages, each in its own way.
func (s *subject) spoilPages(intN func(int) int, trial int, seed uint64) []byte {
	file := slices.Clone(s.sound())
	r := random(seed^0x9e3779b97f4a7c15, trial)
	n := len(file) / pageSize
	for range (n + 99) / 100 {
		i := intN(n)
		page := file[i*pageSize : (i+1)*pageSize]
		switch intN(4) {
		case 0:
			clear(page)
		case 1:
			copy(page, s.older(r, i))
		case 2:
			copy(page[512*intN(pageSize/512):], make([]byte, 512))
		case 3:
			for range 1 + intN(20) {
				page[intN(len(page))] ^= 1 << intN(8)
			}
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
