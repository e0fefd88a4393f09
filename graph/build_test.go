package graph

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"testing"
	"time"
)

func TestRecall(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	both := clustered(r, 3200, 16, 60, 0.4)
	queries := &cloud{16, both.rows[3000*16:]}
	c := &cloud{16, both.rows[:3000*16]}
	p := testParams(16, 64)
	p.Threads = 2
	b := newBuilder(t, p, c)
	b.Add(placed(0, 3000, p.M))
	rounds := drain(t, b)
	report := mustCheck(t, b, numbers(3000), b.Roots(), p)
	live := slices.Collect(numbers(3000))
	for _, want := range []struct {
		ef     int
		recall float64
	}{{10, .98}, {16, .99}, {32, .998}, {64, .999}} {
		got, dc := recall(b, b.Roots(), c, queries, live, 10, want.ef)
		t.Logf("ef %d: recall %.4f, %.0f distances", want.ef, got, dc)
		if got < want.recall {
			t.Errorf("ef %d: recall %.4f, want at least %.3f", want.ef, got, want.recall)
		}
	}
	t.Logf("%d rounds, %d distances, %v slots, %v links", rounds, b.Distances(), report.Slots, report.Links)
}

// TestThreadsAndCommits: neither the number of threads nor commits in between
// change the graph.
func TestThreadsAndCommits(t *testing.T) {
	c := clustered(rand.New(rand.NewPCG(2, 2)), 3000, 8, 20, 0.3)
	var first *store
	var roots []Slot
	for _, threads := range []int{1, 2, 8} {
		for _, every := range []int{1 << 30, 7} {
			p := testParams(6, 40)
			p.Threads = threads
			s := newStore()
			b := newBuilder(t, p, c)
			b.Add(placed(0, 3000, p.M))
			for round := 1; b.Queued() > 0; round++ {
				if _, err := b.Round(context.Background()); err != nil {
					t.Fatal(err)
				}
				if b.Queued() == 1500 || round == 150 {
					if err := b.Remove(context.Background(), placed(0, 200, p.M), nil); err != nil {
						t.Fatal(err)
					}
				}
				if round%every == 0 {
					s.commit(b)
					b.Rebase(s, c.points)
				}
			}
			s.commit(b)
			if first == nil {
				first, roots = s, b.Roots()
			}
			if !s.equal(first) || !slices.Equal(roots, b.Roots()) {
				t.Errorf("%d threads, a commit every %d rounds: another graph", threads, every)
			}
		}
	}
}

// TestResume: a build that was given up halfway ends in the same graph.
func TestResume(t *testing.T) {
	const n = 2000
	c := clustered(rand.New(rand.NewPCG(11, 11)), n, 8, 20, 0.3)
	p := testParams(8, 40)
	whole := newStore()
	b := newBuilder(t, p, c)
	b.Add(placed(0, n, p.M))
	drain(t, b)
	whole.commit(b)

	s := newStore()
	half := newBuilder(t, p, c)
	half.Add(placed(0, n, p.M))
	for half.Linked() < n/2 {
		if _, err := half.Round(context.Background()); err != nil {
			t.Fatal(err)
		}
	}
	s.commit(half)
	rest, err := NewBuilder(p, s, half.Roots(), half.NextRank(), half.Linked(), c.points)
	if err != nil {
		t.Fatal(err)
	}
	for _, slot := range placed(0, n, p.M) {
		if s.Rank(slot.Slot) == 0 {
			rest.Add([]Placed{slot})
		}
	}
	drain(t, rest)
	s.commit(rest)
	if !s.equal(whole) || !slices.Equal(rest.Roots(), b.Roots()) || rest.NextRank() != b.NextRank() {
		t.Error("another graph")
	}
}

