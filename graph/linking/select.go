package linking

import "github.com/hannoydb/hannoy/graph"

// chooser picks neighbours out of candidates.
type chooser struct {
	points    Points
	alpha     float32
	distances [chooseChunk]float32
	slots     []graph.Slot
	left      []graph.Neighbor
	asked     uint64 // distances, since the zero value
}

// chooseChunk is how many chosen neighbours a candidate is measured against at a
// time: few, as most of those left out are left out by one of the nearest.
const chooseChunk = 4

// choose moves at most m of the candidates, which are sorted nearest first, to the
// front and returns how many: nearest first, a candidate is left out when a chosen
// one is nearer to it than the base is, by the factor alpha. With fill, those left
// out make up for what is missing from m. Behind the chosen stand the others,
// nearest first. The origin of the points is elsewhere afterwards.
func (c *chooser) choose(candidates []graph.Neighbor, m int, fill bool) int {
	c.slots, c.left = c.slots[:0], c.left[:0]
	for _, candidate := range candidates {
		if chosen := len(c.slots); chosen < m && !c.hides(candidate) {
			candidates[chosen] = candidate
			c.slots = append(c.slots, candidate.Slot)
		} else {
			c.left = append(c.left, candidate)
		}
	}
	copy(candidates[len(c.slots):], c.left)
	if fill {
		return min(m, len(candidates))
	}
	return len(c.slots)
}

// fills reports whether lists of the level are filled up. Above level 0 lists are
// few and short of links that lead far: without filling up, a search from one far
// cluster of vectors to another loses its way (measured: recall 0 at ef 64 against
// .998 at ef 16, for half a percent more distances elsewhere). On level 0 filling
// up costs more distances at equal recall.
func fills(level int) bool { return level > 0 }

// hides reports whether a chosen neighbour stands before the candidate.
func (c *chooser) hides(candidate graph.Neighbor) bool {
	if len(c.slots) == 0 {
		return false
	}
	c.points.MoveTo(candidate.Slot)
	for from := 0; from < len(c.slots); from += chooseChunk {
		chunk := c.slots[from:min(from+chooseChunk, len(c.slots))]
		distances := c.distances[:len(chunk)]
		c.points.Distances(distances, chunk)
		c.asked += uint64(len(chunk))
		for _, d := range distances {
			if stretch(d, c.alpha) < candidate.Distance {
				return true
			}
		}
	}
	return false
}

// stretch makes the distance greater by the factor alpha. Distances below zero
// occur with inner products, and grow by division.
func stretch(d, alpha float32) float32 {
	if d < 0 {
		return d / alpha
	}
	return d * alpha
}
