package graph

import (
	"context"
	"math/rand/v2"
	"slices"
	"testing"
)

// TestChurn: after the whole index has been replaced three times in small batches,
// recall is that of a fresh build.
func TestChurn(t *testing.T) {
	const live, turns, batch, dims, m = 1500, 3, 30, 12, 8
	r := rand.New(rand.NewPCG(6, 6))
	both := clustered(r, live*(turns+1)+200, dims, 40, 0.7)
	c := &cloud{dims, both.rows[:live*(turns+1)*dims]}
	queries := &cloud{dims, both.rows[live*(turns+1)*dims:]}
	p := testParams(m, 60)
	b := newBuilder(t, p, c)
	b.Add(placed(0, live, m))
	drain(t, b)
	now := slices.Collect(numbers(live))
	for next := live; next+batch <= live*(turns+1); next += batch {
		r.Shuffle(len(now), func(i, j int) { now[i], now[j] = now[j], now[i] })
		var dead []Placed
		for _, slot := range now[:batch] {
			dead = append(dead, place(slot, m))
		}
		if err := b.Remove(context.Background(), dead, nil); err != nil {
			t.Fatal(err)
		}
		b.Add(placed(next, next+batch, m))
		drain(t, b)
		for i := range batch {
			now[i] = Slot(next + i)
		}
	}
	slices.Sort(now)
	mustCheck(t, b, slices.Values(now), b.Roots(), p)
	fresh := newBuilder(t, p, c)
	for _, slot := range now {
		fresh.Add([]Placed{place(slot, m)})
	}
	drain(t, fresh)
	for _, ef := range []int{10, 20} {
		got, gotDC := recall(b, b.Roots(), c, queries, now, 10, ef)
		want, wantDC := recall(fresh, fresh.Roots(), c, queries, now, 10, ef)
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
	c := clustered(rand.New(rand.NewPCG(7, 7)), n, 6, 12, 0.15)
	p := testParams(m, 40)
	s := newStore()
	b := newBuilder(t, p, c)
	b.Add(placed(0, n, m))
	drain(t, b)
	live := map[Slot]bool{}
	for slot := range numbers(n) {
		live[slot] = true
	}
	remove := func(what string, slots ...Slot) {
		t.Helper()
		var dead []Placed
		for _, slot := range slots {
			dead = append(dead, place(slot, m))
			delete(live, slot)
		}
		if err := b.Remove(context.Background(), dead, nil); err != nil {
			t.Fatalf("%s: %v", what, err)
		}
		mustCheck(t, b, numbersIn(b, n), b.Roots(), p)
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
		hub, most := Slot(0), -1
		for slot := range live {
			if links := len(b.AppendLinks(nil, slot, 0)); links > most || links == most && slot < hub {
				hub, most = slot, links
			}
		}
		remove("hub", hub)
	}
	s.commit(b)
	b.Rebase(s, c.points)
	for len(live) > 300 {
		first := slices.Min(slices.Collect(keys(live)))
		var cluster []Slot
		for _, n := range c.nearest(c.row(first), keys(live), 150) {
			cluster = append(cluster, n.Slot)
		}
		remove("cluster", cluster...)
	}
	remove("everything", slices.Collect(keys(live))...)
	if len(b.Roots()) != 0 {
		t.Fatalf("roots %v of nothing", b.Roots())
	}
	s.commit(b)
	b.Rebase(s, c.points)
	for level := range s.lists {
		if len(s.lists[level]) > 0 || len(s.ranks) > 0 {
			t.Fatal("something was left over")
		}
	}
	b.Add(placed(0, 500, m))
	drain(t, b)
	mustCheck(t, b, numbers(500), b.Roots(), p)
}

func keys(live map[Slot]bool) func(func(Slot) bool) {
	return func(yield func(Slot) bool) {
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
	b, c := built(t, 3001)
	s := newStore()
	s.commit(b)
	b.Rebase(s, c.points)
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
	if err := b.Remove(context.Background(), []Placed{place(3000, 8)}, nil); err != nil {
		t.Fatal(err)
	}
	removed := count()
	b.Add([]Placed{place(3000, 8)})
	drain(t, b)
	t.Logf("%d lists changed by a removal, %d with an insert", removed, count())
	if removed > 60 || count() > 150 {
		t.Errorf("%d lists changed by a removal, %d with an insert", removed, count())
	}
	mustCheck(t, b, numbers(3001), b.Roots(), b.params)
}

// The nearest are those that sorting puts first, in its order, ties included.
func TestNearest(t *testing.T) {
	r := rand.New(rand.NewPCG(8, 6))
	for range 2000 {
		list := make([]Neighbor, r.IntN(40))
		for i, slot := range r.Perm(len(list)) {
			list[i] = Neighbor{Slot: Slot(slot), Distance: float32(r.IntN(12))}
		}
		o, n := around(Slot(r.IntN(40))), r.IntN(10)
		want := slices.SortedFunc(slices.Values(list), o.compare)
		all := slices.Clone(list)
		got := o.nearest(list, n)
		if !slices.Equal(got, want[:min(n, len(want))]) {
			t.Fatalf("the %d nearest of %v are %v, want %v", n, all, got, want)
		}
		if !slices.Equal(slices.SortedFunc(slices.Values(list), o.compare), want) {
			t.Fatalf("%v has become %v", all, list)
		}
	}
}
