package kv

import (
	"fmt"
	"sync/atomic"
	"time"
	"unsafe"

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

// lazy is a table of values that are made on first use and then shared.
type lazy[T any] []atomic.Pointer[T]

// put makes v the value of entry i, unless another goroutine was faster, and
// returns what the value is.
func (l lazy[T]) put(i uint32, v *T) *T {
	l[i].CompareAndSwap(nil, v)
	return l[i].Load()
}

// IndexNames returns the ids of the indexes of the environment by their names.
func (s *Snapshot) IndexNames() (map[string]codec.IndexID, error) {
	names := map[string]codec.IndexID{}
	prefix := codec.AppendPrefix(nil, 0, codec.KindName)
	err := s.Scan(prefix, func(key, value []byte) error {
		body, err := OpenValue(key, value)
		if err != nil {
			return err
		}
		id, err := codec.ParseIndexID(key, body)
		names[string(key[len(prefix):])] = id
		return err
	})
	return names, err
}

// FindIndex returns the id of the index called name, or an error that wraps
// ErrNotFound.
func (s *Snapshot) FindIndex(name string) (codec.IndexID, error) {
	return findIndex(s, s.env.dir, name)
}

// FindIndex is Snapshot.FindIndex within a write transaction.
func (t *Txn) FindIndex(name string) (codec.IndexID, error) { return findIndex(t, t.env.dir, name) }

func findIndex(r interface {
	Get(key []byte) ([]byte, error)
}, dir, name string) (codec.IndexID, error) {
	key := codec.NameKey(name)
	body, err := r.Get(key)
	if err != nil {
		return 0, err
	}
	if body == nil {
		return 0, fmt.Errorf("index %q of %s: %w", name, dir, ErrNotFound)
	}
	return codec.ParseIndexID(key, body)
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

// AppendLinks appends the links of a slot on a level to dst, ascending. A slot that
// is not on the level has none.
func (x *Index) AppendLinks(dst []uint32, slot uint32, level int) ([]uint32, error) {
	list, err := x.list(slot, level)
	if len(list) == 0 || err != nil {
		return dst, err
	}
	return codec.ReadList(dst, list)
}

// LinksAddress returns about where the links of a slot on level 0 lie in the map, or
// nil if they were not touched yet. It is for prefetching and for nothing else.
func (x *Index) LinksAddress(slot uint32) (block, list unsafe.Pointer) {
	block = x.links.at(slot / codec.BlockSlots)
	if block == nil {
		return nil, nil
	}
	return block, unsafe.Add(block, codec.BlockHeadBytes+slot%codec.BlockSlots*usualListBytes)
}

// KeyAddress returns about where the key of a slot lies in the map, or nil if that is not
// known without looking, or not far. It is for prefetching and for nothing else.
func (x *Index) KeyAddress(slot uint32) unsafe.Pointer {
	if x.Meta.IDs {
		return nil // four bytes each, one after the other
	}
	return x.keys.at(slot / codec.BlockSlots)
}

// usualListBytes is how long a list of level 0 is in the middle.
const usualListBytes = 88

// HasLevel reports whether the slot is linked on the level, if only to nothing.
func (x *Index) HasLevel(slot uint32, level int) (bool, error) {
	list, err := x.list(slot, level)
	return len(list) > 0, err
}

// list returns the encoded links of a slot on a level, empty if it is not on it.
func (x *Index) list(slot uint32, level int) ([]byte, error) {
	if slot >= x.Meta.NextSlot || level >= len(x.Meta.Roots) {
		return nil, nil
	}
	if level > 0 {
		shift := codec.TowerShift(level)
		block := slot >> shift
		entries := x.towers[level-1][block].Load()
		if entries == nil {
			var err error
			if entries, err = x.touchTower(level, block); err != nil {
				return nil, err
			}
		}
		i, found := codec.SearchTower(*entries, uint16(slot&(1<<shift-1)))
		if !found {
			return nil, nil
		}
		return (*entries)[i].List, nil
	}
	head := x.links.at(slot / codec.BlockSlots)
	if head == nil {
		var err error
		if head, err = x.touchLinks(slot / codec.BlockSlots); err != nil {
			return nil, err
		}
	}
	return blockEntry(head, slot), nil
}

// emptyBlock stands for blocks that have no record.
var emptyBlock = codec.AppendBlock(make([]byte, 0, 512), &[codec.BlockSlots][]byte{})

func (x *Index) touchLinks(block uint32) (unsafe.Pointer, error) {
	key := codec.AppendLinksKey(nil, x.id, x.Meta.Edition, block)
	value, err := x.verified(key)
	if err != nil {
		return nil, err
	}
	if value == nil {
		value = emptyBlock
	}
	if err := codec.VerifyBlock(key, value); err != nil {
		return nil, err
	}
	for i := range uint32(codec.BlockSlots) {
		if err := codec.VerifyList(key, codec.BlockEntry(value, i), x.Meta.M0, x.Meta.NextSlot); err != nil {
			return nil, err
		}
	}
	head := unsafe.Pointer(unsafe.SliceData(value))
	x.links.set(block, head)
	return head, nil
}

func (x *Index) touchTower(level int, block uint32) (*[]codec.TowerEntry, error) {
	key := codec.AppendTowersKey(nil, x.id, level, block)
	value, err := x.verified(key)
	if err != nil {
		return nil, err
	}
	var entries []codec.TowerEntry
	if value != nil {
		if entries, err = codec.ParseTowerBlock(nil, key, value); err != nil {
			return nil, err
		}
	}
	for _, e := range entries {
		if err := codec.VerifyList(key, e.List, x.Meta.M, x.Meta.NextSlot); err != nil {
			return nil, err
		}
	}
	return x.towers[level-1].put(block, &entries), nil
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

// Rank returns the rank of a slot, 0 if it is not linked.
func (x *Index) Rank(slot uint32) (uint32, error) {
	if slot >= x.Meta.NextSlot {
		return 0, nil
	}
	rank, _, err := x.flat(x.ranks, codec.KindRank, slot)
	return rank, err
}

// flat looks number up in a table of flat blocks.
func (x *Index) flat(table lazy[[]byte], kind codec.Kind, number uint32) (uint32, bool, error) {
	block := number / codec.FlatSpan
	value := table[block].Load()
	if value == nil {
		v, err := x.verifiedFlat(codec.AppendNumberKey(nil, x.id, kind, block))
		if err != nil {
			return 0, false, err
		}
		value = table.put(block, &v)
	}
	if len(*value) == 0 {
		return 0, false, nil
	}
	v, ok := codec.FlatGet(*value, number)
	return v, ok, nil
}

// verifiedFlat returns the flat block under key, or nil.
func (x *Index) verifiedFlat(key []byte) ([]byte, error) {
	value, err := x.verified(key)
	if value == nil || err != nil {
		return nil, err
	}
	return value, codec.VerifyFlat(key, value)
}

// AppendKey appends the key of a slot to dst: the user's bytes, or the four
// big-endian bytes of an id.
func (x *Index) AppendKey(dst []byte, slot uint32) ([]byte, error) {
	if slot >= x.Meta.NextSlot {
		return dst, fmt.Errorf("index %d: key of slot %d of %d: %w", x.id, slot, x.Meta.NextSlot, codec.ErrCorrupt)
	}
	if x.Meta.IDs {
		id, ok, err := x.flat(x.ids, codec.KindSlotID, slot)
		if err == nil && !ok {
			err = x.noKey(slot)
		}
		return codec.AppendID(dst, id), err
	}
	head := x.keys.at(slot / codec.BlockSlots)
	if head == nil {
		var err error
		if head, err = x.touchKeys(slot / codec.BlockSlots); err != nil {
			return dst, err
		}
	}
	key := blockEntry(head, slot)
	if len(key) == 0 {
		return dst, x.noKey(slot)
	}
	return append(dst, key...), nil
}

func (x *Index) touchKeys(block uint32) (unsafe.Pointer, error) {
	key := codec.AppendNumberKey(nil, x.id, codec.KindKey, block)
	value, err := x.verified(key)
	if err != nil {
		return nil, err
	}
	if err := codec.VerifyBlock(key, value); err != nil {
		return nil, err
	}
	head := unsafe.Pointer(unsafe.SliceData(value))
	x.keys.set(block, head)
	return head, nil
}

func (x *Index) noKey(slot uint32) error {
	return fmt.Errorf("index %d: slot %d has no key: %w", x.id, slot, codec.ErrCorrupt)
}

// Slot returns the slot of the item with the key, false if there is none.
func (x *Index) Slot(key []byte) (slot uint32, ok bool, err error) {
	return FindSlot(x.snap, x.id, x.Meta.IDs, key)
}

// FindSlot looks a key up in a snapshot or a write transaction. With ids, the key is
// the four big-endian bytes of the id.
func FindSlot(r interface {
	Get(key []byte) ([]byte, error)
}, id codec.IndexID, ids bool, key []byte) (slot uint32, ok bool, err error) {
	if !ids {
		k := codec.AppendSlotKey(nil, id, key)
		body, err := r.Get(k)
		if body == nil || err != nil {
			return 0, false, err
		}
		slot, err := codec.ParseNumber(k, body)
		return slot, err == nil, err
	}
	number, err := codec.ParseID(key)
	if err != nil {
		return 0, false, fmt.Errorf("%w: %w", ErrInvalid, err)
	}
	k := codec.AppendNumberKey(nil, id, codec.KindIDSlot, number/codec.FlatSpan)
	body, err := r.Get(k)
	if body == nil || err != nil {
		return 0, false, err
	}
	slot, ok, err = codec.FlatFind(k, body, number)
	return slot, ok, err
}

// Value returns the value of a slot's item, nil if it has none.
func (x *Index) Value(slot uint32) ([]byte, error) {
	return x.snap.Get(codec.AppendNumberKey(nil, x.id, codec.KindValue, slot))
}
