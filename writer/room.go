package writer

import "slices"

// A Room has place for many slices, the keys or rows of changes, which share allocations.
type Room struct {
	pieces [][]byte
	used   int // pieces that are full; those behind the next are empty
}

const (
	pieceBytes = 64 << 10 // of a piece of room, if nothing that it holds needs more
	piecesKept = 256      // from one batch to the next
)

// Take returns an empty slice with room for n bytes.
func (r *Room) Take(n int) []byte {
	for r.used < len(r.pieces) && cap(r.pieces[r.used])-len(r.pieces[r.used]) < n {
		r.used++
	}
	if r.used == len(r.pieces) {
		last := 0
		if r.used > 0 {
			last = cap(r.pieces[r.used-1])
		}
		r.pieces = append(r.pieces, make([]byte, 0, max(n, min(pieceBytes, 2*last))))
	}
	piece := &r.pieces[r.used]
	at := len(*piece)
	*piece = (*piece)[:at+n]
	return (*piece)[at : at : at+n]
}

// Empty takes all back, to be given again.
func (r *Room) Empty() {
	r.pieces = slices.Delete(r.pieces, min(len(r.pieces), piecesKept), len(r.pieces))
	for i := range r.pieces {
		r.pieces[i] = r.pieces[i][:0]
	}
	r.used = 0
}
