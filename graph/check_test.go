package graph_test

import (
	"context"
	"errors"
	"slices"
	"testing"

	"github.com/hannoydb/hannoy/graph"
	"github.com/hannoydb/hannoy/graph/graphtest"
)

// TestCheckFinds damages a sound graph in each way that Check knows.
func TestCheckFinds(t *testing.T) {
	const n = 300
	b, _ := graphtest.Built(t, n)
	p := graphtest.Params(8, 60)
	roots := b.Roots()
	slot := graph.Slot(7)
	for slot == roots[0] || b.Has(slot, 1) {
		slot++
	}
	high := graph.Slot(0)
	for !b.Has(high, 1) || slices.Contains(roots, high) {
		high++
	}
	for kind, damage := range map[graph.ProblemKind]func(s *graphtest.Store) []graph.Slot{
		graph.SelfLink: func(s *graphtest.Store) []graph.Slot { s.Lists[0][slot][0] = slot; return roots },
		graph.Unsorted: func(s *graphtest.Store) []graph.Slot { slices.Reverse(s.Lists[0][slot]); return roots },
		graph.TooMany: func(s *graphtest.Store) []graph.Slot {
			s.Lists[0][slot] = slices.Collect(func(yield func(graph.Slot) bool) {
				for i := range graph.Slot(30) {
					yield(i)
				}
			})
			return roots
		},
		graph.Dangling:    func(s *graphtest.Store) []graph.Slot { s.Lists[0][slot][0] = n + 5; return roots },
		graph.OneWay:      func(s *graphtest.Store) []graph.Slot { s.Lists[0][slot] = s.Lists[0][slot][1:]; return roots },
		graph.NotNested:   func(s *graphtest.Store) []graph.Slot { delete(s.Lists[0], high); return roots },
		graph.NotLinked:   func(s *graphtest.Store) []graph.Slot { delete(s.Ranks, slot); return roots },
		graph.SharedRank:  func(s *graphtest.Store) []graph.Slot { s.Ranks[slot] = s.Ranks[high]; return roots },
		graph.Orphan:      func(s *graphtest.Store) []graph.Slot { s.Lists[0][slot] = nil; return roots },
		graph.WrongRoot:   func(*graphtest.Store) []graph.Slot { return append([]graph.Slot{slot}, roots[1:]...) },
		graph.Unreachable: func(s *graphtest.Store) []graph.Slot { cutOff(s, slot); return roots },
	} {
		s := graphtest.NewStore()
		s.Commit(b)
		given := damage(s)
		r, err := graph.Check(context.Background(), s, graphtest.Numbers(n), given, p.M, p.M0)
		if err != nil {
			t.Fatal(err)
		}
		if r.Counts[kind] == 0 || r.Sound() {
			t.Errorf("%s was not found, only %v", kind, r.Counts)
		}
		for _, p := range r.Problems {
			if p.String() == "" {
				t.Errorf("%s has no text", p.Kind)
			}
		}
	}
	done, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := graph.Check(done, b, graphtest.Numbers(n), roots, p.M, p.M0); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
}

// cutOff takes the slot out of its neighbours' lists.
func cutOff(s *graphtest.Store, slot graph.Slot) {
	for _, n := range s.Lists[0][slot] {
		s.Lists[0][n] = slices.DeleteFunc(s.Lists[0][n], func(x graph.Slot) bool { return x == slot })
	}
	s.Lists[0][slot] = nil
}
