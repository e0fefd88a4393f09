package hannoy_test

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unsafe"

	"github.com/hannoydb/hannoy"
	"github.com/hannoydb/hannoy/codec"
	"github.com/hannoydb/hannoy/distance"
	"github.com/hannoydb/hannoy/internal/fixture"
	"github.com/hannoydb/hannoy/kv"
)

var (
	metrics     = []hannoy.Metric{hannoy.Euclidean, hannoy.Cosine, hannoy.InnerProduct, hannoy.Manhattan}
	numberTypes = []hannoy.VectorType{hannoy.F32, hannoy.F16, hannoy.I8}
)

// vectorsOf are vectors that the type holds.
func vectorsOf(typ hannoy.VectorType, n, dims int, seed uint64) [][]float32 {
	vectors := fixture.Vectors(n, dims, seed)
	if typ == hannoy.I8 {
		for _, v := range vectors {
			for d, x := range v {
				v[d] = float32(math.Round(max(-128, min(127, float64(x)*15))))
			}
		}
	}
	return vectors
}

// Every metric over every type: what is stored, what is found, with every kind of
// codes, against an exact scan in float64.
func TestEveryMetricAndType(t *testing.T) {
	for _, metric := range metrics {
		for _, typ := range numberTypes {
			t.Run(fmt.Sprintf("%v/%v", metric, typ), func(t *testing.T) {
				t.Parallel()
				testMetricAndType(t, metric, typ)
			})
		}
	}
}

func testMetricAndType(t *testing.T, metric hannoy.Metric, typ hannoy.VectorType) {
	const n, dims, k = 2500, 24, 10
	vectors, queries := vectorsOf(typ, n, dims, 1), vectorsOf(typ, 40, dims, 2)
	dir := t.TempDir()
	ix := open(t, dir, &hannoy.Options{Dimensions: dims, Metric: metric, VectorType: typ})
	m := newModel(metric, nil)
	if typ == hannoy.F16 {
		kernel, err := distance.New(metric, typ, dims)
		if err != nil {
			t.Fatal(err)
		}
		m.keep = func(v []float32) []float32 { return kernel.Vector(nil, kernel.AppendRow(nil, v)) }
	}
	for i, v := range vectors {
		if m.keep != nil {
			v = m.keep(v)
		}
		m.put(i, v)
	}
	putRows(t, ix, vectors, 0, n)
	if r := m.recall(t, ix, queries, k, nil); r != 1 {
		t.Errorf("recall of pending items is %v", r)
	}
	build(t, ix, nil)
	checkStored(t, ix, vectors)
	floor := 0.97
	if metric == hannoy.InnerProduct {
		floor = 0.90 // not a metric: long vectors are everyone's neighbours
	}
	if r := m.recall(t, ix, queries, k, &hannoy.SearchOptions{Ef: 40}); r < floor {
		t.Errorf("recall at ef 40 is %v, at least %v is expected", r, floor)
	}
	if r := m.recall(t, ix, queries, k, &hannoy.SearchOptions{Exact: true}); r != 1 {
		t.Errorf("recall of an exact search is %v", r)
	}
	if r := m.recall(t, ix, queries[:2], n+5, nil); r != 1 {
		t.Errorf("recall of k > n is %v", r)
	}
	usual := hannoy.CodesInt8
	if metric == hannoy.Manhattan || typ == hannoy.I8 {
		usual = hannoy.CodesNone
	}
	if got, err := ix.Codes(); err != nil || got != usual {
		t.Errorf("codes auto are %v, %v, want %v", got, err, usual)
	}
	for _, codes := range []hannoy.Codes{hannoy.CodesNone, hannoy.CodesBinary, usual} {
		if _, err := ix.Alter(ctx, &hannoy.AlterOptions{Codes: new(codes)}); err != nil {
			t.Fatal(err)
		}
		checkSound(t, ix)
		ef := 40
		if codes == hannoy.CodesBinary {
			ef = n / 2 // 24 signs say little
		}
		if r := m.recall(t, ix, queries, k, &hannoy.SearchOptions{Ef: ef}); r < floor {
			t.Errorf("recall with codes %v is %v, at least %v is expected", codes, r, floor)
		}
	}
	hits, err := ix.Search(ctx, vectors[7], 1, nil)
	if err != nil || metric != hannoy.InnerProduct && hits[0].Distance != 0 {
		t.Errorf("an item is at %v, %v from itself", hits, err)
	}
	if stats, err := ix.Stats(); err != nil || stats.VectorType != typ || ix.VectorType() != typ {
		t.Errorf("the type is %v, in the figures %v, want %v: %v", ix.VectorType(), stats.VectorType, typ, err)
	}
}

