package graph

import (
	"context"
	"fmt"
	"iter"
	"slices"
)

// ProblemKind names what is wrong with a graph.
type ProblemKind string

// The kinds of problems that Check finds.
const (
	SelfLink    ProblemKind = "self-link"   // a slot among its own links
	Unsorted    ProblemKind = "unsorted"    // links out of order or repeated
	TooMany     ProblemKind = "too-many"    // more links than the cap
	Dangling    ProblemKind = "dangling"    // a link to a slot that is not on the level
	OneWay      ProblemKind = "one-way"     // a link without its other direction
	NotNested   ProblemKind = "not-nested"  // on a level, but not on the one below
	NotLinked   ProblemKind = "not-linked"  // on a level, but without a rank
	SharedRank  ProblemKind = "shared-rank" // two slots of one rank
	Orphan      ProblemKind = "orphan"      // no neighbour of lower rank, and not the root
	WrongRoot   ProblemKind = "wrong-root"  // the root is not the slot of lowest rank
	Unreachable ProblemKind = "unreachable" // no way from the root of the level
)

// Problem is one thing that is wrong with a graph.
type Problem struct {
	Kind  ProblemKind
	Slot  Slot
	Level int
	Other Slot // the other slot concerned, if there is one
}

// String says what is wrong, and where.
func (p Problem) String() string {
	switch p.Kind {
	case Dangling, OneWay, SharedRank, WrongRoot:
		return fmt.Sprintf("level %d: slot %d: %s with slot %d", p.Level, p.Slot, p.Kind, p.Other)
	}
	return fmt.Sprintf("level %d: slot %d: %s", p.Level, p.Slot, p.Kind)
}

// maxProblems is how many problems a Report lists; it counts them all.
const maxProblems = 100

// Report is what Check found.
type Report struct {
	Problems []Problem // the first ones
	Counts   map[ProblemKind]int
	Slots    []int // on each level
	Links    []int // on each level, each counted in both directions
}

// Sound reports whether there were no problems.
func (r *Report) Sound() bool { return len(r.Problems) == 0 }

func (r *Report) add(kind ProblemKind, level int, slot, other Slot) {
	r.Counts[kind]++
	if len(r.Problems) < maxProblems {
		r.Problems = append(r.Problems, Problem{kind, slot, level, other})
	}
}

// Check looks for everything in the view that breaks an invariant of this package.
// slots are the slots that ought to be linked, in ascending order, and may be gone
// through several times; m and m0 are the most links above level 0 and on it. It needs about eight bytes of memory per slot. The error
// is the context's.
func Check(ctx context.Context, view View, slots iter.Seq[Slot], roots []Slot, m, m0 int) (*Report, error) {
	c := check{ctx: ctx, view: view, slots: slots, longest: [2]int{m0, m}, report: &Report{Counts: make(map[ProblemKind]int)}}
	c.ranks()
	for level := 0; level <= MaxLevel; level++ {
		n, links, lowest := c.lists(level, roots)
		if level < len(roots) {
			c.root(level, n, lowest, roots[level])
		} else if n == 0 {
			break
		}
		c.report.Slots = append(c.report.Slots, n)
		c.report.Links = append(c.report.Links, links)
	}
	return c.report, ctx.Err()
}

type check struct {
	ctx     context.Context
	view    View
	slots   iter.Seq[Slot]
	longest [2]int // lists may be, on level 0 and above
	report  *Report
	links   []Slot
	other   []Slot
}

// ranks checks that every slot has a rank of its own.
func (c *check) ranks() {
	type ranked struct{ rank, slot uint32 }
	var all []ranked
	for slot := range c.slots {
		rank := c.view.Rank(slot)
		if rank == 0 {
			c.report.add(NotLinked, 0, slot, 0)
			continue
		}
		all = append(all, ranked{rank, slot})
	}
	slices.SortFunc(all, func(x, y ranked) int { return int(int64(x.rank) - int64(y.rank)) })
	for i := 1; i < len(all); i++ {
		if all[i].rank == all[i-1].rank {
			c.report.add(SharedRank, 0, all[i].slot, all[i-1].slot)
		}
	}
}

// lists checks every list of a level. It returns the number of slots on it and of
// their links, and the slot of lowest rank.
func (c *check) lists(level int, roots []Slot) (n, links int, lowest Slot) {
	lowestRank := uint32(0)
	for slot := range c.slots {
		if n%1024 == 0 && c.ctx.Err() != nil {
			return n, links, lowest
		}
		if !c.view.Has(slot, level) {
			if level == 0 && c.view.Rank(slot) != 0 {
				c.report.add(NotNested, 0, slot, 0)
			}
			continue
		}
		n++
		if level > 0 && !c.view.Has(slot, level-1) {
			c.report.add(NotNested, level, slot, 0)
		}
		if rank := c.view.Rank(slot); lowestRank == 0 || rank < lowestRank {
			lowest, lowestRank = slot, rank
		}
		links += c.list(level, slot, level < len(roots) && roots[level] == slot)
	}
	return n, links, lowest
}

// list checks one list and returns its length.
func (c *check) list(level int, slot Slot, root bool) int {
	c.links = c.view.AppendLinks(c.links[:0], slot, level)
	if len(c.links) > c.longest[min(level, 1)] {
		c.report.add(TooMany, level, slot, 0)
	}
	rank, guarded := c.view.Rank(slot), root
	for i, n := range c.links {
		if i > 0 && n <= c.links[i-1] {
			c.report.add(Unsorted, level, slot, 0)
		}
		if n == slot {
			c.report.add(SelfLink, level, slot, 0)
			continue
		}
		other := c.view.Rank(n)
		if other == 0 || !c.view.Has(n, level) {
			c.report.add(Dangling, level, slot, n)
			continue
		}
		guarded = guarded || other < rank
		c.other = c.view.AppendLinks(c.other[:0], n, level)
		if !slices.Contains(c.other, slot) {
			c.report.add(OneWay, level, slot, n)
		}
	}
	if !guarded {
		c.report.add(Orphan, level, slot, 0)
	}
	return len(c.links)
}

// root checks the root of a level, and that every slot is reached from it.
func (c *check) root(level, n int, lowest, root Slot) {
	if n == 0 || lowest != root {
		c.report.add(WrongRoot, level, root, lowest)
	}
	var seen visited
	seen.add(root)
	way := []Slot{root}
	for len(way) > 0 {
		slot := way[len(way)-1]
		way = way[:len(way)-1]
		if c.ctx.Err() != nil {
			return
		}
		c.links = c.view.AppendLinks(c.links[:0], slot, level)
		for _, next := range c.links {
			if c.view.Rank(next) != 0 && seen.add(next) {
				way = append(way, next)
			}
		}
	}
	for slot := range c.slots {
		if c.view.Has(slot, level) && seen.add(slot) {
			c.report.add(Unreachable, level, slot, 0)
		}
	}
}
