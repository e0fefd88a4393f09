package tables

import (
	"fmt"

	"github.com/RoaringBitmap/roaring/v2"

	"github.com/hannoydb/hannoy/codec"
)

// Records is the snapshot, which the caller holds. See kv.Snapshot.
type Records interface {
	Get(key []byte) (body []byte, err error)
	GetUnverified(key []byte) (value []byte, err error)
	Scan(prefix []byte, fn func(key, body []byte) error) error
}

// Index is one index as a snapshot sees it. Its methods may be called by any
// number of goroutines; what they return is valid until the snapshot is released.
type Index struct {
	Meta    codec.Meta
	Pending *roaring.Bitmap // slots to be scanned; not to be changed
	Dead    *roaring.Bitmap // slots to be traversed and not returned; not to be changed

	Vectors *Slabs    // stored vectors
	Codes   *Slabs    // codes of the linked slots; nil without codes
	Mean    []float32 // vector that the codes are taken about; nil for none

	records     Records
	id          codec.IndexID
	links, keys blocks       // of links on level 0, of byte keys
	ids         lazy[[]byte] // flat blocks of slots -> ids
	ranks       lazy[[]byte]
	towers      []lazy[[]codec.TowerEntry] // by level - 1
}

// Open opens the index with the id whose metadata are given. The caller has made sure that
// there can be as many slots as they say.
func Open(records Records, id codec.IndexID, meta *codec.Meta) (*Index, error) {
	next := uint64(meta.NextSlot)
	count := codec.Blocks(meta.NextSlot)
	flats := (next + codec.FlatSpan - 1) / codec.FlatSpan
	x := &Index{
		Meta: *meta, records: records, id: id,
		links:  newBlocks(int(count)),
		ranks:  make(lazy[[]byte], flats),
		towers: make([]lazy[[]codec.TowerEntry], max(len(meta.Roots)-1, 0)),
	}
	if meta.IDs {
		x.ids = make(lazy[[]byte], flats)
	} else {
		x.keys = newBlocks(int(count))
	}
	x.Vectors = newSlabs(x, codec.KindVectors, meta.Slab)
	if meta.Codes != 0 {
		x.Codes = newSlabs(x, codec.KindCodes, meta.CodeSlab)
	}
	for i := range x.towers {
		x.towers[i] = make(lazy[[]codec.TowerEntry], (next+1<<codec.TowerShift(i+1)-1)>>codec.TowerShift(i+1))
	}
	if err := x.readSets(); err != nil {
		x.Free()
		return nil, err
	}
	return x, nil
}

// readSets reads what every user of an index needs besides its metadata.
func (x *Index) readSets() (err error) {
	if x.Codes != nil {
		if err := x.readMean(); err != nil {
			return err
		}
	}
	if x.Pending, err = x.ReadSet(codec.SetPending, x.Meta.Pending); err != nil {
		return err
	}
	x.Dead, err = x.ReadSet(codec.SetDead, x.Meta.Dead)
	return err
}

// Free gives the memory of the tables back. Nobody uses the index any more.
func (x *Index) Free() {
	x.Vectors.table.free()
	if x.Codes != nil {
		x.Codes.table.free()
	}
}

func (x *Index) readMean() error {
	key := codec.MeanKey(x.id)
	body, err := x.records.Get(key)
	if body == nil || err != nil {
		return err
	}
	x.Mean, err = codec.ParseVector(key, body, int(x.Meta.Dimensions))
	return err
}

// ID is the id of the index within its environment.
func (x *Index) ID() codec.IndexID { return x.id }

// ReadSet returns a stored set of slots, which must have want members.
func (x *Index) ReadSet(set codec.Set, want uint32) (*roaring.Bitmap, error) {
	all := roaring.New()
	if want == 0 {
		return all, nil
	}
	for chunk := range uint32(codec.ChunkOf(x.Meta.NextSlot-1)) + 1 {
		key := codec.AppendSetKey(nil, x.id, set, uint16(chunk))
		body, err := x.records.Get(key)
		if err != nil {
			return nil, err
		}
		if body == nil {
			continue
		}
		part, err := codec.ParseSet(key, body, uint16(chunk))
		if err != nil {
			return nil, err
		}
		all.Or(part)
	}
	if got := all.GetCardinality(); got != uint64(want) || all.Maximum() >= x.Meta.NextSlot {
		return nil, fmt.Errorf("index %d: set %s has %d slots, metadata counts %d of %d: %w", x.id, set, got, want, x.Meta.NextSlot, codec.ErrCorrupt)
	}
	return all, nil
}

// Slots returns the slots that hold items, live and pending: all but the free ones, which are given, and the dead.
func (x *Index) Slots(free *roaring.Bitmap) *roaring.Bitmap {
	all := roaring.New()
	all.AddRange(0, uint64(x.Meta.NextSlot))
	all.AndNot(free)
	all.AndNot(x.Dead)
	return all
}

// verified returns the whole value under key, its checksum verified, or nil.
func (x *Index) verified(key []byte) ([]byte, error) {
	value, err := x.records.GetUnverified(key)
	if value == nil || err != nil {
		return nil, err
	}
	_, err = codec.Open(key, value)
	return value, err
}

// Value returns the value of a slot's item, nil if it has none.
func (x *Index) Value(slot uint32) ([]byte, error) {
	return x.records.Get(codec.AppendNumberKey(nil, x.id, codec.KindValue, slot))
}
