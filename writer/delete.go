package writer

import (
	"context"
	"errors"
	"slices"

	"github.com/hannoydb/hannoy/kv"
)

// deleteAll deletes all records whose keys begin with the prefix, so many to a
// transaction. Nobody writes any meanwhile.
func deleteAll(ctx context.Context, env *kv.Env, prefix []byte, most int) error {
	for {
		keys, err := firstKeys(env, prefix, most)
		if err != nil || len(keys) == 0 {
			return err
		}
		err = env.Update(ctx, func(txn *kv.Txn) error {
			for _, key := range keys {
				if err := errors.Join(ctx.Err(), txn.Delete(key)); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
}

// firstKeys returns the first keys with the prefix, as of the latest commit.
func firstKeys(env *kv.Env, prefix []byte, most int) (keys [][]byte, err error) {
	s, err := env.Acquire()
	if err != nil {
		return nil, err
	}
	defer s.Release()
	enough := errors.New("enough")
	err = s.ScanUnverified(prefix, func(key, _ []byte) error {
		if len(keys) == most {
			return enough
		}
		keys = append(keys, slices.Clone(key))
		return nil
	})
	if errors.Is(err, enough) {
		err = nil
	}
	return keys, err
}
