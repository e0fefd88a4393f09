package writer

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/hannoydb/hannoy/codec"
	"github.com/hannoydb/hannoy/distance"
	"github.com/hannoydb/hannoy/kv"
)

// Codes are written so many slabs to a transaction.
const slabsPerCommit = 256

// codesKernel returns the kernel of the codes of an index whose vectors have the
// given kernel.
func codesKernel(exact *distance.Kernel, codes distance.VectorType, mean []float32) (*distance.Kernel, error) {
	kernel, err := distance.NewCodes(exact.Metric(), codes, exact.Dimensions(), mean)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", kv.ErrInvalid, err)
	}
	return kernel, nil
}

// CodeSlabFor returns the geometry of the slabs of an index's codes, or an error
// that wraps kv.ErrInvalid if its metric or type has no such codes.
func CodeSlabFor(exact *distance.Kernel, codes distance.VectorType) (codec.Slab, error) {
	if exact.Type() == distance.Bits || exact.Type() == codes {
		return codec.Slab{}, fmt.Errorf("%w: vectors of %v are their own codes", kv.ErrInvalid, exact.Type())
	}
	kernel, err := codesKernel(exact, codes, nil)
	if err != nil {
		return codec.Slab{}, err
	}
	return codec.SlabFor(kernel.RowBytes()), nil
}

// SetCodes gives an index other codes, or none (0), or with auto those codes if they tell
// neighbours apart. Searches go on meanwhile: on the
// stored vectors while the codes are written, on the new codes once all are there.
// The caller holds the builder's lock.
func SetCodes(ctx context.Context, env *kv.Env, id codec.IndexID, codes distance.VectorType, auto bool) error {
	m, err := env.Meta(id)
	if err != nil {
		return err
	}
	if codes != 0 && !m.HasGraph() {
		return fmt.Errorf("%w: there is no graph to walk on codes", kv.ErrInvalid)
	}
	kernel, err := KernelFor(m)
	if err != nil {
		return err
	}
	if codes == 0 {
		return dropCodes(ctx, env, id, auto, 0)
	}
	if _, err := CodeSlabFor(kernel, codes); err != nil {
		return err
	}
	base, err := newBase(env, id)
	if err != nil {
		return err
	}
	base.codes = nil // they go, however well they serve
	f, err := base.fit(ctx, codes)
	base.release()
	if err != nil {
		return err
	}
	if auto && !f.Good {
		return dropCodes(ctx, env, id, true, 0)
	}
	return replaceCodes(ctx, env, id, codes, auto, f.Mean)
}

// replaceCodes gives all slots codes about the mean, in place of those they have.
func replaceCodes(ctx context.Context, env *kv.Env, id codec.IndexID, codes distance.VectorType, auto bool, mean []float32) error {
	if err := dropCodes(ctx, env, id, auto, codes); err != nil {
		return err
	}
	base, err := newBase(env, id) // of now, so that the pages of those that went are used again
	if err != nil {
		return err
	}
	defer base.release()
	slab, err := CodeSlabFor(base.exact.Kernel, codes)
	if err != nil {
		return err
	}
	e, err := newEncoder(base, codes, slab, mean)
	if err != nil {
		return err
	}
	if err := putMean(ctx, env, id, mean); err != nil {
		return err
	}
	all := make([]uint32, base.index.Meta.NextSlot)
	for slot := range all {
		all[slot] = uint32(slot)
	}
	if err := e.encode(ctx, all); err != nil {
		return err
	}
	return EditMeta(ctx, env, id, func(m *codec.Meta) {
		m.Codes, m.NextCodes, m.AutoCodes, m.CodeSlab = uint8(codes), 0, auto, slab
	})
}

// dropCodes takes the codes of an index away: first from searches, then from the file. It notes
// which are to take their place, 0 for none.
func dropCodes(ctx context.Context, env *kv.Env, id codec.IndexID, auto bool, next distance.VectorType) error {
	err := EditMeta(ctx, env, id, func(m *codec.Meta) {
		m.Codes, m.NextCodes, m.AutoCodes, m.CodeSlab = 0, uint8(next), auto, codec.Slab{}
	})
	if err != nil {
		return err
	}
	return clearCodes(ctx, env, id)
}

