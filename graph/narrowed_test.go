package graph_test

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/hannoydb/hannoy/graph"
	"github.com/hannoydb/hannoy/graph/graphtest"
)

// filterOf returns the filter of those slots below n that admit is true for.
func filterOf(n int, admit func(graph.Slot) bool) (*graph.Filter, []graph.Slot) {
	words := make([]uint64, (n+63)/64)
	var members []graph.Slot
	for slot := range graph.Slot(n) {
		if admit(slot) {
			words[slot/64] |= 1 << (slot % 64)
			members = append(members, slot)
		}
	}
	return graph.NewFilter(words, len(members), graph.NewRoom(1<<20)), members
}

// Every walk returns members only, each once and in order, and most of the nearest; and
// again the same when the lists that it has kept are used.
func TestFilteredWalks(t *testing.T) {
	const n, k, ef = 4000, 10, 100
	b, c := graphtest.Built(t, n)
	r := rand.New(rand.NewPCG(4, 4))
	coin := make([]float64, n)
	for i := range coin {
		coin[i] = r.Float64()
	}
	for _, share := range []float64{1, .5, .2, .1} {
		f, members := filterOf(n, func(slot graph.Slot) bool { return coin[slot] < share })
		width := graph.Plain(2*k + int((ef-2*k)*share))
		for name, walk := range map[string]func(*graph.Search, graph.Space, graph.Neighbor) ([]graph.Neighbor, bool){
			"sweep of everything": func(s *graph.Search, sp graph.Space, e graph.Neighbor) ([]graph.Neighbor, bool) {
				return s.Sweep(b, sp, []graph.Neighbor{e}, graph.Narrowed{Filter: f, Width: width, Reach: graph.EveryReach, Budget: 1 << 40})
			},
			"sweep of reach 1": func(s *graph.Search, sp graph.Space, e graph.Neighbor) ([]graph.Neighbor, bool) {
				return s.Sweep(b, sp, []graph.Neighbor{e}, graph.Narrowed{Filter: f, Width: width, Reach: 1, Budget: 1 << 40})
			},
			"two-hop from members": func(s *graph.Search, sp graph.Space, e graph.Neighbor) ([]graph.Neighbor, bool) {
				var entries []graph.Neighbor
				distances := make([]float32, 4)
				sp.Distances(distances, f.Sample()[:4])
				for i, d := range distances {
					entries = append(entries, graph.Neighbor{Slot: f.Sample()[i], Distance: d})
				}
				return s.TwoHop(b, sp, entries, graph.Narrowed{Filter: f, Width: graph.Plain(ef), Budget: 1 << 40})
			},
			"two-hop": func(s *graph.Search, sp graph.Space, e graph.Neighbor) ([]graph.Neighbor, bool) {
				return s.TwoHop(b, sp, []graph.Neighbor{e}, graph.Narrowed{Filter: f, Width: graph.Plain(ef), Budget: 1 << 40})
			},
		} {
			var s graph.Search
			found, wanted := 0, 0
			for q := range graph.Slot(100) {
				sp := &graphtest.Points{Cloud: c, Origin: c.Row(q * 7)}
				top := len(b.Roots()) - 1
				entry := s.Descend(b, sp, b.Roots()[top], top, 1)
				got, _ := walk(&s, sp, entry)
				got = slices.Clone(got)
				if again, _ := walk(&s, sp, entry); !slices.Equal(again, got) {
					t.Fatalf("%s at %v: the second search finds %v, the first %v", name, share, again, got)
				}
				for i, n := range got {
					if !f.Has(n.Slot) || i > 0 && !(graph.Order{}).Less(got[i-1], n) {
						t.Fatalf("%s at %v: %v is no member, or out of order", name, share, n)
					}
				}
				truth := c.Nearest(c.Row(q*7), slices.Values(members), k)
				wanted += k
				for _, n := range got[:min(k, len(got))] {
					if n.Distance <= truth[k-1].Distance {
						found++
					}
				}
			}
			if recall := float64(found) / float64(wanted); recall < .95 {
				t.Errorf("%s at %v: recall %v", name, share, recall)
			}
		}
	}
}

// A walk that may spend little, or that finds no way, says so and stays within its budget.
func TestFilteredBudget(t *testing.T) {
	const n = 2000
	b, c := graphtest.Built(t, n)
	sp := &graphtest.Points{Cloud: c, Origin: c.Row(5)}
	few, _ := filterOf(n, func(slot graph.Slot) bool { return slot == 1999 })
	none, _ := filterOf(n, func(graph.Slot) bool { return false })
	for _, f := range []*graph.Filter{few, none} {
		for name, walk := range map[string]func(*graph.Search, graph.Space, graph.Neighbor, graph.Narrowed) ([]graph.Neighbor, bool){
			"sweep": func(s *graph.Search, sp graph.Space, e graph.Neighbor, n graph.Narrowed) ([]graph.Neighbor, bool) {
				return s.Sweep(b, sp, []graph.Neighbor{e}, n)
			},
			"two-hop": func(s *graph.Search, sp graph.Space, e graph.Neighbor, n graph.Narrowed) ([]graph.Neighbor, bool) {
				return s.TwoHop(b, sp, []graph.Neighbor{e}, n)
			},
		} {
			for _, budget := range []uint64{1, 100, 1 << 40} {
				var s graph.Search
				entry := graph.Neighbor{Slot: 5, Distance: 0}
				found, ended := walk(&s, sp, entry, graph.Narrowed{Filter: f, Width: graph.Plain(20), Reach: graph.EveryReach, Budget: budget})
				if ended || len(found) > f.Len() {
					t.Errorf("%s with a budget of %d for %d members: %v, %t", name, budget, f.Len(), found, ended)
				}
				// One hop more than the budget has begun when it is noticed.
				if most := budget + 40*40; budget < 1000 && s.Distances+s.Hops > most {
					t.Errorf("%s with a budget of %d spent %d", name, budget, s.Distances+s.Hops)
				}
			}
		}
	}
}