// TestRandomOperations runs random lists of operations and checks the graph after
// each. GRAPH_SEED replays one.
func TestRandomOperations(t *testing.T) {
	seeds := []uint64{1, 2, 3, 4}
	if s := os.Getenv("GRAPH_SEED"); s != "" {
		seed, err := strconv.ParseUint(s, 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		seeds = []uint64{seed}
	}
	for _, seed := range seeds {
		t.Run(fmt.Sprint(seed), func(t *testing.T) { randomOperations(t, seed) })
	}
}

func randomOperations(t *testing.T, seed uint64) {
	t.Logf("replay with GRAPH_SEED=%d", seed)
	r := rand.New(rand.NewPCG(seed, 0))
	const n = 900
	c := clustered(r, n, 1+r.IntN(8), 1+r.IntN(12), 0.2)
	if r.IntN(2) == 0 { // coarse values: many ties and equal vectors
		for i, x := range c.rows {
			c.rows[i] = float32(int(x * 2))
		}
	}
	m := 2 + r.IntN(6)
	p := Params{M: m, M0: m + r.IntN(m+1), EfConstruction: 1 + r.IntN(40), Alpha: 1 + r.Float32()/4, Seed: seed, Threads: 1 + r.IntN(3)}
	s := newStore()
	b := newBuilder(t, p, c)
	live, free := map[Slot]bool{}, slices.Collect(numbers(n))
	pick := func(want int) []Placed {
		var dead []Placed
		for slot := range live {
			dead = append(dead, place(slot, p.M))
		}
		slices.SortFunc(dead, func(x, y Placed) int { return int(x.Slot) - int(y.Slot) })
		r.Shuffle(len(dead), func(i, j int) { dead[i], dead[j] = dead[j], dead[i] })
		switch r.IntN(4) {
		case 0: // the oldest, entry points and hubs among them
			slices.SortFunc(dead, func(x, y Placed) int { return b.byRank(x.Slot, y.Slot) })
		case 1: // a whole neighbourhood
			if len(dead) > 0 {
				at := dead[0].Slot
				slices.SortFunc(dead, func(x, y Placed) int {
					return order{}.compare(Neighbor{x.Slot, squared(c.row(at), c.row(x.Slot))}, Neighbor{y.Slot, squared(c.row(at), c.row(y.Slot))})
				})
			}
		}
		return dead[:min(want, len(dead))]
	}
	for step := range 60 {
		switch op := r.IntN(10); {
		case op < 5:
			want := min(1+r.IntN(150), len(free))
			r.Shuffle(len(free), func(i, j int) { free[i], free[j] = free[j], free[i] })
			for _, slot := range free[:want] {
				b.Add([]Placed{place(slot, p.M)})
				live[slot] = true
			}
			free = free[want:]
			drain(t, b)
		case op < 8:
			want := 1 + r.IntN(120)
			if r.IntN(12) == 0 {
				want = n
			}
			dead := pick(want)
			if err := b.Remove(context.Background(), dead, nil); err != nil {
				t.Fatalf("step %d: %v", step, err)
			}
			for _, d := range dead {
				delete(live, d.Slot)
				free = append(free, d.Slot)
			}
		default:
			s.commit(b)
			b.Rebase(s, c.points)
		}
		linked := 0
		for range live {
			linked++
		}
		if b.Linked() != linked {
			t.Fatalf("step %d: %d linked, want %d", step, b.Linked(), linked)
		}
		report := mustCheck(t, b, numbersIn(b, n), b.Roots(), p)
		if len(report.Slots) > 0 && report.Slots[0] != linked || len(report.Slots) == 0 && linked > 0 {
			t.Fatalf("step %d: slots %v, want %d on level 0", step, report.Slots, linked)
		}
	}
}

// numbersIn yields the slots below n that are linked or, wrongly, on a level.
func numbersIn(v View, n int) func(func(Slot) bool) {
	return func(yield func(Slot) bool) {
		for slot := range numbers(n) {
			if (v.Rank(slot) != 0 || v.Has(slot, 0) || v.Has(slot, 1)) && !yield(slot) {
				return
			}
		}
	}
}

func TestEqualVectors(t *testing.T) {
	const n = 10000
	c := &cloud{2, make([]float32, 2*n)}
	p := testParams(16, 40)
	p.Threads = 2
	b := newBuilder(t, p, c)
	b.Add(placed(0, n, p.M))
	start := time.Now()
	rounds := drain(t, b)
	report := mustCheck(t, b, numbers(n), b.Roots(), p)
	t.Logf("%d rounds, %d distances per slot, %d links, %v", rounds, b.Distances()/n, report.Links[0], time.Since(start))
	if b.Distances()/n > 3000 {
		t.Errorf("%d distances per slot", b.Distances()/n)
	}
	if err := b.Remove(context.Background(), placed(0, n/2, p.M), nil); err != nil {
		t.Fatal(err)
	}
	mustCheck(t, b, func(yield func(Slot) bool) {
		for i := n / 2; i < n && yield(Slot(i)); i++ {
		}
	}, b.Roots(), p)
}

// TestFarCluster: a crowd of new slots far from all others, in one batch.
func TestFarCluster(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 3))
	c := clustered(r, 2000, 8, 10, 0.2)
	far := clustered(r, 1000, 8, 1, 0.2)
	for i := range far.rows {
		far.rows[i] += 1000
	}
	c.rows = append(c.rows, far.rows...)
	p := testParams(16, 64)
	p.Threads = 2
	b := newBuilder(t, p, c)
	b.Add(placed(0, 2000, p.M))
	drain(t, b)
	before := b.Distances()
	b.Add(placed(2000, 3000, p.M))
	rounds := drain(t, b)
	mustCheck(t, b, numbers(3000), b.Roots(), p)
	t.Logf("%d rounds, %d distances per new slot against %d", rounds, (b.Distances()-before)/1000, before/2000)
	queries := &cloud{8, far.rows[:100*8]}
	got, dc := recall(b, b.Roots(), c, queries, slices.Collect(numbers(3000)), 10, 16)
	t.Logf("recall %.4f at ef 16, %.0f distances", got, dc)
	if got < .99 {
		t.Errorf("recall %.4f among the far ones", got)
	}
}

