package writer

import (
	"context"
	"errors"
	"fmt"

	"github.com/hannoydb/hannoy/codec"
	"github.com/hannoydb/hannoy/kv"
)

// Create makes an empty index called name with the parameters of meta and returns
// its id. If there is one of that name already, its id is returned and nothing is
// changed: of two processes that create at once, the second finds the first's.
func Create(ctx context.Context, env *kv.Env, name string, meta *codec.Meta) (codec.IndexID, error) {
	var id codec.IndexID
	err := env.Update(ctx, func(txn *kv.Txn) error {
		var err error
		id, err = txn.FindIndex(name)
		if err == nil || !errors.Is(err, kv.ErrNotFound) {
			return err
		}
		if id, err = nextIndexID(txn); err != nil {
			return err
		}
		if err := txn.Put(codec.NameKey(name), codec.AppendNumber(nil, uint32(id))); err != nil {
			return err
		}
		return txn.Put(codec.MetaKey(id), codec.AppendMeta(nil, meta))
	})
	return id, err
}

func nextIndexID(txn *kv.Txn) (codec.IndexID, error) {
	var highest codec.IndexID
	err := txn.Scan(codec.AppendPrefix(nil, 0, codec.KindName), func(key, body []byte) error {
		id, err := codec.ParseIndexID(key, body)
		highest = max(highest, id)
		return err
	})
	if err == nil && highest == 1<<16-1 {
		return 0, fmt.Errorf("%w: an environment holds at most 65,535 indexes", kv.ErrInvalid)
	}
	return highest + 1, err
}
