package graph

import (
	"math/rand/v2"
	"slices"
	"testing"
)

// TestPool compares the pool with sorting.
func TestPool(t *testing.T) {
	r := rand.New(rand.NewPCG(8, 8))
	for range 2000 {
		var p pool
		ef := 1 + r.IntN(8)
		o := Order{}
		if r.IntN(2) == 0 {
			o = Around(Slot(r.IntN(50)))
		}
		p.reset(o, Plain(ef))
		var all []Neighbor
		shut := map[Slot]bool{}
		for slot := range Slot(r.IntN(40)) {
			n := Neighbor{slot, float32(r.IntN(6))}
			var mark uint8
			if r.IntN(3) == 0 {
				mark, shut[slot] = hidden, true
			}
			all = append(all, n)
			if p.refuses(n.Distance) {
				continue
			}
			if at := p.insert(n, mark); at >= 0 && p.near[at] != n {
				t.Fatal("wrong place")
			}
		}
		slices.SortFunc(all, o.Compare)
		open, end := 0, 0
		for end < len(all) && open < ef {
			if !shut[all[end].Slot] {
				open++
			}
			end++
		}
		if open < ef {
			end = len(all)
		}
		if !slices.Equal(p.near, all[:end]) {
			t.Fatalf("pool %v, want %v", p.near, all[:end])
		}
	}
}

// TestElasticPool compares an elastic pool with what its width says of all that came.
func TestElasticPool(t *testing.T) {
	r := rand.New(rand.NewPCG(8, 9))
	for range 3000 {
		w := Width{K: 1 + r.IntN(4), Slack: 1 + r.Float32()}
		w.Least = w.K + r.IntN(4)
		w.Most = w.Least + r.IntN(8)
		var p pool
		p.reset(Order{}, w)
		var all []Neighbor
		shut := map[Slot]bool{}
		for slot := range Slot(r.IntN(60)) {
			n := Neighbor{slot, float32(r.IntN(20))}
			var mark uint8
			if r.IntN(4) == 0 {
				mark, shut[slot] = hidden, true
			}
			all = append(all, n)
			if !p.refuses(n.Distance) {
				p.insert(n, mark)
			}
		}
		slices.SortFunc(all, p.Compare)
		var open []Neighbor
		for _, n := range all {
			if !shut[n.Slot] {
				open = append(open, n)
			}
		}
		want := all
		if len(open) >= w.Least {
			limit := max(open[w.Least-1].Distance, w.Slack*open[w.K-1].Distance)
			want = slices.DeleteFunc(want, func(n Neighbor) bool { return n.Distance > limit })
			if last := w.Most - 1; last < len(open) && open[last].Distance <= limit {
				want = want[:slices.Index(want, open[last])+1]
			}
		}
		got := slices.Clone(p.near)
		if len(open) >= w.Most { // of hidden ones as far as the last open one it may keep fewer
			last := got[len(got)-1].Distance
			same := func(n Neighbor) bool { return shut[n.Slot] && n.Distance == last }
			got, want = slices.DeleteFunc(got, same), slices.DeleteFunc(want, same)
		}
		if !slices.Equal(got, want) {
			t.Fatalf("width %+v: pool %v, want %v of %v, hidden %v", w, got, want, all, shut)
		}
	}
}
