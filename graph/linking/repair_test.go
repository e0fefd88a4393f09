package linking_test

import (
	"context"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/hannoydb/hannoy/graph"
	"github.com/hannoydb/hannoy/graph/graphtest"
	"github.com/hannoydb/hannoy/graph/linking"
)

// TestChurn: after the whole index has been replaced three times in small batches,
// recall is that of a fresh build.
func TestChurn(t *testing.T) {
	const live, turns, batch, dims, m = 1500, 3, 30, 12, 8
	r := rand.New(rand.NewPCG(6, 6))
	c, queries := graphtest.Clustered(r, live*(turns+1)+200, dims, 40, 0.7).Split(live * (turns + 1))
	p := graphtest.Params(m, 60)
	b := graphtest.NewBuilder(t, p, c)
	b.Add(graphtest.Placed(0, live, m))
	graphtest.Drain(t, b)
	now := slices.Collect(graphtest.Numbers(live))
	for next := live; next+batch <= live*(turns+1); next += batch {
		r.Shuffle(len(now), func(i, j int) { now[i], now[j] = now[j], now[i] })
		var dead []linking.Placed
		for _, slot := range now[:batch] {
			dead = append(dead, graphtest.Place(slot, m))
		}
		if err := b.Remove(context.Background(), dead, nil); err != nil {
			t.Fatal(err)
		}
		b.Add(graphtest.Placed(next, next+batch, m))
		graphtest.Drain(t, b)
		for i := range batch {
			now[i] = graph.Slot(next + i)
		}
	}
	slices.Sort(now)
	graphtest.MustCheck(t, b, slices.Values(now), b.Roots(), p)
	fresh := graphtest.NewBuilder(t, p, c)
	for _, slot := range now {
		fresh.Add([]linking.Placed{graphtest.Place(slot, m)})
	}
	graphtest.Drain(t, fresh)
	for _, ef := range []int{10, 20} {
		got, gotDC := graphtest.Recall(b, b.Roots(), c, queries, now, 10, ef)
		want, wantDC := graphtest.Recall(fresh, fresh.Roots(), c, queries, now, 10, ef)
		t.Logf("ef %d: recall %.4f at %.0f distances, fresh %.4f at %.0f", ef, got, gotDC, want, wantDC)
		if got < want-.02 || gotDC > 1.15*wantDC {
			t.Errorf("ef %d: recall %.4f at %.0f distances, fresh %.4f at %.0f", ef, got, gotDC, want, wantDC)
		}
	}
}

// TestRemoveInTurn removes what hurts most: the entry point again and again, the
// slots with the most links, whole clusters, everything; and starts again.
func TestRemoveInTurn(t *testing.T) {
	const n, m = 1500, 6
	c := graphtest.Clustered(rand.New(rand.NewPCG(7, 7)), n, 6, 12, 0.15)
	p := graphtest.Params(m, 40)
	s := graphtest.NewStore()
	b := graphtest.NewBuilder(t, p, c)
	b.Add(graphtest.Placed(0, n, m))
	graphtest.Drain(t, b)
	live := map[graph.Slot]bool{}
	for slot := range graphtest.Numbers(n) {
		live[slot] = true
	}
	remove := func(what string, slots ...graph.Slot) {
		t.Helper()
		var dead []linking.Placed
		for _, slot := range slots {
			dead = append(dead, graphtest.Place(slot, m))
			delete(live, slot)
		}
		if err := b.Remove(context.Background(), dead, nil); err != nil {
			t.Fatalf("%s: %v", what, err)
		}
		graphtest.MustCheck(t, b, numbersIn(b, n), b.Roots(), p)
		if b.Linked() != len(live) {
			t.Fatalf("%s: %d linked, want %d", what, b.Linked(), len(live))
		}
	}
	for range 30 {
		remove("entry point", b.Roots()[len(b.Roots())-1])
	}
	for range 20 {
		remove("all roots", slices.Compact(b.Roots())...)
	}
	remove("not linked", n-1, n-1)
	remove("not linked any more", n-1)
	for range 20 {
		hub, most := graph.Slot(0), -1
		for slot := range live {
			if links := len(b.AppendLinks(nil, slot, 0)); links > most || links == most && slot < hub {
				hub, most = slot, links
			}
		}
		remove("hub", hub)
	}
	s.Commit(b)
	b.Rebase(s, c.Points)
	for len(live) > 300 {
		first := slices.Min(slices.Collect(keys(live)))
		var cluster []graph.Slot
		for _, n := range c.Nearest(c.Row(first), keys(live), 150) {
			cluster = append(cluster, n.Slot)
		}
		remove("cluster", cluster...)
	}
	remove("everything", slices.Collect(keys(live))...)
	if len(b.Roots()) != 0 {
		t.Fatalf("roots %v of nothing", b.Roots())
	}
	s.Commit(b)
	b.Rebase(s, c.Points)
	for level := range s.Lists {
		if len(s.Lists[level]) > 0 || len(s.Ranks) > 0 {
			t.Fatal("something was left over")
		}
	}
	b.Add(graphtest.Placed(0, 500, m))
	graphtest.Drain(t, b)
	graphtest.MustCheck(t, b, graphtest.Numbers(500), b.Roots(), p)
}

func keys(live map[graph.Slot]bool) func(func(graph.Slot) bool) {
	return func(yield func(graph.Slot) bool) {
		for slot := range live {
			if !yield(slot) {
				return
			}
		}
	}
}

// TestChangedIsSmall: what a single insert or removal changes does not grow with
// the graph, nor does the memory for it.
func TestChangedIsSmall(t *testing.T) {
	b, c := graphtest.Built(t, 3001)
	s := graphtest.NewStore()
	s.Commit(b)
	b.Rebase(s, c.Points)
	count := func() (n int) {
		for level := range b.Levels() {
			for range b.Changed(level) {
				n++
			}
		}
		return n
	}
	if count() != 0 {
		t.Fatal("changes after a commit")
	}
	if err := b.Remove(context.Background(), []linking.Placed{graphtest.Place(3000, 8)}, nil); err != nil {
		t.Fatal(err)
	}
	removed := count()
	b.Add([]linking.Placed{graphtest.Place(3000, 8)})
	graphtest.Drain(t, b)
	t.Logf("%d lists changed by a removal, %d with an insert", removed, count())
	if removed > 60 || count() > 150 {
		t.Errorf("%d lists changed by a removal, %d with an insert", removed, count())
	}
	graphtest.MustCheck(t, b, graphtest.Numbers(3001), b.Roots(), graphtest.Params(8, 60))
}
