package kv

import (
	"fmt"
	"sync/atomic"
	"time"

	"github.com/RoaringBitmap/roaring/v2"

	"github.com/hannoydb/hannoy/codec"
)

// Index is one index as a snapshot sees it. Its methods may be called by any
// number of goroutines; what they return is valid until the snapshot is released.
//
// Records that searches visit again and again (slabs, blocks of links and keys)
// are looked up and verified once per snapshot; their addresses are kept in tables.
type Index struct {
	Meta    codec.Meta
	Pending *roaring.Bitmap // slots to be scanned; not to be changed
	Dead    *roaring.Bitmap // slots to be traversed and not returned; not to be changed

	Vectors *Slabs    // stored vectors
	Codes   *Slabs    // codes of the linked slots; nil without codes
	Mean    []float32 // vector that the codes are taken about; nil for none

	snap        *Snapshot
	id          codec.IndexID
	used        atomic.Bool  // was asked for in this snapshot
	asked       time.Time    // when it was last asked for in one of those before
	links, keys blocks       // of links on level 0, of byte keys
	ids         lazy[[]byte] // flat blocks of slots -> ids
	ranks       lazy[[]byte]
	towers      []lazy[[]codec.TowerEntry] // by level - 1
}

// Index returns the index with the id as the snapshot sees it.
func (s *Snapshot) Index(id codec.IndexID) (*Index, error) {
	s.mu.Lock()
	x := s.indexes[id]
	s.mu.Unlock()
	if x != nil {
		if !x.used.Load() {
			x.used.Store(true)
		}
		return x, nil
	}
	x, err := s.openIndex(id)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if first := s.indexes[id]; first != nil {
		x.free()
		return first, nil
	}
	x.used.Store(true)
	s.indexes[id] = x
	return x, nil
}

// Meta returns the metadata of the index with the id, and opens nothing else of it.
func (s *Snapshot) Meta(id codec.IndexID) (*codec.Meta, error) {
	key := codec.MetaKey(id)
	body, err := s.Get(key)
	if err != nil {
		return nil, err
	}
	if body == nil {
		return nil, fmt.Errorf("metadata of index %d of %s: %w", id, s.env.dir, ErrNotFound)
	}
	return codec.ParseMeta(key, body)
}

// Meta is Snapshot.Meta as of the latest commit.
func (e *Env) Meta(id codec.IndexID) (*codec.Meta, error) {
	s, err := e.Acquire()
	if err != nil {
		return nil, err
	}
	defer s.Release()
	return s.Meta(id)
}

func (s *Snapshot) openIndex(id codec.IndexID) (*Index, error) {
	meta, err := s.Meta(id)
	if err != nil {
		return nil, err
	}
	if err := s.bound(codec.MetaKey(id), meta); err != nil {
		return nil, err
	}
	next := uint64(meta.NextSlot)
	count := (next + codec.BlockSlots - 1) / codec.BlockSlots
	flats := (next + codec.FlatSpan - 1) / codec.FlatSpan
	x := &Index{
		Meta: *meta, snap: s, id: id,
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
		x.free()
		return nil, err
	}
	return x, nil
}

// bound makes sure that there can be as many slots as the metadata says, before
// tables are made for them: all that there ever were have a row in a slab.
func (s *Snapshot) bound(key []byte, m *codec.Meta) error {
	usage, err := s.Usage()
	if err != nil {
		return err
	}
	if slabs := int64(m.Slab.Count(m.NextSlot)); slabs > usage.Records || slabs*int64(m.Slab.Bytes()) > usage.TreePages*usage.PageBytes {
		return fmt.Errorf("record %s: %d slots in %d slabs of %d bytes, the environment has %d records and %d pages: %w",
			codec.FormatKey(key), m.NextSlot, slabs, m.Slab.Bytes(), usage.Records, usage.TreePages, codec.ErrCorrupt)
	}
	return nil
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

// free gives the memory of the tables back.
func (x *Index) free() {
	x.Vectors.table.free()
	if x.Codes != nil {
		x.Codes.table.free()
	}
}

func (x *Index) readMean() error {
	key := codec.MeanKey(x.id)
	body, err := x.snap.Get(key)
	if body == nil || err != nil {
		return err
	}
	x.Mean, err = codec.ParseVector(key, body, int(x.Meta.Dimensions))
	return err
}

// ID is the id of the index within its environment.
func (x *Index) ID() codec.IndexID { return x.id }

// Snapshot is the snapshot that the index belongs to.
func (x *Index) Snapshot() *Snapshot { return x.snap }

// ReadSet returns a stored set of slots, which must have want members.
func (x *Index) ReadSet(set codec.Set, want uint32) (*roaring.Bitmap, error) {
	all := roaring.New()
	if want == 0 {
		return all, nil
	}
	for chunk := range uint32(codec.ChunkOf(x.Meta.NextSlot-1)) + 1 {
		key := codec.AppendSetKey(nil, x.id, set, uint16(chunk))
		body, err := x.snap.Get(key)
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

// verified returns the whole value under key, its checksum verified, or nil.
func (x *Index) verified(key []byte) ([]byte, error) {
	value, err := x.snap.GetUnverified(key)
	if value == nil || err != nil {
		return nil, err
	}
	_, err = codec.Open(key, value)
	return value, err
}

// Value returns the value of a slot's item, nil if it has none.
func (x *Index) Value(slot uint32) ([]byte, error) {
	return x.snap.Get(codec.AppendNumberKey(nil, x.id, codec.KindValue, slot))
}
