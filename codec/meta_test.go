package codec

import (
	"bytes"
	"errors"
	"math"
	"slices"
	"testing"
)

func testMeta() *Meta {
	return &Meta{
		Metric: 2, VectorType: 1, IDs: true, Dimensions: 100, M: 16, M0: 32, EfConstruction: 200, Alpha: 1.1, Seed: 42,
		Slab: SlabFor(400), NextSlot: 10, NextRank: 6, Live: 5, Pending: 2, Dead: 1, Free: 2, Spread: .1, SpreadFor: 4, Longest: []uint32{7, 2}, AutoCodes: true, NextCodes: 3, Edition: 1, Sequence: 9, GraphSequence: 8,
		Roots: []uint32{3, 4},
	}
}

func TestMeta(t *testing.T) {
	want := testMeta()
	body := AppendMeta(nil, want)[SumBytes:]
	got, err := ParseMeta(MetaKey(1), body)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(AppendMeta(nil, got)[SumBytes:], body) || got.Roots[1] != 4 || got.Alpha != want.Alpha || !got.IDs || got.Spread != want.Spread || got.SpreadFor != 4 || !slices.Equal(got.Longest, want.Longest) || !got.AutoCodes || got.NextCodes != 3 || got.Edition != 1 {
		t.Fatalf("round trip gave %+v", got)
	}
	for _, spoil := range []func(*Meta){
		func(m *Meta) { m.Dimensions = 0 }, func(m *Meta) { m.M = 1 }, func(m *Meta) { m.M0 = m.M - 1 },
		func(m *Meta) { m.Slab.Rows = 0 }, func(m *Meta) { m.Slab.Stride = 100 }, func(m *Meta) { m.Live++ },
		func(m *Meta) { m.NextRank = 0 }, func(m *Meta) { m.Spread = -1 }, func(m *Meta) { m.Spread = float32(math.NaN()) }, func(m *Meta) { m.Longest[1] = 10 }, func(m *Meta) { m.Longest = make([]uint32, MaxLongest+1) }, func(m *Meta) { m.GraphSequence = 10 }, func(m *Meta) { m.Roots[0] = 10 },
		func(m *Meta) { m.Edition = 2 }, func(m *Meta) { m.Codes, m.CodeSlab = 3, m.Slab },
	} {
		m := testMeta()
		spoil(m)
		if _, err := ParseMeta(MetaKey(1), AppendMeta(nil, m)[SumBytes:]); !errors.Is(err, ErrCorrupt) {
			t.Errorf("%+v: error %v, want ErrCorrupt", m, err)
		}
	}
}
