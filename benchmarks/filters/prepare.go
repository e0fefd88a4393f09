package main

import (
	"context"
	"errors"
	"fmt"
	"log"
	"path/filepath"
	"slices"
	"time"

	"github.com/hannoydb/hannoy"
)

// preparation is how long it takes to work out what a filter admits.
type preparation struct {
	Filter string  `json:"filter"`
	Items  int     `json:"items"` // that match
	Micros float64 `json:"us"`    // median of 50
}

const million = 1_000_000

// openMillion opens an index of a million items with labels, which no build has linked:
// that makes no difference to what filters admit.
func openMillion(dir string) (*hannoy.Index, error) {
	ix, err := hannoy.Open(filepath.Join(dir, "filters-million"), &hannoy.Options{Dimensions: 1, IDs: true})
	if err != nil {
		return nil, err
	}
	var items int
	if err := ix.View(func(s *hannoy.Snapshot) error { items = s.Len(); return nil }); err != nil {
		return ix, err
	}
	const batch = 50_000
	for first := items; first < million; first += batch {
		log.Printf("storing %d of %d items", first, million)
		_, err := ix.Update(context.Background(), func(b *hannoy.Batch) error {
			for i := first; i < first+batch; i++ {
				if err := b.Put(hannoy.ID(uint32(i)), []float32{float32(i)}, hannoy.Labels(labelsOf(i)...)); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return nil, errors.Join(err, ix.Close())
		}
	}
	return ix, nil
}

// preparations measures how long filters take that were not seen before: the name of a
// label that no row has makes each of them another.
func (r *result) preparations(dir string) error {
	ix, err := openMillion(dir)
	if err != nil {
		return err
	}
	defer ix.Close()
	ids := randomIDs(million)
	label := func(share float64) *hannoy.Filter { return hannoy.FilterLabel(label(share)) }
	unseen := func(i int) *hannoy.Filter { return hannoy.FilterLabel(fmt.Sprint("none", i)) }
	return ix.View(func(s *hannoy.Snapshot) error {
		for _, p := range []struct {
			name string
			make func(i int) *hannoy.Filter
		}{
			{"a label of 1 %", func(i int) *hannoy.Filter { return label(1).Or(unseen(i)) }},
			{"a label of 50 %", func(i int) *hannoy.Filter { return label(50).Or(unseen(i)) }},
			{"50 % and 10 %", func(i int) *hannoy.Filter { return label(50).And(label(10).Or(unseen(i))) }},
			{"50 % and not 10 %", func(i int) *hannoy.Filter { return label(50).And(label(10).Or(unseen(i)).Not()) }},
			{"any of four labels (a prefix)", func(i int) *hannoy.Filter {
				f, err := hannoy.ParseFilter("uniform:* | " + unseen(i).String())
				if err != nil {
					panic(err) // the text is ours
				}
				return f
			}},
			{"a bitmap of 100,000 random ids", func(int) *hannoy.Filter { return hannoy.FilterIDs(ids) }},
		} {
			var took []time.Duration
			var items int
			for i := range 50 {
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
	})
}
