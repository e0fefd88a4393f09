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

// turnover is an index whose slots come and go.
type turnover struct {
	t       *testing.T
	cloud   *graphtest.Cloud
	params  linking.Params
	builder *linking.Builder
	live    map[graph.Slot]bool
}

func newTurnover(t *testing.T, c *graphtest.Cloud, n int) *turnover {
	p := graphtest.Params(8, 60)
	o := &turnover{t, c, p, graphtest.NewBuilder(t, p, c), map[graph.Slot]bool{}}
	o.add(slices.Collect(graphtest.Numbers(n))...)
	return o
}

func (o *turnover) add(slots ...graph.Slot) {
	o.t.Helper()
	var all []linking.Placed
	for _, slot := range slots {
		all = append(all, graphtest.Place(slot, o.params.M))
		o.live[slot] = true
	}
	o.builder.Add(all)
	graphtest.Drain(o.t, o.builder)
	o.check()
}

func (o *turnover) remove(doomed func(graph.Slot) bool, slots ...graph.Slot) {
	o.t.Helper()
	var dead []linking.Placed
	for _, slot := range slots {
		dead = append(dead, graphtest.Place(slot, o.params.M))
		delete(o.live, slot)
	}
	if err := o.builder.Remove(context.Background(), dead, doomed); err != nil {
		o.t.Fatal(err)
	}
	o.check()
}

func (o *turnover) check() {
	o.t.Helper()
	graphtest.MustCheck(o.t, o.builder, slices.Values(o.slots()), o.builder.Roots(), o.params)
}

func (o *turnover) slots() []graph.Slot { return slices.Sorted(keys(o.live)) }

// beside compares recall at an ef with that of a graph that is built anew.
func (o *turnover) beside(queries *graphtest.Cloud, ef int, least float64) {
	o.t.Helper()
	fresh := graphtest.NewBuilder(o.t, o.params, o.cloud)
	for _, slot := range o.slots() {
		fresh.Add([]linking.Placed{graphtest.Place(slot, o.params.M)})
	}
	graphtest.Drain(o.t, fresh)
	got, gotDC := graphtest.Recall(o.builder, o.builder.Roots(), o.cloud, queries, o.slots(), 10, ef)
	want, wantDC := graphtest.Recall(fresh, fresh.Roots(), o.cloud, queries, o.slots(), 10, ef)
	o.t.Logf("ef %d: recall %.4f at %.0f distances, fresh %.4f at %.0f", ef, got, gotDC, want, wantDC)
	if got < want+least {
		o.t.Errorf("ef %d: recall %.4f at %.0f distances, fresh %.4f at %.0f", ef, got, gotDC, want, wantDC)
	}
}

// TestRegions: regions leave, others come, until all slots have been replaced.
func TestRegions(t *testing.T) {
	const live, batch = 1200, 60
	r := rand.New(rand.NewPCG(21, 1))
	c, queries := graphtest.Clustered(r, 2*live+200, 10, 30, 0.7).Split(2 * live)
	o := newTurnover(t, c, live)
	region := func(from []graph.Slot) (all []graph.Slot) {
		for _, n := range c.Nearest(c.Row(from[r.IntN(len(from))]), slices.Values(from), batch) {
			all = append(all, n.Slot)
		}
		return all
	}
	for range live / batch {
		var spare []graph.Slot
		for slot := range graphtest.Numbers(2 * live) {
			if !o.live[slot] {
				spare = append(spare, slot)
			}
		}
		o.remove(nil, region(o.slots())...)
		o.add(region(spare)...)
	}
	o.beside(queries, 16, -.02)
}

// TestSlidingWindow: the oldest leave first, which all others depend on.
func TestSlidingWindow(t *testing.T) {
	const live, batch, dims = 1000, 50, 10
	c, queries := graphtest.Clustered(rand.New(rand.NewPCG(27, 1)), 3*live+200, dims, 30, 0.7).Split(3 * live)
	o := newTurnover(t, c, live)
	removals, start := uint64(0), o.builder.Distances()
	for first := 0; first < 2*live; first += batch {
		before := o.builder.Distances()
		o.remove(nil, between(first, first+batch)...)
		removals += o.builder.Distances() - before
		o.add(between(live+first, live+first+batch)...)
	}
	o.beside(queries, 16, -.02)
	share := float64(removals) / float64(o.builder.Distances()-start-removals)
	t.Logf("a removal costs %.2f of an insertion", share)
	if share > .9 {
		t.Errorf("a removal costs %.2f of an insertion", share)
	}
}

func between(from, to int) (all []graph.Slot) {
	for i := from; i < to; i++ {
		all = append(all, graph.Slot(i))
	}
	return all
}

// TestMostAtOnce: nine tenths leave at once, in calls that know of each other, and come
// back.
func TestMostAtOnce(t *testing.T) {
	const n = 2000
	r := rand.New(rand.NewPCG(22, 1))
	c, queries := graphtest.Clustered(r, n+200, 8, 20, 0.5).Split(n)
	o := newTurnover(t, c, n)
	dead := o.slots()
	r.Shuffle(n, func(i, j int) { dead[i], dead[j] = dead[j], dead[i] })
	dead = dead[:n*9/10]
	doomed := map[graph.Slot]bool{}
	for _, slot := range dead {
		doomed[slot] = true
	}
	for part := range slices.Chunk(dead, 500) {
		o.remove(func(slot graph.Slot) bool { return doomed[slot] }, part...)
	}
	o.beside(queries, 16, -.02)
	o.add(dead...)
	o.beside(queries, 16, -.02)
}

