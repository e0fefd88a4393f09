package reader

import (
	"testing"

	"github.com/hannoydb/hannoy/graph"
)

// The strategies at the default width, by how many of a number of items match and how
// many of those near the query. Rows are int8 codes of 128 dimensions.
func TestPlan(t *testing.T) {
	const row = 144.
	for _, c := range []struct {
		items, matches int
		share          float64 // near the query
		want           Strategy
	}{
		{200_000, 20, .0001, Scan},
		{200_000, 2_000, .01, Scan},
		{200_000, 2_000, 1, Scan},
		{200_000, 20_000, .1, TwoHop},
		{200_000, 20_000, 1, Sweep},
		{200_000, 20_000, 0, Scan},
		{200_000, 100_000, .5, Sweep},
		{200_000, 100_000, .01, Sweep}, // under way it may find that there are fewer
		{200_000, 100_000, .15, Sweep}, // rarer than elsewhere: two hops may not lead on
		{200_000, 100_000, 0, Scan},
		{10_000_000, 100_000, .01, Sweep},
		{10_000_000, 1_000_000, .1, TwoHop},
		{10_000_000, 1_000, .0001, Scan},
	} {
		p := plan{
			k: 10, ef: 100, matches: c.matches, share: float64(c.matches) / float64(c.items),
			scan: scanNanos + row/scanBytesPerNano, walk: walkNanos + row/walkBytesPerNano,
		}
		got := Scan
		if !p.scanFirst() {
			got = p.choose(c.share)
		}
		if got != c.want {
			t.Errorf("%d of %d match, %v near the query: %v, want %v", c.matches, c.items, c.share, got, c.want)
		}
		if cost := float64(p.budget()) * p.walk; cost > p.scanCost()+2*p.walk {
			t.Errorf("%d matches: budget of %v for a scan of %v", c.matches, cost, p.scanCost())
		}
	}
}

// What a walk found is trusted if there is enough of it and its distances grow.
func TestTrust(t *testing.T) {
	ranked := func(n int, first, step float32) (found []graph.Neighbor) {
		for i := range n {
			found = append(found, graph.Neighbor{Slot: graph.Slot(i), Distance: first + float32(i)*step})
		}
		return found
	}
	for _, c := range []struct {
		matches int
		spread  float64
		found   []graph.Neighbor
		want    bool
	}{
		{1000, .1, nil, false},
		{1000, .1, ranked(9, 1, .1), false},
		{1000, .1, ranked(100, 1, .01), true},
		{1000, .1, ranked(100, 1, .0001), false},
		{1000, .1, ranked(100, 1, 0), false},
		{1000, 0, ranked(100, 1, 0), true}, // nothing is known of how distances grow
		{5, .1, ranked(5, 1, .1), true},
		{1, .1, ranked(1, 1, 0), true},
	} {
		p := plan{k: 10, ef: 100, matches: c.matches, spread: c.spread}
		if got := p.trusts(c.found); got != c.want {
			t.Errorf("%d of %d found at %v: trusted %t", len(c.found), c.matches, c.found, got)
		}
	}
}

// What was done and why, in words.
func TestExplain(t *testing.T) {
	for want, s := range map[string]SearchStats{
		"beam: 5 hops, 70 distances": {Hops: 5, Distances: 70, Matches: -1, Share: -1},
		"beam: 6 hops, 70 distances; 80 items match, all of those that are linked":   {Hops: 6, Distances: 70, Matches: 80, Share: -1},
		"scan: 0 hops, 9 distances; 9 items match, too few for a walk to be cheaper": {Strategy: Scan, Distances: 9, Matches: 9, Share: -1},
		"sweep: 5 hops, 70 distances, 3 of them to items that are not linked yet; 40 items match, 25 % of those near the query; the walk found too little for what it cost, or nothing that stands apart, so all that match were compared": {
			Strategy: Sweep, Hops: 5, Distances: 70, Pending: 3, Matches: 40, Share: .25, Scanned: true},
		"two-hop: 5 hops, 270 distances; 4000 items match, 1 % of those near the query: the walk began at the nearest of 256 others": {
			Strategy: TwoHop, Hops: 5, Distances: 270, Matches: 4000, Share: .01, Sampled: 256},
		"scan: 9 hops, 4270 distances; 4000 items match, but only 1 % of those near the query, and of the others a walk would not find the nearest, or only at a higher cost": {
			Strategy: Scan, Hops: 9, Distances: 4270, Matches: 4000, Share: .01, Sampled: 256},
	} {
		if got := s.Explain(); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
