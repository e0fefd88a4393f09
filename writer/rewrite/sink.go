package rewrite

import (
	"context"
	"slices"

	"github.com/hannoydb/hannoy/kv"
)

// sinkBytes is how much a sink commits at a time: LMDB holds it in memory once more.
const sinkBytes = 8 << 20

// sink writes records to an environment that nobody reads yet, many to a transaction.
// Records that come in key order leave its pages full.
type sink struct {
	ctx     context.Context
	env     *kv.Env
	records []record
	bytes   int
}

type record struct{ key, value []byte }

// put writes a record, still to be sealed. Both slices are copied.
func (s *sink) put(key, value []byte) error {
	s.records = append(s.records, record{slices.Clone(key), slices.Clone(value)})
	if s.bytes += len(key) + len(value); s.bytes < sinkBytes {
		return nil
	}
	return s.flush()
}

func (s *sink) flush() error {
	if err := s.ctx.Err(); err != nil || len(s.records) == 0 {
		return err
	}
	err := s.env.Update(s.ctx, func(txn *kv.Txn) error {
		for _, r := range s.records {
			if err := txn.Put(r.key, r.value); err != nil {
				return err
			}
		}
		return nil
	})
	clear(s.records)
	s.records, s.bytes = s.records[:0], 0
	return err
}