// TestTopLevels: all slots above level 0 leave, which empties the upper levels; then
// slots come that are higher than any before.
func TestTopLevels(t *testing.T) {
	const n = 1200
	r := rand.New(rand.NewPCG(23, 1))
	c, queries := graphtest.Clustered(r, n+100, 8, 20, 0.5).Split(n)
	o := newTurnover(t, c, n)
	if len(o.builder.Roots()) < 3 {
		t.Fatalf("only %d levels", len(o.builder.Roots()))
	}
	var high []graph.Slot
	for slot := range graphtest.Numbers(n) {
		if graphtest.Place(slot, o.params.M).Level > 0 {
			high = append(high, slot)
		}
	}
	o.remove(nil, high...)
	if levels := len(o.builder.Roots()); levels != 1 {
		t.Fatalf("%d levels without any slot above level 0", levels)
	}
	for i, slot := range high[:4] {
		level := uint8(2 + 3*i)
		o.live[slot] = true
		o.builder.Add([]linking.Placed{{Slot: slot, Level: level}})
		graphtest.Drain(t, o.builder)
		o.check()
		if got := len(o.builder.Roots()); got != int(level)+1 {
			t.Fatalf("%d levels after a slot of level %d", got, level)
		}
	}
	for i, slot := range high[:4] { // from below: the top stays until the last
		if err := o.builder.Remove(context.Background(), []linking.Placed{{Slot: slot, Level: uint8(2 + 3*i)}}, nil); err != nil {
			t.Fatal(err)
		}
		delete(o.live, slot)
		o.check()
	}
	o.add(high...)
	o.beside(queries, 16, -.02)
}

// TestFarClustersLeave: of clusters far apart one after the other leaves, and others come
// elsewhere.
func TestFarClustersLeave(t *testing.T) {
	const n, clusters = 1500, 6
	r := rand.New(rand.NewPCG(24, 1))
	c := graphtest.Clustered(r, 2*n, 8, 1, 0.3)
	for i := range c.Rows { // cluster k around 1000 k
		c.Rows[i] += float32(1000 * (i / 8 * 2 * clusters / (2 * n)))
	}
	o := newTurnover(t, c, n)
	for k := range clusters {
		var leave, come []graph.Slot
		for i := range n / clusters {
			leave = append(leave, graph.Slot(k*n/clusters+i))
			come = append(come, graph.Slot(n+k*n/clusters+i))
		}
		o.remove(nil, leave...)
		o.add(come...)
		o.beside(&graphtest.Cloud{Dims: 8, Rows: c.Rows[int(come[0])*8 : int(come[40])*8]}, 16, -.02)
	}
}

// TestReplaceInPlace: a slot's neighbours stay when it leaves and comes back, over and
// over: nothing wears off.
func TestReplaceInPlace(t *testing.T) {
	const n = 800
	c, queries := graphtest.Clustered(rand.New(rand.NewPCG(25, 1)), n+100, 8, 20, 0.5).Split(n)
	o := newTurnover(t, c, n)
	for i := range 400 {
		slot := graph.Slot(i % 7)
		if err := o.builder.Remove(context.Background(), []linking.Placed{graphtest.Place(slot, o.params.M)}, nil); err != nil {
			t.Fatal(err)
		}
		o.builder.Add([]linking.Placed{graphtest.Place(slot, o.params.M)})
		graphtest.Drain(t, o.builder)
	}
	o.check()
	o.beside(queries, 16, -.02)
}

// TestEqualVectorsLeave: among thousands of equal vectors a half leaves, then all but
// one, and others come.
func TestEqualVectorsLeave(t *testing.T) {
	const n = 10000
	c := &graphtest.Cloud{Dims: 2, Rows: make([]float32, 2*n)}
	o := newTurnover(t, c, n)
	slots := o.slots()
	o.remove(nil, slots[:n/2]...)
	o.add(slots[:100]...)
	o.remove(nil, o.slots()[1:]...)
	o.add(slots[n/2 : n/2+200]...)
}

// TestNearDuplicatesLeave: of groups whose members are almost equal some leave wholly, of
// the others a half, and all come back.
func TestNearDuplicatesLeave(t *testing.T) {
	const n, group = 1600, 40
	r := rand.New(rand.NewPCG(26, 1))
	middles := graphtest.Clustered(r, n/group, 8, n/group, 0.5)
	c := &graphtest.Cloud{Dims: 8, Rows: make([]float32, 0, 8*n)}
	for i := range n {
		for _, x := range middles.Row(graph.Slot(i / group)) {
			c.Rows = append(c.Rows, x+1e-5*r.Float32())
		}
	}
	queries := &graphtest.Cloud{Dims: 8, Rows: middles.Rows}
	o := newTurnover(t, c, n)
	var leave []graph.Slot
	for slot := range graphtest.Numbers(n) {
		if g := slot / group; g%4 == 0 || slot%2 == 0 {
			leave = append(leave, slot)
		}
	}
	for range 3 {
		for part := range slices.Chunk(leave, 100) {
			o.remove(nil, part...)
		}
		o.beside(queries, 24, -.02)
		o.add(leave...)
		o.beside(queries, 24, -.02)
	}
}