// checkStored compares what Get returns with what was put: equal, or scaled to unit
// length, or rounded to 11 bits.
func checkStored(t *testing.T, ix *hannoy.Index, vectors [][]float32) {
	t.Helper()
	typ := ix.VectorType()
	err := ix.View(func(s *hannoy.Snapshot) error {
		for i, v := range vectors {
			item, err := s.Get(key(i))
			if err != nil {
				return err
			}
			scale, slack := 1.0, 0.0
			if ix.Metric() == hannoy.Cosine && typ != hannoy.I8 {
				scale, slack = 1/math.Sqrt(-fixture.Distance(hannoy.InnerProduct, v, v)), 0x1p-24
			}
			if typ == hannoy.F16 {
				slack = 0x1p-11
			}
			for d, x := range v {
				want := float64(x) * scale
				if math.Abs(float64(item.Vector[d])-want) > slack*math.Abs(want)+slack*0x1p-14 {
					t.Fatalf("item %d, number %d: %v was put, %v is stored, want %v", i, d, x, item.Vector[d], want)
				}
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestHamming(t *testing.T) {
	const n, dims, k = 3000, 250, 10
	vectors, queries := fixture.Bits(n, dims, 1), fixture.Bits(50, dims, 2)
	ix := open(t, t.TempDir(), &hannoy.Options{Dimensions: dims, Metric: hannoy.Hamming})
	put := func(from, to int) {
		update(t, ix, func(b *hannoy.Batch) error {
			for i := from; i < to; i++ {
				if err := b.PutBits(key(i), vectors[i]); err != nil {
					return err
				}
			}
			return nil
		})
	}
	put(0, n-500)
	build(t, ix, nil)
	put(n-500, n)
	checkHamming(t, ix, vectors, queries, k)
	build(t, ix, nil)
	checkHamming(t, ix, vectors, queries, k)
	err := ix.View(func(s *hannoy.Snapshot) error {
		for item, err := range s.Items() {
			if err != nil {
				return err
			}
			i, _ := strconv.Atoi(string(item.Key))
			if !bytes.Equal(item.Bits, vectors[i]) || item.Vector != nil {
				t.Errorf("item %d is %x %v, put was %x", i, item.Bits, item.Vector, vectors[i])
			}
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
	if ix.VectorType() != hannoy.Bits {
		t.Errorf("the type is %v", ix.VectorType())
	}
}

// checkHamming compares the hits of each query with an exact scan.
func checkHamming(t *testing.T, ix *hannoy.Index, vectors, queries [][]byte, k int) {
	t.Helper()
	found := 0
	for _, q := range queries {
		all := make([]float64, len(vectors))
		for i, v := range vectors {
			all[i] = float64(fixture.Differing(q, v))
		}
		nearest := fixture.Nearest(all, k)
		hits, err := ix.SearchBits(ctx, q, k, &hannoy.SearchOptions{Ef: 60})
		if err != nil {
			t.Fatal(err)
		}
		for _, h := range hits {
			i, _ := strconv.Atoi(string(h.Key))
			if float64(h.Distance) != all[i] {
				t.Fatalf("hit %q at distance %v, it is at %v", h.Key, h.Distance, all[i])
			}
			if all[i] <= nearest[k-1] {
				found++
			}
		}
	}
	if r := float64(found) / float64(len(queries)*k); r < 0.97 {
		t.Errorf("recall is %v", r)
	}
}

// What a type does not hold is refused by position and value, in items and queries,
// and nothing is changed.
func TestValuesThatTypesDoNotHold(t *testing.T) {
	nan, inf := float32(math.NaN()), float32(math.Inf(1))
	for _, test := range []struct {
		typ    hannoy.VectorType
		metric hannoy.Metric
		vector []float32
		index  int // of the number refused; -1 for none
	}{
		{hannoy.I8, hannoy.Euclidean, []float32{-128, 127, 0}, -1},
		{hannoy.I8, hannoy.Euclidean, []float32{0, 128, 0}, 1},
		{hannoy.I8, hannoy.Cosine, []float32{1, 0, -129}, 2},
		{hannoy.I8, hannoy.InnerProduct, []float32{0.5, 0, 0}, 0},
		{hannoy.I8, hannoy.Manhattan, []float32{1, nan, 0}, 1},
		{hannoy.F16, hannoy.Euclidean, []float32{65504, -65504, 1e-9}, -1},
		{hannoy.F16, hannoy.Manhattan, []float32{1, 2, 65505}, 2},
		{hannoy.F16, hannoy.InnerProduct, []float32{1, -inf, 0}, 1},
		{hannoy.F16, hannoy.Cosine, []float32{1e30, 1, 0}, -1},
		{hannoy.F16, hannoy.Cosine, []float32{1, nan, 0}, 1},
	} {
		ix := open(t, t.TempDir(), &hannoy.Options{Dimensions: 3, Metric: test.metric, VectorType: test.typ})
		_, putErr := ix.Update(ctx, func(b *hannoy.Batch) error { return b.Put(key(1), test.vector) })
		_, searchErr := ix.Search(ctx, test.vector, 1, nil)
		for _, err := range []error{putErr, searchErr} {
			var bad *hannoy.ValueError
			switch {
			case test.index < 0 && err != nil:
				t.Errorf("%v of %v: %v", test.typ, test.vector, err)
			case test.index >= 0 && (!errors.Is(err, hannoy.ErrInvalid) || !errors.As(err, &bad) || bad.Index != test.index):
				t.Errorf("%v of %v: %v, want number %d refused", test.typ, test.vector, err, test.index)
			case test.index >= 0 && !strings.Contains(err.Error(), fmt.Sprintf("number %d of the vector is %v", test.index, test.vector[test.index])):
				t.Errorf("error without position and value: %v", err)
			}
		}
		if stats, err := ix.Stats(); err != nil || (stats.Items == 0) != (test.index >= 0) {
			t.Errorf("%v of %v: %d items, %v", test.typ, test.vector, stats.Items, err)
		}
	}
}

func TestVectorTypeOptions(t *testing.T) {
	for _, o := range []hannoy.Options{
		{Metric: hannoy.Hamming, VectorType: hannoy.F32},
		{Metric: hannoy.Hamming, VectorType: hannoy.I8},
		{Metric: hannoy.Euclidean, VectorType: hannoy.Bits},
		{VectorType: 9},
		{VectorType: hannoy.I8, Codes: hannoy.CodesInt8},
		{Metric: hannoy.Hamming, Codes: hannoy.CodesBinary},
	} {
		o.Dimensions = 8
		if _, err := hannoy.Open(t.TempDir(), &o); !errors.Is(err, hannoy.ErrInvalid) {
			t.Errorf("%v over %v with codes %v: %v", o.Metric, o.VectorType, o.Codes, err)
		}
	}
	dir := t.TempDir()
	ix := open(t, dir, &hannoy.Options{Dimensions: 8, VectorType: hannoy.I8})
	if _, err := ix.Alter(ctx, &hannoy.AlterOptions{Codes: new(hannoy.CodesInt8)}); !errors.Is(err, hannoy.ErrInvalid) {
		t.Errorf("int8 codes of int8 vectors: %v", err)
	}
	if _, err := hannoy.Open(dir, &hannoy.Options{VectorType: hannoy.F16}); !errors.Is(err, hannoy.ErrMismatch) || !strings.Contains(err.Error(), "vector type int8, not f16") {
		t.Errorf("an index of int8 opened as f16: %v", err)
	}
	open(t, dir, &hannoy.Options{VectorType: hannoy.I8})
	for _, typ := range append(slices.Clone(numberTypes), hannoy.Bits) {
		if back, err := hannoy.ParseVectorType(typ.String()); back != typ || err != nil {
			t.Errorf("%v was parsed as %v, %v", typ, back, err)
		}
	}
}

// A stored row that no Put can have made is a problem, though its checksum is right.
func TestCheckFindsImpossibleRows(t *testing.T) {
	nan, one := math.Float32bits(float32(math.NaN())), math.Float32bits(1)
	bytesOf := func(words ...uint32) []byte {
		return bytes.Clone(unsafe.Slice((*byte)(unsafe.Pointer(&words[0])), 4*len(words)))
	}
	for _, test := range []struct {
		name   string
		metric hannoy.Metric
		typ    hannoy.VectorType
		at     int // in the row, of 5 numbers or bits
		put    []byte
	}{
		{"NaN", hannoy.Euclidean, hannoy.F32, 4, bytesOf(nan)},
		{"length of a unit vector", hannoy.Cosine, hannoy.F32, 0, bytesOf(one, one)},
		{"padding of f32", hannoy.Manhattan, hannoy.F32, 20, bytesOf(one)},
		{"infinity of f16", hannoy.Euclidean, hannoy.F16, 0, bytesOf(0x7c007c00)},
		{"NaN of f16", hannoy.InnerProduct, hannoy.F16, 4, bytesOf(0xfe00)},
		{"infinity under cosine", hannoy.Cosine, hannoy.F16, 0, bytesOf(0x7c00)},
		{"padding of f16", hannoy.Manhattan, hannoy.F16, 12, bytesOf(1)},
		{"padding of int8", hannoy.Euclidean, hannoy.I8, 5, []byte{1}},
		{"end of int8", hannoy.Cosine, hannoy.I8, 16, []byte{1}},
		{"padding of bits", hannoy.Hamming, hannoy.Bits, 1, []byte{1}},
	} {
		ix := open(t, t.TempDir(), &hannoy.Options{Dimensions: 5, Metric: test.metric, VectorType: test.typ})
		update(t, ix, func(b *hannoy.Batch) error {
			if test.typ == hannoy.Bits {
				return b.PutBits(key(1), []byte{0xff})
			}
			return b.Put(key(1), []float32{1, 2, 3, 4, 5})
		})
		checkSound(t, ix)
		env, err := kv.Open(ix.Path(), kv.Options{})
		if err != nil {
			t.Fatal(err)
		}
		err = env.Update(ctx, func(txn *kv.Txn) error {
			key := codec.AppendNumberKey(nil, 1, codec.KindVectors, 0)
			value, err := txn.GetUnverified(key)
			if err != nil {
				return err
			}
			slab := bytes.Clone(value)
			copy(slab[codec.SlabHeaderBytes+test.at:], test.put)
			stamp, _ := codec.ParseStamp(slab)
			if err := stamp.Slab.Stamp(key, slab, stamp.Sequence); err != nil {
				return err
			}
			return txn.Put(key, slab)
		})
		if err := errors.Join(err, env.Close()); err != nil {
			t.Fatal(err)
		}
		report, err := ix.Check(ctx)
		if err != nil || report.Found != 1 || report.Problems[0].Kind != "vector" || report.Problems[0].Where != "slot 0" {
			t.Errorf("%s: %+v, %v", test.name, report, err)
		} else {
			t.Logf("%s: %s", test.name, report.Problems[0].Text)
		}
	}
}
