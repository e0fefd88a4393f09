package kv

import (
	"fmt"
	"sync/atomic"
	"time"

	"github.com/hannoydb/hannoy/codec"
	"github.com/hannoydb/hannoy/kv/tables"
)

// Index is one index as a snapshot sees it, with the tables that all who hold the snapshot share.
type Index struct {
	*tables.Index
	snap  *Snapshot
	used  atomic.Bool // was asked for in this snapshot
	asked time.Time   // when it was last asked for in one of those before
}

// Snapshot is the snapshot that the index belongs to.
func (x *Index) Snapshot() *Snapshot { return x.snap }

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
		x.Free()
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
	x, err := tables.Open(s, id, meta)
	if err != nil {
		return nil, err
	}
	return &Index{Index: x, snap: s}, nil
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

// IndexNames returns the ids of the indexes of the environment by their names.
func (s *Snapshot) IndexNames() (map[string]codec.IndexID, error) {
	names := map[string]codec.IndexID{}
	prefix := codec.AppendPrefix(nil, 0, codec.KindName)
	err := s.Scan(prefix, func(key, body []byte) error {
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