// Share samples what is near a slot.
func TestShare(t *testing.T) {
	const n = 2000
	b, _ := graphtest.Built(t, n)
	var s graph.Search
	for _, want := range []float64{0, .5, 1} {
		f, _ := filterOf(n, func(slot graph.Slot) bool { return float64(slot%2) < 2*want-.5 })
		if got := s.Share(b, f, 17); got < want-.15 || got > want+.15 {
			t.Errorf("share %v, want about %v", got, want)
		}
	}
}

// failingLinks read so many lists and no more.
type failingLinks struct {
	graph.Links
	left int
}

func (l *failingLinks) AppendLinks(dst []graph.Slot, slot graph.Slot, level int) []graph.Slot {
	if l.left--; l.left < 0 {
		return dst
	}
	return l.Links.AppendLinks(dst, slot, level)
}

func (l *failingLinks) Failed() bool { return l.left < 0 }

// What a search that could not go on has found out is not what later ones go by.
func TestFilterAfterFailure(t *testing.T) {
	const n = 2000
	b, c := graphtest.Built(t, n)
	sp := &graphtest.Points{Cloud: c, Origin: c.Row(5)}
	fifth := func(slot graph.Slot) bool { return slot%5 == 0 }
	f, _ := filterOf(n, fifth)
	fresh, _ := filterOf(n, fifth)
	var s graph.Search
	for left := range 100 {
		s.TwoHop(&failingLinks{b, left}, sp, []graph.Neighbor{{5, 0}}, graph.Narrowed{Filter: f, Width: graph.Plain(30), Budget: 1 << 40})
	}
	found, _ := s.TwoHop(b, sp, []graph.Neighbor{{5, 0}}, graph.Narrowed{Filter: f, Width: graph.Plain(30), Budget: 1 << 40})
	found = slices.Clone(found)
	want, _ := s.TwoHop(b, sp, []graph.Neighbor{{5, 0}}, graph.Narrowed{Filter: fresh, Width: graph.Plain(30), Budget: 1 << 40})
	if !slices.Equal(found, want) {
		t.Errorf("after searches that failed %v, with a new filter %v", found, want)
	}
}

// When there is no room for more lists, searches do without and find the same. A filter that leaves
// its room gives back what it has taken, and takes no more.
func TestFilterRoom(t *testing.T) {
	const n, bytes = 2000, 1 << 20
	b, c := graphtest.Built(t, n)
	members, _ := filterOf(n, func(slot graph.Slot) bool { return slot%5 == 0 })
	words := make([]uint64, (n+63)/64)
	for slot := range graph.Slot(n) {
		if members.Has(slot) {
			words[slot/64] |= 1 << (slot % 64)
		}
	}
	var s graph.Search
	walk := func(f *graph.Filter, from graph.Slot) []graph.Neighbor {
		sp := &graphtest.Points{Cloud: c, Origin: c.Row(from)}
		found, _ := s.TwoHop(b, sp, []graph.Neighbor{{Slot: from}}, graph.Narrowed{Filter: f, Width: graph.Plain(30), Budget: 1 << 40})
		return slices.Clone(found)
	}
	room, none := graph.NewRoom(bytes), graph.NewRoom(0)
	full, kept, other := graph.NewFilter(words, members.Len(), none), graph.NewFilter(words, members.Len(), room), graph.NewFilter(words, members.Len(), room)
	want := walk(kept, 5)
	if got := walk(full, 5); !slices.Equal(got, want) {
		t.Errorf("without room %v, with room %v", got, want)
	}
	if none.Left() != 0 {
		t.Errorf("%d bytes of no room are left", none.Left())
	}
	one := bytes - room.Left()
	walk(other, 5)
	if both := bytes - room.Left(); one == 0 || both != 2*one {
		t.Errorf("a filter takes %d bytes, two that do the same take %d", one, both)
	}
	kept.Leave()
	for from := range graph.Slot(n) {
		walk(kept, from)
	}
	if left := bytes - room.Left(); left != one {
		t.Errorf("once one of two filters has left, %d bytes are taken, want %d", left, one)
	}
	if got := walk(kept, 5); !slices.Equal(got, want) {
		t.Errorf("after it has left its room a filter finds %v, before %v", got, want)
	}
}

// The sample of a filter is spread evenly over its members.
func TestSample(t *testing.T) {
	const n = 10_000
	r := rand.New(rand.NewPCG(6, 6))
	for _, share := range []float64{0, .0001, .02, .5, 1} {
		f, members := filterOf(n, func(graph.Slot) bool { return r.Float64() < share })
		var want []graph.Slot
		for i := range min(len(members), graph.SampleSize) {
			want = append(want, members[i*len(members)/min(len(members), graph.SampleSize)])
		}
		if !slices.Equal(f.Sample(), want) {
			t.Errorf("of %d members: %v, want %v", len(members), f.Sample(), want)
		}
	}
}
