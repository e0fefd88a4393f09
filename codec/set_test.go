package codec

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"testing"

	"github.com/RoaringBitmap/roaring/v2"
)

// What Validate accepts of a chunk of runs, and only that, is accepted.
func TestSetOfRuns(t *testing.T) {
	key := AppendSetKey(nil, 1, SetPending, 2)
	r := rand.New(rand.NewPCG(3, 3))
	for range 300 {
		want := roaring.New()
		for at := uint64(2 << 16); at < 3<<16; at += 2 + r.Uint64N(9000) {
			from := at
			at += r.Uint64N(4000)
			want.AddRange(from, min(at, 3<<16-1)+1)
		}
		value, err := AppendSet(nil, want)
		if err != nil {
			t.Fatal(err)
		}
		body := value[SumBytes:]
		if got, err := ParseSet(key, body, 2); err != nil || !got.Equals(want) {
			t.Fatalf("ParseSet: %v", err)
		}
		damaged := bytes.Clone(body)
		damaged[r.IntN(len(damaged))] ^= 1 << r.IntN(8)
		b := roaring.New()
		sound := b.UnmarshalBinary(damaged) == nil && b.Validate() == nil && b.Minimum()>>16 == 2 && b.Maximum()>>16 == 2
		if _, err := ParseSet(key, damaged, 2); sound && err != nil && int(b.GetCardinality()) == cardinality(damaged) || !sound && !errors.Is(err, ErrCorrupt) {
			t.Fatalf("%x: sound %t, ParseSet: %v", damaged, sound, err)
		}
	}
}

// cardinality is what the header of a chunk of runs counts.
func cardinality(body []byte) int { return int(body[7]) + int(body[8])<<8 + 1 }

func TestSet(t *testing.T) {
	key := AppendSetKey(nil, 1, SetDead, 2)
	b := roaring.BitmapOf(2<<16, 2<<16+5, 2<<16+65535)
	value, err := AppendSet(nil, b)
	if err != nil {
		t.Fatal(err)
	}
	got, err := ParseSet(key, value[SumBytes:], 2)
	if err != nil || !got.Equals(b) {
		t.Fatalf("ParseSet = %v, %v", got, err)
	}
	if _, err := ParseSet(key, value[SumBytes:], 1); !errors.Is(err, ErrCorrupt) {
		t.Errorf("slots of another chunk: %v", err)
	}
}
