// Package layout puts the slots of a graph into an order for the file, such that those which a
// search visits together lie together. It knows links only.
package layout

import (
	"slices"

	"github.com/hannoydb/hannoy/graph"
)

// orderGroup is how many nodes Order gathers into a group. Of 4, 8, 16 and 32, on
// 200,000 SIFT vectors, searches were fastest with this.
const orderGroup = 32

// Order returns the slots in an order in which slots that are linked on level 0 are
// close to each other, so that a search finds the rows and lists that it needs in few
// pages. slots are the linked ones, ascending; entry is one of them. The outcome
// depends on the arguments alone.
//
// It gathers slots into groups, each grown from a seed by the slot that has the most
// links into the group; then groups into groups of groups by the links between them,
// and so on, and writes them out one after the other. Time is in proportion to the
// links, memory to the slots: some 40 bytes for each.
func Order(links graph.Links, slots []graph.Slot, entry graph.Slot) []graph.Slot {
	if len(slots) == 0 {
		return nil
	}
	next := slots[len(slots)-1] + 1
	taken := make([]bool, next)
	for i := range taken {
		taken[i] = true
	}
	for _, s := range slots {
		taken[s] = false
	}
	var near []graph.Slot
	w := web{taken: taken, arcs: func(dst []arc, node uint32) []arc {
		near = links.AppendLinks(near[:0], node, 0)
		for _, n := range near {
			if n < next { // else it is damaged
				dst = append(dst, arc{n, 1})
			}
		}
		return dst
	}}
	return w.order(len(slots), entry)
}

// web is what is put in order: slots and their links, or groups of them.
type web struct {
	taken []bool // by node: it is in a group, or no node at all
	arcs  func(dst []arc, node uint32) []arc
}

// arc leads to a node over so many links.
type arc struct {
	to     uint32
	weight uint32
}

// order returns the n nodes that are not taken, in order.
func (w *web) order(n int, entry uint32) []uint32 {
	nodes, ends := w.groups(n, entry)
	if len(ends) <= 1 || len(ends) == n {
		return nodes
	}
	above := w.above(nodes, ends)
	ordered := make([]uint32, 0, n)
	for _, group := range above.order(len(ends), 0) {
		from := 0
		if group > 0 {
			from = ends[group-1]
		}
		ordered = append(ordered, nodes[from:ends[group]]...)
	}
	return ordered
}

// groups gathers all nodes into groups. It returns the nodes, group by group, and
// where each group ends.
func (w *web) groups(n int, entry uint32) (nodes []uint32, ends []int) {
	g := grouping{web: w, score: make([]uint32, len(w.taken)), queued: slices.Clone(w.taken)}
	g.push(entry)
	for lowest := uint32(0); len(g.nodes) < n; {
		seed, ok := g.pop()
		if !ok {
			for w.taken[lowest] {
				lowest++
			}
			seed = lowest
		}
		g.grow(seed)
		ends = append(ends, len(g.nodes))
	}
	return g.nodes, ends
}

// grouping is groups at work.
type grouping struct {
	*web
	nodes  []uint32
	queued []bool   // by node: it is or was in the queue
	queue  []uint32 // of seeds: groups begin where others came to
	score  []uint32 // by node: its links to the group that grows
	border []uint32 // nodes that have some
	arcs   []arc
}

func (g *grouping) push(node uint32) {
	if !g.queued[node] {
		g.queued[node] = true
		g.queue = append(g.queue, node)
	}
}

func (g *grouping) pop() (uint32, bool) {
	for len(g.queue) > 0 {
		node := g.queue[0]
		if g.queue = g.queue[1:]; !g.taken[node] {
			return node, true
		}
	}
	return 0, false
}

// grow makes a group around a seed.
func (g *grouping) grow(seed uint32) {
	for range orderGroup {
		g.taken[seed] = true
		g.nodes = append(g.nodes, seed)
		g.arcs = g.web.arcs(g.arcs[:0], seed)
		for _, a := range g.arcs {
			g.push(a.to)
			if g.taken[a.to] {
				continue
			}
			if g.score[a.to] == 0 {
				g.border = append(g.border, a.to)
			}
			g.score[a.to] += a.weight
		}
		best := -1
		for i, node := range g.border {
			if best < 0 || g.score[node] > g.score[g.border[best]] {
				best = i
			}
		}
		if best < 0 {
			break
		}
		seed = g.border[best]
		g.score[seed] = 0
		g.border = slices.Delete(g.border, best, best+1)
	}
	for _, node := range g.border {
		g.score[node] = 0
	}
	g.border = g.border[:0]
}

// above is the web of the groups.
func (w *web) above(nodes []uint32, ends []int) *web {
	group := make([]uint32, len(w.taken))
	from := 0
	for g, end := range ends {
		for _, node := range nodes[from:end] {
			group[node] = uint32(g)
		}
		from = end
	}
	var (
		arcs   []arc // of all groups
		starts = []int{0}
		weight = make([]uint32, len(ends))
		found  []uint32
		below  []arc
	)
	from = 0
	for g, end := range ends {
		found = found[:0]
		for _, node := range nodes[from:end] {
			below = w.arcs(below[:0], node)
			for _, a := range below {
				to := group[a.to]
				if to == uint32(g) {
					continue
				}
				if weight[to] == 0 {
					found = append(found, to)
				}
				weight[to] += a.weight
			}
		}
		slices.Sort(found)
		for _, to := range found {
			arcs = append(arcs, arc{to, weight[to]})
			weight[to] = 0
		}
		starts = append(starts, len(arcs))
		from = end
	}
	return &web{
		taken: make([]bool, len(ends)),
		arcs:  func(dst []arc, node uint32) []arc { return append(dst, arcs[starts[node]:starts[node+1]]...) },
	}
}