// clearCodes takes codes that nobody reads out of the file.
func clearCodes(ctx context.Context, env *kv.Env, id codec.IndexID) error {
	if err := deleteAll(ctx, env, codec.AppendPrefix(nil, id, codec.KindCodes), slabsPerCommit); err != nil {
		return err
	}
	return deleteAll(ctx, env, codec.MeanKey(id), 1)
}

// EditMeta commits the metadata of an index as edit leaves it.
func EditMeta(ctx context.Context, env *kv.Env, id codec.IndexID, edit func(*codec.Meta)) error {
	return env.Update(ctx, func(txn *kv.Txn) error {
		s, err := newStage(txn, id)
		if err != nil {
			return err
		}
		edit(&s.meta)
		return s.flushSets()
	})
}

// SetEf stores the width of searches that do not say theirs.
func SetEf(ctx context.Context, env *kv.Env, id codec.IndexID, ef int) error {
	return EditMeta(ctx, env, id, func(m *codec.Meta) { m.Ef = uint32(ef) })
}

// encoder writes codes of stored vectors.
type encoder struct {
	base  *base // where the vectors are read
	slab  codec.Slab
	codes *distance.Kernel
}

func newEncoder(base *base, codes distance.VectorType, slab codec.Slab, mean []float32) (*encoder, error) {
	kernel, err := codesKernel(base.exact.Kernel, codes, mean)
	if err != nil {
		return nil, err
	}
	return &encoder{base: base, slab: slab, codes: kernel}, nil
}

// putMean stores the vector about which codes are taken; nil is the origin, and no record.
func putMean(ctx context.Context, env *kv.Env, id codec.IndexID, mean []float32) error {
	return env.Update(ctx, func(txn *kv.Txn) error {
		if mean == nil {
			return txn.Delete(codec.MeanKey(id))
		}
		return txn.Put(codec.MeanKey(id), codec.AppendVector(nil, mean))
	})
}

// encode writes the codes of the slots, ascending, some slabs to a transaction.
func (e *encoder) encode(ctx context.Context, slots []uint32) error {
	for len(slots) > 0 {
		first, _ := e.slab.Of(slots[0])
		end, _ := slices.BinarySearchFunc(slots, first+slabsPerCommit, func(slot, slab uint32) int {
			n, _ := e.slab.Of(slot)
			return int(int64(n) - int64(slab))
		})
		err := e.base.env.Update(ctx, func(txn *kv.Txn) error { return e.put(ctx, txn, slots[:end]) })
		if err != nil {
			return err
		}
		slots = slots[end:]
	}
	return nil
}

func (e *encoder) put(ctx context.Context, txn *kv.Txn, slots []uint32) error {
	return e.eachSlab(ctx, txn, slots, func(n uint32, slab []byte) error {
		return putSlab(txn, codec.AppendNumberKey(nil, e.base.index.ID(), codec.KindCodes, n), slab, e.slab, 0)
	})
}

// eachSlab calls fn with the slabs that have the codes of the slots, ascending, in place of
// what was there for them.
func (e *encoder) eachSlab(ctx context.Context, from getter, slots []uint32, fn func(n uint32, slab []byte) error) error {
	var vector []float32
	var code []byte
	exact := e.base.exact.Kernel
	for len(slots) > 0 {
		n, _ := e.slab.Of(slots[0])
		slab, err := readSlab(from, codec.AppendNumberKey(nil, e.base.index.ID(), codec.KindCodes, n), e.slab)
		if err := errors.Join(err, ctx.Err()); err != nil {
			return err
		}
		for ; len(slots) > 0; slots = slots[1:] {
			of, row := e.slab.Of(slots[0])
			if of != n {
				break
			}
			stored, err := e.base.index.Vectors.Row(slots[0])
			if err != nil {
				return err
			}
			vector = exact.Vector(vector[:0], stored[:exact.RowBytes()])
			code = e.codes.AppendRow(code[:0], vector)
			copy(e.slab.Row(slab, row), code)
		}
		if err := fn(n, slab); err != nil {
			return err
		}
	}
	return nil
}
