package kv

import (
	"fmt"

	"github.com/hannoydb/hannoy/codec"
)

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
