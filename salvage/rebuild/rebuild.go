// Package rebuild makes sound indexes of what was salvaged of damaged ones.
package rebuild

import (
	"context"

	"github.com/hannoydb/hannoy/kv"
	"github.com/hannoydb/hannoy/salvage"
	"github.com/hannoydb/hannoy/writer"
)

// A batch of salvaged items is committed when it has so many, or so many bytes.
const (
	salvagedItems = 4096
	salvagedBytes = 8 << 20
)

// Index makes an index of that name of the sound items of a damaged one, and builds it. It returns how many items these
// are, and what was lost.
func Index(ctx context.Context, env *kv.Env, x *salvage.Index, name string, build writer.BuildOptions) (items int, lost *salvage.Losses, err error) {
	fresh := x.Meta.Emptied()
	id, err := writer.Create(ctx, env, name, &fresh)
	if err != nil {
		return 0, nil, err
	}
	kernel, err := writer.KernelFor(&fresh)
	if err != nil {
		return 0, nil, err
	}
	var batch []writer.Change
	bytes := 0
	commit := func() error {
		n, err := writer.Apply(ctx, env, batch)
		items += n
		batch, bytes = batch[:0], 0
		return err
	}
	lost, err = x.Items(ctx, func(item salvage.Item) error {
		batch = append(batch, writer.Change{Index: id, Key: item.Key, Kernel: kernel, Row: item.Row, Value: item.Value, Labels: item.Labels})
		if bytes += len(item.Row) + len(item.Value); len(batch) < salvagedItems && bytes < salvagedBytes {
			return nil
		}
		return commit()
	})
	if err == nil && len(batch) > 0 {
		err = commit()
	}
	if err != nil {
		return 0, nil, err
	}
	_, err = writer.Build(ctx, env, id, build)
	return items, lost, err
}
