package main

import (
	"fmt"

	"github.com/hannoydb/hannoy"
)

// pending prints the latency of a query over the number of items that no build has
// linked yet.
func (b *bench) pending() error {
	ix, _, err := b.open(hannoy.Options{})
	if err != nil {
		return err
	}
	defer ix.Close()
	next := b.linked
	for _, n := range []int{0, 125, 250, 500, 1000, 2000, 4000, 8000} {
		if to := min(b.linked+n, b.rows.Count); to > next {
			if err := b.put(ix, next, to, 0); err != nil {
				return err
			}
			next = to
		}
		if _, err := b.search(ix, 1); err != nil { // warm up
			return err
		}
		l, err := b.search(ix, b.seconds/5)
		if err != nil {
			return err
		}
		fmt.Printf("pending %5d  %v\n", next-b.linked, l)
	}
	return nil
}
