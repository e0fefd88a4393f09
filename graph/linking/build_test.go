package linking_test

import (
	"cmp"
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

	"github.com/hannoydb/hannoy/graph"
	"github.com/hannoydb/hannoy/graph/graphtest"
	"github.com/hannoydb/hannoy/graph/linking"
)

func TestRecall(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	c, queries := graphtest.Clustered(r, 3200, 16, 60, 0.4).Split(3000)
	p := graphtest.Params(16, 64)
	p.Threads = 2
	b := graphtest.NewBuilder(t, p, c)
	b.Add(graphtest.Placed(0, 3000, p.M))
	rounds := graphtest.Drain(t, b)
	report := graphtest.MustCheck(t, b, graphtest.Numbers(3000), b.Roots(), p)
	live := slices.Collect(graphtest.Numbers(3000))
	for _, want := range []struct {
		ef     int
		recall float64
	}{{10, .98}, {16, .99}, {32, .998}, {64, .999}} {
		got, dc := graphtest.Recall(b, b.Roots(), c, queries, live, 10, want.ef)
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
	c := graphtest.Clustered(rand.New(rand.NewPCG(2, 2)), 3000, 8, 20, 0.3)
	var first *graphtest.Store
	var roots []graph.Slot
	for _, threads := range []int{1, 2, 8} {
		for _, every := range []int{1 << 30, 7} {
			p := graphtest.Params(6, 40)
			p.Threads = threads
			s := graphtest.NewStore()
			b := graphtest.NewBuilder(t, p, c)
			b.Add(graphtest.Placed(0, 3000, p.M))
			for round := 1; b.Queued() > 0; round++ {
				if _, err := b.Round(context.Background()); err != nil {
					t.Fatal(err)
				}
				if b.Queued() == 1500 || round == 150 {
					if err := b.Remove(context.Background(), graphtest.Placed(0, 200, p.M), nil); err != nil {
						t.Fatal(err)
					}
				}
				if round%every == 0 {
					s.Commit(b)
					b.Rebase(s, c.Points)
				}
			}
			s.Commit(b)
			if first == nil {
				first, roots = s, b.Roots()
			}
			if !s.Equal(first) || !slices.Equal(roots, b.Roots()) {
				t.Errorf("%d threads, a commit every %d rounds: another graph", threads, every)
			}
		}
	}
}

// TestResume: a build that was given up halfway ends in the same graph.
func TestResume(t *testing.T) {
	const n = 2000
	c := graphtest.Clustered(rand.New(rand.NewPCG(11, 11)), n, 8, 20, 0.3)
	p := graphtest.Params(8, 40)
	whole := graphtest.NewStore()
	b := graphtest.NewBuilder(t, p, c)
	b.Add(graphtest.Placed(0, n, p.M))
	graphtest.Drain(t, b)
	whole.Commit(b)

	s := graphtest.NewStore()
	half := graphtest.NewBuilder(t, p, c)
	half.Add(graphtest.Placed(0, n, p.M))
	for half.Linked() < n/2 {
		if _, err := half.Round(context.Background()); err != nil {
			t.Fatal(err)
		}
	}
	s.Commit(half)
	rest, err := linking.NewBuilder(p, s, half.Roots(), half.NextRank(), half.Linked(), c.Points)
	if err != nil {
		t.Fatal(err)
	}
	for _, slot := range graphtest.Placed(0, n, p.M) {
		if s.Rank(slot.Slot) == 0 {
			rest.Add([]linking.Placed{slot})
		}
	}
	graphtest.Drain(t, rest)
	s.Commit(rest)
	if !s.Equal(whole) || !slices.Equal(rest.Roots(), b.Roots()) || rest.NextRank() != b.NextRank() {
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
	c := graphtest.Clustered(r, n, 1+r.IntN(8), 1+r.IntN(12), 0.2)
	if r.IntN(2) == 0 { // coarse values: many ties and equal vectors
		for i, x := range c.Rows {
			c.Rows[i] = float32(int(x * 2))
		}
	}
	m := 2 + r.IntN(6)
	p := linking.Params{M: m, M0: m + r.IntN(m+1), EfConstruction: 1 + r.IntN(40), Alpha: 1 + r.Float32()/4, Seed: seed, Threads: 1 + r.IntN(3)}
	s := graphtest.NewStore()
	b := graphtest.NewBuilder(t, p, c)
	live, free := map[graph.Slot]bool{}, slices.Collect(graphtest.Numbers(n))
	pick := func(want int) []linking.Placed {
		var dead []linking.Placed
		for slot := range live {
			dead = append(dead, graphtest.Place(slot, p.M))
		}
		slices.SortFunc(dead, func(x, y linking.Placed) int { return int(x.Slot) - int(y.Slot) })
		r.Shuffle(len(dead), func(i, j int) { dead[i], dead[j] = dead[j], dead[i] })
		switch r.IntN(4) {
		case 0: // the oldest, entry points and hubs among them
			slices.SortFunc(dead, func(x, y linking.Placed) int { return cmp.Compare(b.Rank(x.Slot), b.Rank(y.Slot)) })
		case 1: // a whole neighbourhood
			if len(dead) > 0 {
				at := dead[0].Slot
				slices.SortFunc(dead, func(x, y linking.Placed) int {
					return graph.Order{}.Compare(graph.Neighbor{Slot: x.Slot, Distance: graphtest.Squared(c.Row(at), c.Row(x.Slot))}, graph.Neighbor{Slot: y.Slot, Distance: graphtest.Squared(c.Row(at), c.Row(y.Slot))})
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
				b.Add([]linking.Placed{graphtest.Place(slot, p.M)})
				live[slot] = true
			}
			free = free[want:]
			graphtest.Drain(t, b)
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
			s.Commit(b)
			b.Rebase(s, c.Points)
		}
		linked := 0
		for range live {
			linked++
		}
		if b.Linked() != linked {
			t.Fatalf("step %d: %d linked, want %d", step, b.Linked(), linked)
		}
		report := graphtest.MustCheck(t, b, numbersIn(b, n), b.Roots(), p)
		if len(report.Slots) > 0 && report.Slots[0] != linked || len(report.Slots) == 0 && linked > 0 {
			t.Fatalf("step %d: slots %v, want %d on level 0", step, report.Slots, linked)
		}
	}
}

// numbersIn yields the slots below n that are linked or, wrongly, on a level.
func numbersIn(v graph.View, n int) func(func(graph.Slot) bool) {
	return func(yield func(graph.Slot) bool) {
		for slot := range graphtest.Numbers(n) {
			if (v.Rank(slot) != 0 || v.Has(slot, 0) || v.Has(slot, 1)) && !yield(slot) {
				return
			}
		}
	}
}

func TestEqualVectors(t *testing.T) {
	const n = 10000
	c := &graphtest.Cloud{Dims: 2, Rows: make([]float32, 2*n)}
	p := graphtest.Params(16, 40)
	p.Threads = 2
	b := graphtest.NewBuilder(t, p, c)
	b.Add(graphtest.Placed(0, n, p.M))
	start := time.Now()
	rounds := graphtest.Drain(t, b)
	report := graphtest.MustCheck(t, b, graphtest.Numbers(n), b.Roots(), p)
	t.Logf("%d rounds, %d distances per slot, %d links, %v", rounds, b.Distances()/n, report.Links[0], time.Since(start))
	if b.Distances()/n > 3000 {
		t.Errorf("%d distances per slot", b.Distances()/n)
	}
	if err := b.Remove(context.Background(), graphtest.Placed(0, n/2, p.M), nil); err != nil {
		t.Fatal(err)
	}
	graphtest.MustCheck(t, b, func(yield func(graph.Slot) bool) {
		for i := n / 2; i < n && yield(graph.Slot(i)); i++ {
		}
	}, b.Roots(), p)
}

// TestFarCluster: a crowd of new slots far from all others, in one batch.
func TestFarCluster(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 3))
	c := graphtest.Clustered(r, 2000, 8, 10, 0.2)
	far := graphtest.Clustered(r, 1000, 8, 1, 0.2)
	for i := range far.Rows {
		far.Rows[i] += 1000
	}
	c.Rows = append(c.Rows, far.Rows...)
	p := graphtest.Params(16, 64)
	p.Threads = 2
	b := graphtest.NewBuilder(t, p, c)
	b.Add(graphtest.Placed(0, 2000, p.M))
	graphtest.Drain(t, b)
	before := b.Distances()
	b.Add(graphtest.Placed(2000, 3000, p.M))
	rounds := graphtest.Drain(t, b)
	graphtest.MustCheck(t, b, graphtest.Numbers(3000), b.Roots(), p)
	t.Logf("%d rounds, %d distances per new slot against %d", rounds, (b.Distances()-before)/1000, before/2000)
	queries := &graphtest.Cloud{Dims: 8, Rows: far.Rows[:100*8]}
	got, dc := graphtest.Recall(b, b.Roots(), c, queries, slices.Collect(graphtest.Numbers(3000)), 10, 16)
	t.Logf("recall %.4f at ef 16, %.0f distances", got, dc)
	if got < .99 {
		t.Errorf("recall %.4f among the far ones", got)
	}
}

func TestNearDuplicates(t *testing.T) {
	r := rand.New(rand.NewPCG(4, 4))
	c := graphtest.Clustered(r, 3000, 8, 30, 1e-4)
	p := graphtest.Params(16, 100)
	p.Threads = 2
	b := graphtest.NewBuilder(t, p, c)
	b.Add(graphtest.Placed(0, 3000, p.M))
	graphtest.Drain(t, b)
	graphtest.MustCheck(t, b, graphtest.Numbers(3000), b.Roots(), p)
	queries := &graphtest.Cloud{Dims: 8, Rows: c.Rows[:100*8]}
	got, _ := graphtest.Recall(b, b.Roots(), c, queries, slices.Collect(graphtest.Numbers(3000)), 10, 16)
	t.Logf("recall %.4f, %d distances per slot", got, b.Distances()/3000)
	if got < .95 {
		t.Errorf("recall %.4f", got)
	}
}

// TestCancel: a cancelled round leaves the graph as it was.
func TestCancel(t *testing.T) {
	c := graphtest.Clustered(rand.New(rand.NewPCG(5, 5)), 2000, 8, 10, 0.3)
	p := graphtest.Params(8, 50)
	p.Threads = 2
	b := graphtest.NewBuilder(t, p, c)
	b.Add(graphtest.Placed(0, 2000, p.M))
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
	if err := b.Remove(done, graphtest.Placed(0, 100, p.M), nil); !errors.Is(err, context.Canceled) {
		t.Fatalf("error %v", err)
	}
	graphtest.MustCheck(t, b, numbersIn(b, 2000), b.Roots(), p)
	graphtest.Drain(t, b)
	graphtest.MustCheck(t, b, graphtest.Numbers(2000), b.Roots(), p)
}

func TestParams(t *testing.T) {
	for _, change := range []func(*linking.Params){
		func(p *linking.Params) { p.M = 1 }, func(p *linking.Params) { p.M0 = p.M - 1 }, func(p *linking.Params) { p.EfConstruction = 0 },
		func(p *linking.Params) { p.Alpha = 0.5 }, func(p *linking.Params) { p.Alpha = float32(math.NaN()) }, func(p *linking.Params) { p.Threads = 0 },
		func(p *linking.Params) { p.LargestRound = -1 },
	} {
		p := graphtest.Params(8, 50)
		change(&p)
		if _, err := linking.NewBuilder(p, nil, nil, 1, 0, (&graphtest.Cloud{Dims: 1}).Points); err == nil {
			t.Errorf("%+v was accepted", p)
		}
	}
}
