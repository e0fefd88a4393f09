package codec

import (
	"errors"
	"math/rand/v2"
	"testing"
)

func TestFlat(t *testing.T) {
	key := AppendNumberKey(nil, 1, KindRank, 0)
	r := rand.New(rand.NewPCG(3, 4))
	for _, share := range []float64{0, 0.01, 0.5, 1} {
		var f Flat
		want := map[uint32]uint32{}
		for i := range uint32(FlatSpan) {
			if r.Float64() < share {
				want[i] = r.Uint32()
				f.Set(i+5*FlatSpan, want[i])
			}
		}
		value := AppendFlat(nil, &f)
		body := value[SumBytes:]
		parsed, err := ParseFlat(key, body)
		if err != nil {
			t.Fatal(err)
		}
		for i := range uint32(FlatSpan) {
			w, present := want[i]
			v1, ok1 := parsed.Get(i)
			v2, ok2 := FlatGet(body, i+FlatSpan)
			if ok1 != present || ok2 != present || present && (v1 != w || v2 != w) {
				t.Fatalf("share %v number %d: %d %d, want %d %t", share, i, v1, v2, w, present)
			}
		}
		if len(value) > 4080 {
			t.Errorf("flat block of %d bytes does not fit a page", len(value))
		}
		if err := VerifyFlat(key, body[:len(body)-1]); !errors.Is(err, ErrCorrupt) {
			t.Errorf("flat block cut short: %v", err)
		}
	}
}