func TestNearDuplicates(t *testing.T) {
	r := rand.New(rand.NewPCG(4, 4))
	c := clustered(r, 3000, 8, 30, 1e-4)
	p := testParams(16, 100)
	p.Threads = 2
	b := newBuilder(t, p, c)
	b.Add(placed(0, 3000, p.M))
	drain(t, b)
	mustCheck(t, b, numbers(3000), b.Roots(), p)
	queries := &cloud{8, c.rows[:100*8]}
	got, _ := recall(b, b.Roots(), c, queries, slices.Collect(numbers(3000)), 10, 16)
	t.Logf("recall %.4f, %d distances per slot", got, b.Distances()/3000)
	if got < .95 {
		t.Errorf("recall %.4f", got)
	}
}

// TestCancel: a cancelled round leaves the graph as it was.
func TestCancel(t *testing.T) {
	c := clustered(rand.New(rand.NewPCG(5, 5)), 2000, 8, 10, 0.3)
	p := testParams(8, 50)
	p.Threads = 2
	b := newBuilder(t, p, c)
	b.Add(placed(0, 2000, p.M))
	done, cancel := context.WithCancel(context.Background())
	for b.Linked() < 1000 {
		if _, err := b.Round(done); err != nil {
			t.Fatal(err)
		}
	}
	cancel()
	linked, queued := b.Linked(), b.Queued()
	if _, err := b.Round(done); !errors.Is(err, context.Canceled) {
		t.Fatalf("error %v", err)
	}
	if b.Linked() != linked || b.Queued() != queued {
		t.Fatal("a cancelled round linked slots")
	}
	if err := b.Remove(done, placed(0, 100, p.M), nil); !errors.Is(err, context.Canceled) {
		t.Fatalf("error %v", err)
	}
	mustCheck(t, b, numbersIn(b, 2000), b.Roots(), p)
	drain(t, b)
	mustCheck(t, b, numbers(2000), b.Roots(), p)
}

func TestParams(t *testing.T) {
	for _, change := range []func(*Params){
		func(p *Params) { p.M = 1 }, func(p *Params) { p.M0 = p.M - 1 }, func(p *Params) { p.EfConstruction = 0 },
		func(p *Params) { p.Alpha = 0.5 }, func(p *Params) { p.Alpha = float32(math.NaN()) }, func(p *Params) { p.Threads = 0 },
		func(p *Params) { p.LargestRound = -1 },
	} {
		p := testParams(8, 50)
		change(&p)
		if _, err := NewBuilder(p, nil, nil, 1, 0, (&cloud{dims: 1}).points); err == nil {
			t.Errorf("%+v was accepted", p)
		}
	}
}
