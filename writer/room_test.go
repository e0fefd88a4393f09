package writer

import "testing"

// What is taken does not overlap, and room is used again once it is empty.
func TestRoom(t *testing.T) {
	var r Room
	for round := range 3 {
		var taken [][]byte
		for i := range 1000 {
			b := r.Take(1 + i*37%5000)
			b = b[:cap(b)]
			for j := range b {
				b[j] = byte(i)
			}
			taken = append(taken, b)
		}
		for i, b := range taken {
			if want := 1 + i*37%5000; len(b) != want {
				t.Fatalf("room %d is of %d bytes, want %d", i, len(b), want)
			}
			for _, x := range b {
				if x != byte(i) {
					t.Fatalf("round %d: room %d was given twice", round, i)
				}
			}
		}
		pieces := len(r.pieces)
		if r.Empty(); len(r.pieces) != pieces {
			t.Fatalf("%d of %d pieces kept", len(r.pieces), pieces)
		}
	}
	r.Take(pieceBytes * 2)
	for range 2 * piecesKept {
		r.Take(pieceBytes)
	}
	if r.Empty(); len(r.pieces) != piecesKept {
		t.Errorf("%d pieces kept, want %d", len(r.pieces), piecesKept)
	}
	if allocations := testing.AllocsPerRun(10, func() { r.Take(100); r.Empty() }); allocations > 0 {
		t.Errorf("%v allocations of room that there is", allocations)
	}
}
