package writer

import (
	"cmp"
	"fmt"
	"maps"
	"slices"

	"github.com/hannoydb/hannoy/codec"
	"github.com/hannoydb/hannoy/kv"
)

// stage is one index within a write transaction: the records that the changes
// touch, edited in memory and written once each, in key order, by flush; but what byte
// keys map to is written as it is found.
type stage struct {
	txn  *kv.Txn
	id   codec.IndexID
	meta codec.Meta

	next  uint32          // slots from here on are new in this transaction
	taken map[uint32]bool // slots that were free before it

	pending, dead, free *slotSet

	idSlot map[uint32]*codec.Flat               // ids: block of ids -> slots
	slotID map[uint32]*codec.Flat               // ids: block of slots -> ids
	keys   map[uint32]*[codec.BlockSlots][]byte // byte keys: block of slots -> keys
	slabs  map[uint32]*stagedSlab
	values map[uint32][]byte // nil deletes

	key, value []byte // of the record that is being written

	labels     map[string]*slotSet                  // label -> its slots
	slotLabels map[uint32]*[codec.BlockSlots][]byte // block of slots -> labels
}

// A stagedSlab is a slab with its new rows: a copy of the stored one, or, if all its slots are new in this transaction,
// the rows alone, which are the changes' own.
type stagedSlab struct {
	value []byte
	rows  [][]byte
}

func newStage(txn *kv.Txn, id codec.IndexID) (*stage, error) {
	key := codec.MetaKey(id)
	body, err := txn.Get(key)
	if err != nil {
		return nil, err
	}
	if body == nil {
		return nil, fmt.Errorf("metadata of index %d: %w", id, kv.ErrNotFound)
	}
	meta, err := codec.ParseMeta(key, body)
	if err != nil {
		return nil, err
	}
	return &stage{
		txn: txn, id: id, meta: *meta,
		next:    meta.NextSlot,
		taken:   map[uint32]bool{},
		pending: newSlotSet(txn, id, codec.SetPending),
		dead:    newSlotSet(txn, id, codec.SetDead),
		free:    newSlotSet(txn, id, codec.SetFree),
		idSlot:  map[uint32]*codec.Flat{},
		slotID:  map[uint32]*codec.Flat{},
		keys:    map[uint32]*[codec.BlockSlots][]byte{},
		slabs:   map[uint32]*stagedSlab{},
		values:  map[uint32][]byte{},

		value: make([]byte, 0, 4096), // enough for all but blocks of long keys

		labels:     map[string]*slotSet{},
		slotLabels: map[uint32]*[codec.BlockSlots][]byte{},
	}, nil
}

// getter is a transaction or a snapshot.
type getter interface {
	GetUnverified(key []byte) ([]byte, error)
}

// readSlab returns a copy of the slab under key; without a record it is empty.
func readSlab(from getter, key []byte, slab codec.Slab) ([]byte, error) {
	value, err := from.GetUnverified(key)
	if err != nil {
		return nil, err
	}
	if value == nil {
		return slab.NewSlab(), nil
	}
	// A damaged slab must not get a fresh checksum over its damage.
	if _, err := codec.Open(key, value); err != nil {
		return nil, err
	}
	return slices.Clone(value), slab.Verify(key, value)
}

func (s *stage) block(cache map[uint32]*[codec.BlockSlots][]byte, kind codec.Kind, n uint32) (*[codec.BlockSlots][]byte, error) {
	if b := cache[n]; b != nil {
		return b, nil
	}
	b := &[codec.BlockSlots][]byte{}
	if s.fresh(n, codec.BlockSlots) {
		cache[n] = b
		return b, nil
	}
	if _, err := readBlock(nil, s.txn, codec.AppendNumberKey(nil, s.id, kind, n), b); err != nil {
		return nil, err
	}
	cache[n] = b
	return b, nil
}

// readBlock appends a copy of the block under key to dst and has b refer to its entries;
// without a record they stay empty.
func readBlock(dst []byte, txn *kv.Txn, key []byte, b *[codec.BlockSlots][]byte) ([]byte, error) {
	value, err := txn.GetUnverified(key)
	if value == nil || err != nil {
		return dst, err
	}
	if _, err := codec.Open(key, value); err != nil {
		return dst, err
	}
	if err := codec.VerifyBlock(key, value); err != nil {
		return dst, err
	}
	from := len(dst)
	dst = append(dst, value...)
	for i := range b {
		b[i] = codec.BlockEntry(dst[from:], uint32(i))
	}
	return dst, nil
}

