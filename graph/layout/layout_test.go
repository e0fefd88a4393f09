package layout

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/hannoydb/hannoy/graph"
)

// grid is a graph of side x side slots, each linked to those beside it, with numbers
// drawn at random.
type grid struct {
	side   int
	number []graph.Slot // by place
	place  []int        // by number
}

func newGrid(side int, seed uint64) *grid {
	g := &grid{side: side, number: make([]graph.Slot, side*side), place: make([]int, side*side)}
	for at, n := range rand.New(rand.NewPCG(seed, 1)).Perm(side * side) {
		g.number[at], g.place[n] = graph.Slot(n), at
	}
	return g
}

func (g *grid) AppendLinks(dst []graph.Slot, slot graph.Slot, _ int) []graph.Slot {
	from := len(dst)
	x, y := g.place[slot]%g.side, g.place[slot]/g.side
	for _, d := range [][2]int{{-1, 0}, {1, 0}, {0, -1}, {0, 1}} {
		if u, v := x+d[0], y+d[1]; u >= 0 && u < g.side && v >= 0 && v < g.side {
			dst = append(dst, g.number[v*g.side+u])
		}
	}
	slices.Sort(dst[from:])
	return dst
}

// near is the share of links that lead at most so far in the order.
func (g *grid) near(order []graph.Slot, far int) float64 {
	at := make([]int, len(order))
	for i, slot := range order {
		at[slot] = i
	}
	links, near := 0, 0
	for _, slot := range order {
		for _, n := range g.AppendLinks(nil, slot, 0) {
			links++
			if d := at[slot] - at[n]; max(d, -d) <= far {
				near++
			}
		}
	}
	return float64(near) / float64(links)
}

func TestOrder(t *testing.T) {
	g := newGrid(64, 5)
	var all []graph.Slot
	for s := range graph.Slot(64 * 64) {
		all = append(all, s)
	}
	order := Order(g, all, g.number[0])
	if sorted := slices.Sorted(slices.Values(order)); !slices.Equal(sorted, all) {
		t.Fatal("the order is not one of all slots")
	}
	before, after := g.near(all, 32), g.near(order, 32)
	t.Logf("links within 32 slots: %.3f before, %.3f after", before, after)
	if after < 0.6 {
		t.Errorf("only %.3f of the links are within 32 slots", after)
	}
	if again := Order(g, all, g.number[0]); !slices.Equal(order, again) {
		t.Error("another order the second time")
	}
}

// lists is a graph given by its lists.
type listed map[graph.Slot][]graph.Slot

func (l listed) AppendLinks(dst []graph.Slot, slot graph.Slot, _ int) []graph.Slot {
	return append(dst, l[slot]...)
}

func TestOrderOfParts(t *testing.T) {
	tests := []struct {
		name  string
		links listed
		slots []graph.Slot
		want  []graph.Slot
	}{
		{"nothing", nil, nil, nil},
		{"one slot", listed{}, []graph.Slot{7}, []graph.Slot{7}},
		{"without links", listed{}, []graph.Slot{1, 4, 9}, []graph.Slot{4, 1, 9}},
		{"two parts", listed{1: {9}, 9: {1}, 4: {5}, 5: {4}}, []graph.Slot{1, 4, 5, 9}, []graph.Slot{4, 5, 1, 9}},
		{"a link to a slot that is not there", listed{4: {5, 100}}, []graph.Slot{4, 6}, []graph.Slot{4, 6}},
	}
	for _, tt := range tests {
		entry := graph.Slot(4)
		if len(tt.slots) == 1 {
			entry = tt.slots[0]
		}
		if got := Order(tt.links, tt.slots, entry); !slices.Equal(got, tt.want) {
			t.Errorf("%s: %v, want %v", tt.name, got, tt.want)
		}
	}
}
