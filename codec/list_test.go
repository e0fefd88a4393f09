package codec

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/RoaringBitmap/roaring/v2"
)

func randomSlots(r *rand.Rand, n int, below uint32) []uint32 {
	set := roaring.New()
	for range n {
		set.Add(r.Uint32N(below))
	}
	return set.ToArray()
}

// The library is the referee: it must read what we write and write what we read.
func TestListAgainstRoaring(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for i := range 2000 {
		slots := randomSlots(r, r.IntN(70), 1+r.Uint32N(1<<(1+i%31)))
		list := AppendList(nil, slots)
		b := roaring.New()
		if err := b.UnmarshalBinary(list); err != nil || b.Validate() != nil {
			t.Fatalf("roaring refuses the list of %v: %v, %v", slots, err, b.Validate())
		}
		if !slices.Equal(b.ToArray(), slots) {
			t.Fatalf("roaring reads %v as %v", slots, b.ToArray())
		}
		got, err := ReadList(nil, list)
		if err != nil || !slices.Equal(got, slots) {
			t.Fatalf("ReadList = %v, %v, want %v", got, err, slots)
		}
		theirs, _ := roaring.BitmapOf(slots...).ToBytes()
		if !bytes.Equal(theirs, list) {
			t.Fatalf("list of %v is %x, roaring writes %x", slots, list, theirs)
		}
	}
}

func TestForeignLists(t *testing.T) {
	runs := roaring.New()
	runs.AddRange(1000, 1200)
	runs.RunOptimize()
	list, err := runs.ToBytes()
	if err != nil {
		t.Fatal(err)
	}
	if got, err := ReadList(nil, list); err != nil || !slices.Equal(got, runs.ToArray()) {
		t.Errorf("ReadList of a list with runs: %v, %v", got, err)
	}
	runs.AddRange(0, 1<<32)
	huge, err := runs.ToBytes()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := ReadList(nil, huge); !errors.Is(err, ErrCorrupt) {
		t.Errorf("list of all slots: %v, want ErrCorrupt", err)
	}
	for _, bad := range [][]byte{{}, {1, 2, 3}, make([]byte, 8), AppendList(nil, []uint32{1, 2, 3})[:17]} {
		if _, err := ReadList(nil, bad); !errors.Is(err, ErrCorrupt) {
			t.Errorf("ReadList(%x) = %v, want ErrCorrupt", bad, err)
		}
	}
}

func TestReadListDoesNotAllocate(t *testing.T) {
	list := AppendList(nil, []uint32{1, 70000, 70001, 200000})
	dst := make([]uint32, 0, 8)
	if n := testing.AllocsPerRun(100, func() { dst, _ = ReadList(dst[:0], list) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
