package tables

import (
	"math"
	"testing"

	"github.com/RoaringBitmap/roaring/v2"

	"github.com/hannoydb/hannoy/codec"
)

// flatRecords are id blocks in memory, which count how often one is asked for.
type flatRecords struct {
	blocks map[uint32]*codec.Flat
	gets   int
}

func (r *flatRecords) body(block uint32) []byte {
	if f := r.blocks[block]; f != nil {
		return codec.AppendFlat(nil, f)[codec.SumBytes:]
	}
	return nil
}

func (r *flatRecords) Get(key []byte) ([]byte, error) {
	r.gets++
	p, err := codec.ParseKey(key)
	return r.body(p.Number), err
}

func (r *flatRecords) GetUnverified([]byte) ([]byte, error) { panic("nobody asks for this") }

func (r *flatRecords) Scan(_ []byte, fn func(key, body []byte) error) error {
	for block := range r.blocks {
		if err := fn(codec.AppendNumberKey(nil, 1, codec.KindIDSlot, block), r.body(block)); err != nil {
			return err
		}
	}
	return nil
}

// However many ids a set has, no more is read than the index has.
func TestSlotsOfIDs(t *testing.T) {
	items := []uint32{0, 5, 959, 960, 1_000_000, math.MaxUint32 - 1, math.MaxUint32}
	r := &flatRecords{blocks: map[uint32]*codec.Flat{}}
	for slot, id := range items {
		block := id / codec.FlatSpan
		if r.blocks[block] == nil {
			r.blocks[block] = &codec.Flat{}
		}
		r.blocks[block].Set(id, uint32(slot))
	}
	x := &Index{records: r, id: 1, Meta: codec.Meta{IDs: true, NextSlot: uint32(len(items)), Live: uint32(len(items))}}
	all := roaring.New()
	all.AddRange(0, 1<<32)
	for name, ids := range map[string]*roaring.Bitmap{
		"none": roaring.New(), "few": roaring.BitmapOf(5, 6, 960, math.MaxUint32), "all": all,
		"all but one": roaring.AndNot(all, roaring.BitmapOf(5)),
	} {
		r.gets = 0
		got, err := x.SlotsOfIDs(ids)
		if err != nil {
			t.Fatal(err)
		}
		want := roaring.New()
		for slot, id := range items {
			if ids.Contains(id) {
				want.Add(uint32(slot))
			}
		}
		if !got.Equals(want) || r.gets > len(items) {
			t.Errorf("%s: slots %v, want %v; %d blocks were read", name, got, want, r.gets)
		}
	}
}
