package hannoy_test

import (
	"errors"
	"testing"

	"github.com/hannoydb/hannoy"
)

// A batch answers as single searches do, on however many goroutines.
func TestSearchBatch(t *testing.T) {
	c := newCorpus(t, hannoy.Options{Metric: hannoy.Euclidean})
	queries := append(c.queries, hannoy.Query{Key: []byte("00001")})
	for _, threads := range []int{0, 1, 3, 100} {
		var stats hannoy.SearchStats
		o := &hannoy.SearchOptions{Filter: hannoy.FilterLabel("third"), Threads: threads, Stats: &stats}
		found, err := c.SearchBatch(ctx, queries, 7, o)
		if err != nil {
			t.Fatal(err)
		}
		distances := 0
		for i, q := range queries {
			var one hannoy.SearchStats
			want := c.search(t, q, 7, &hannoy.SearchOptions{Filter: o.Filter, Stats: &one})
			distances += one.Distances
			if sameHits(found[i], want) != len(want) || len(found[i]) != len(want) {
				t.Errorf("%d threads, query %d: %v, want %v", threads, i, found[i], want)
			}
		}
		if stats.Distances != distances {
			t.Errorf("%d threads: %d distances, single searches made %d", threads, stats.Distances, distances)
		}
	}
	if hits, err := c.SearchBatch(ctx, nil, 7, nil); err != nil || len(hits) != 0 {
		t.Errorf("no queries: %v, %v", hits, err)
	}
	queries[2] = hannoy.Query{Key: []byte("none")}
	if _, err := c.SearchBatch(ctx, queries, 7, nil); !errors.Is(err, hannoy.ErrNotFound) {
		t.Errorf("a query that is not there: %v", err)
	}
}