// fresh reports whether all slots of the n-th record of span slots are new in this transaction, so that there is none yet.
func (s *stage) fresh(n, span uint32) bool { return uint64(n)*uint64(span) >= uint64(s.next) }

func (s *stage) flat(cache map[uint32]*codec.Flat, kind codec.Kind, n uint32) (*codec.Flat, error) {
	if f := cache[n]; f != nil {
		return f, nil
	}
	f, err := readFlat(s.txn, codec.AppendNumberKey(nil, s.id, kind, n))
	if err == nil {
		cache[n] = f
	}
	return f, err
}

// readFlat reads the flat block under key; without a record it is empty.
func readFlat(txn *kv.Txn, key []byte) (*codec.Flat, error) {
	body, err := txn.Get(key)
	if err != nil {
		return nil, err
	}
	if body == nil {
		return &codec.Flat{}, nil
	}
	return codec.ParseFlat(key, body)
}

// flush writes all that was edited, in key order within each kind.
func (s *stage) flush() error {
	if err := flushNumbered(s, codec.KindIDSlot, 0, s.idSlot, flatValue); err != nil {
		return err
	}
	if err := flushNumbered(s, codec.KindKey, codec.BlockSlots, s.keys, blockValue); err != nil {
		return err
	}
	if err := flushNumbered(s, codec.KindSlotID, codec.FlatSpan, s.slotID, flatValue); err != nil {
		return err
	}
	if err := flushNumbered(s, codec.KindValue, 1, s.values, func(_, v []byte) []byte { return v }); err != nil {
		return err
	}
	for _, n := range slices.Sorted(maps.Keys(s.slabs)) {
		key := codec.AppendNumberKey(nil, s.id, codec.KindVectors, n)
		if err := s.putSlab(key, s.slabs[n]); err != nil {
			return err
		}
	}
	if err := s.flushLabels(); err != nil {
		return err
	}
	return s.flushSets()
}

// putSlab stores a slab that was edited or is new.
func (s *stage) putSlab(key []byte, slab *stagedSlab) error {
	if slab.value != nil {
		return putSlab(s.txn, key, slab.value, s.meta.Slab, s.meta.Sequence)
	}
	var stamped error
	added, err := s.txn.AddFilled(key, s.meta.Slab.Bytes(), func(value []byte) {
		s.meta.Slab.Fill(value, slab.rows)
		stamped = s.meta.Slab.Stamp(key, value, s.meta.Sequence)
	})
	if err == nil && !added {
		err = fmt.Errorf("index %d has %d slots, and %s: %w", s.id, s.next, codec.FormatKey(key), codec.ErrCorrupt)
	}
	return cmp.Or(err, stamped)
}

// putSlab stamps a slab and stores it.
func putSlab(txn *kv.Txn, key, value []byte, slab codec.Slab, sequence uint64) error {
	if err := slab.Stamp(key, value, sequence); err != nil {
		return err
	}
	return txn.Put(key, value)
}

// flushSets writes the sets and the metadata, which counts them.
func (s *stage) flushSets() error {
	for _, set := range []*slotSet{s.pending, s.dead, s.free} {
		if err := set.flush(); err != nil {
			return err
		}
	}
	return s.txn.Put(codec.MetaKey(s.id), codec.AppendMeta(nil, &s.meta))
}

// flushNumbered writes the records of a kind that is addressed by number, each of span
// slots, or 0 where it is not of slots; those that encode to nothing are deleted.
func flushNumbered[T any](s *stage, kind codec.Kind, span uint32, records map[uint32]T, encode func([]byte, T) []byte) error {
	for _, n := range slices.Sorted(maps.Keys(records)) {
		s.key = codec.AppendNumberKey(s.key[:0], s.id, kind, n)
		key, value := s.key, encode(s.value[:0], records[n])
		var err error
		added := false
		if value != nil && span > 0 && s.fresh(n, span) {
			added, err = s.txn.Add(key, value) // without looking for what was there
		}
		switch {
		case err != nil:
		case value == nil:
			err = s.txn.Delete(key)
		case !added:
			err = s.txn.Put(key, value)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func blockValue(dst []byte, b *[codec.BlockSlots][]byte) []byte {
	if isEmpty(b) {
		return nil
	}
	return codec.AppendBlock(dst, b)
}

func flatValue(dst []byte, f *codec.Flat) []byte {
	if f.Empty() {
		return nil
	}
	return codec.AppendFlat(dst, f)
}
