package graph

// Marked is a neighbour with a mark that means something to its owner.
type Marked struct {
	Neighbor
	Mark bool
}

// Heap holds neighbours so that the nearest is at hand: the first. Equally near ones are
// ordered by slot.
type Heap []Marked

// Push adds a neighbour.
func (h *Heap) Push(m Marked) {
	*h = append(*h, m)
	h.up(len(*h) - 1)
}

// Pop takes the nearest out.
func (h *Heap) Pop() Marked {
	s := *h
	nearest, last := s[0], len(s)-1
	s[0] = s[last]
	*h = s[:last]
	h.down(0)
	return nearest
}

// Init makes a heap of neighbours in any order.
func (h Heap) Init() {
	for i := len(h)/2 - 1; i >= 0; i-- {
		h.down(i)
	}
}

func (h Heap) less(i, j int) bool { return Order{}.Less(h[i].Neighbor, h[j].Neighbor) }

func (h Heap) up(i int) {
	for parent := (i - 1) / 2; i > 0 && h.less(i, parent); parent = (i - 1) / 2 {
		h[i], h[parent] = h[parent], h[i]
		i = parent
	}
}

func (h Heap) down(i int) {
	for child := 2*i + 1; child < len(h); child = 2*i + 1 {
		if child+1 < len(h) && h.less(child+1, child) {
			child++
		}
		if !h.less(child, i) {
			return
		}
		h[i], h[child] = h[child], h[i]
		i = child
	}
}
