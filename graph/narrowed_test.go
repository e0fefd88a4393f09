package graph

import (
	"math/rand/v2"
	"slices"
	"testing"
)

// filterOf returns the filter of those slots below n that admit is true for.
func filterOf(n int, admit func(Slot) bool) (*Filter, []Slot) {
	words := make([]uint64, (n+63)/64)
	var members []Slot
	for slot := range Slot(n) {
		if admit(slot) {
			words[slot/64] |= 1 << (slot % 64)
			members = append(members, slot)
		}
	}
	return NewFilter(words, len(members)), members
}

// Every walk returns members only, each once and in order, and most of the nearest; and
// again the same when the lists that it has kept are used.
func TestFilteredWalks(t *testing.T) {
	const n, k, ef = 4000, 10, 100
	b, c := built(t, n)
	r := rand.New(rand.NewPCG(4, 4))
	coin := make([]float64, n)
	for i := range coin {
		coin[i] = r.Float64()
	}
	for _, share := range []float64{1, .5, .2, .1} {
		f, members := filterOf(n, func(slot Slot) bool { return coin[slot] < share })
		width := Plain(2*k + int((ef-2*k)*share))
		for name, walk := range map[string]func(*Search, Space, Neighbor) ([]Neighbor, bool){
			"sweep of everything": func(s *Search, sp Space, e Neighbor) ([]Neighbor, bool) {
				return s.Sweep(b, sp, []Neighbor{e}, Narrowed{Filter: f, Width: width, Reach: EveryReach, Budget: 1 << 40})
			},
			"sweep of reach 1": func(s *Search, sp Space, e Neighbor) ([]Neighbor, bool) {
				return s.Sweep(b, sp, []Neighbor{e}, Narrowed{Filter: f, Width: width, Reach: 1, Budget: 1 << 40})
			},
			"two-hop from members": func(s *Search, sp Space, e Neighbor) ([]Neighbor, bool) {
				var entries []Neighbor
				distances := make([]float32, 4)
				sp.Distances(distances, f.Sample()[:4])
				for i, d := range distances {
					entries = append(entries, Neighbor{f.Sample()[i], d})
				}
				return s.TwoHop(b, sp, entries, Narrowed{Filter: f, Width: Plain(ef), Budget: 1 << 40})
			},
			"two-hop": func(s *Search, sp Space, e Neighbor) ([]Neighbor, bool) {
				return s.TwoHop(b, sp, []Neighbor{e}, Narrowed{Filter: f, Width: Plain(ef), Budget: 1 << 40})
			},
		} {
			var s Search
			found, wanted := 0, 0
			for q := range Slot(100) {
				sp := &cloudPoints{cloud: c, origin: c.row(q * 7)}
				top := len(b.roots) - 1
				entry := s.Descend(b, sp, b.roots[top], top, 1)
				got, _ := walk(&s, sp, entry)
				got = slices.Clone(got)
				if again, _ := walk(&s, sp, entry); !slices.Equal(again, got) {
					t.Fatalf("%s at %v: the second search finds %v, the first %v", name, share, again, got)
				}
				for i, n := range got {
					if f.bit(n.Slot) == 0 || i > 0 && !(order{}).less(got[i-1], n) {
						t.Fatalf("%s at %v: %v is no member, or out of order", name, share, n)
					}
				}
				truth := c.nearest(c.row(q*7), slices.Values(members), k)
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
	b, c := built(t, n)
	sp := &cloudPoints{cloud: c, origin: c.row(5)}
	few, _ := filterOf(n, func(slot Slot) bool { return slot == 1999 })
	none, _ := filterOf(n, func(Slot) bool { return false })
	for _, f := range []*Filter{few, none} {
		for name, walk := range map[string]func(*Search, Space, Neighbor, Narrowed) ([]Neighbor, bool){
			"sweep": func(s *Search, sp Space, e Neighbor, n Narrowed) ([]Neighbor, bool) {
				return s.Sweep(b, sp, []Neighbor{e}, n)
			},
			"two-hop": func(s *Search, sp Space, e Neighbor, n Narrowed) ([]Neighbor, bool) {
				return s.TwoHop(b, sp, []Neighbor{e}, n)
			},
		} {
			for _, budget := range []uint64{1, 100, 1 << 40} {
				var s Search
				entry := Neighbor{5, 0}
				found, ended := walk(&s, sp, entry, Narrowed{Filter: f, Width: Plain(20), Reach: EveryReach, Budget: budget})
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
	b, _ := built(t, n)
	var s Search
	for _, want := range []float64{0, .5, 1} {
		f, _ := filterOf(n, func(slot Slot) bool { return float64(slot%2) < 2*want-.5 })
		if got := s.Share(b, f, 17); got < want-.15 || got > want+.15 {
			t.Errorf("share %v, want about %v", got, want)
		}
	}
}

// failingLinks read so many lists and no more.
type failingLinks struct {
	Links
	left int
}

func (l *failingLinks) AppendLinks(dst []Slot, slot Slot, level int) []Slot {
	if l.left--; l.left < 0 {
		return dst
	}
	return l.Links.AppendLinks(dst, slot, level)
}

func (l *failingLinks) Failed() bool { return l.left < 0 }

// What a search that could not go on has found out is not what later ones go by.
func TestFilterAfterFailure(t *testing.T) {
	const n = 2000
	b, c := built(t, n)
	sp := &cloudPoints{cloud: c, origin: c.row(5)}
	fifth := func(slot Slot) bool { return slot%5 == 0 }
	f, _ := filterOf(n, fifth)
	fresh, _ := filterOf(n, fifth)
	var s Search
	for left := range 100 {
		s.TwoHop(&failingLinks{b, left}, sp, []Neighbor{{5, 0}}, Narrowed{Filter: f, Width: Plain(30), Budget: 1 << 40})
	}
	found, _ := s.TwoHop(b, sp, []Neighbor{{5, 0}}, Narrowed{Filter: f, Width: Plain(30), Budget: 1 << 40})
	found = slices.Clone(found)
	want, _ := s.TwoHop(b, sp, []Neighbor{{5, 0}}, Narrowed{Filter: fresh, Width: Plain(30), Budget: 1 << 40})
	if !slices.Equal(found, want) {
		t.Errorf("after searches that failed %v, with a new filter %v", found, want)
	}
}

// When there is no room for more lists, searches do without and find the same.
func TestFilterRoom(t *testing.T) {
	const n = 2000
	b, c := built(t, n)
	sp := &cloudPoints{cloud: c, origin: c.row(5)}
	full, _ := filterOf(n, func(slot Slot) bool { return slot%5 == 0 })
	kept, _ := filterOf(n, func(slot Slot) bool { return slot%5 == 0 })
	full.room.Store(0)
	var s Search
	narrowed := Narrowed{Filter: kept, Width: Plain(30), Budget: 1 << 40}
	want, _ := s.TwoHop(b, sp, []Neighbor{{5, 0}}, narrowed)
	want = slices.Clone(want)
	narrowed.Filter = full
	if got, _ := s.TwoHop(b, sp, []Neighbor{{5, 0}}, narrowed); !slices.Equal(got, want) {
		t.Errorf("without room %v, with room %v", got, want)
	}
	if full.room.Load() != 0 || kept.room.Load() == maxNearBytes {
		t.Errorf("room is %d without, %d with", full.room.Load(), kept.room.Load())
	}
}

// The sample of a filter is spread evenly over its members.
func TestSample(t *testing.T) {
	const n = 10_000
	r := rand.New(rand.NewPCG(6, 6))
	for _, share := range []float64{0, .0001, .02, .5, 1} {
		f, members := filterOf(n, func(Slot) bool { return r.Float64() < share })
		var want []Slot
		for i := range min(len(members), sampleSize) {
			want = append(want, members[i*len(members)/min(len(members), sampleSize)])
		}
		if !slices.Equal(f.Sample(), want) {
			t.Errorf("of %d members: %v, want %v", len(members), f.Sample(), want)
		}
	}
}
