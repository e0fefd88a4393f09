package graph

import (
	"context"
	"errors"
	"slices"
	"testing"
)

// TestCheckFinds damages a sound graph in each way that Check knows.
func TestCheckFinds(t *testing.T) {
	const n = 300
	b, _ := built(t, n)
	roots := b.Roots()
	slot := Slot(7)
	for slot == roots[0] || b.Has(slot, 1) {
		slot++
	}
	high := Slot(0)
	for !b.Has(high, 1) || slices.Contains(roots, high) {
		high++
	}
	for kind, damage := range map[ProblemKind]func(s *store) []Slot{
		SelfLink: func(s *store) []Slot { s.lists[0][slot][0] = slot; return roots },
		Unsorted: func(s *store) []Slot { slices.Reverse(s.lists[0][slot]); return roots },
		TooMany: func(s *store) []Slot {
			s.lists[0][slot] = slices.Collect(func(yield func(Slot) bool) {
				for i := range Slot(30) {
					yield(i)
				}
			})
			return roots
		},
		Dangling:    func(s *store) []Slot { s.lists[0][slot][0] = n + 5; return roots },
		OneWay:      func(s *store) []Slot { s.lists[0][slot] = s.lists[0][slot][1:]; return roots },
		NotNested:   func(s *store) []Slot { delete(s.lists[0], high); return roots },
		NotLinked:   func(s *store) []Slot { delete(s.ranks, slot); return roots },
		SharedRank:  func(s *store) []Slot { s.ranks[slot] = s.ranks[high]; return roots },
		Orphan:      func(s *store) []Slot { s.lists[0][slot] = nil; return roots },
		WrongRoot:   func(*store) []Slot { return append([]Slot{slot}, roots[1:]...) },
		Unreachable: func(s *store) []Slot { cutOff(s, slot); return roots },
	} {
		s := newStore()
		s.commit(b)
		given := damage(s)
		r, err := Check(context.Background(), s, numbers(n), given, b.params)
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
	if _, err := Check(done, b, numbers(n), roots, b.params); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
}

// cutOff takes the slot out of its neighbours' lists.
func cutOff(s *store, slot Slot) {
	for _, n := range s.lists[0][slot] {
		s.lists[0][n] = slices.DeleteFunc(s.lists[0][n], func(x Slot) bool { return x == slot })
	}
	s.lists[0][slot] = nil
}
