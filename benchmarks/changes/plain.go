package main

import (
	"encoding/binary"
	"errors"
	"math"
	"os"
	"time"

	"github.com/bmatsuo/lmdb-go/lmdb"

	"github.com/hannoydb/hannoy/benchmarks/harness"
)

// plain is an LMDB environment that maps the numbers of rows to the rows, and does
// nothing else: what a user would have without an index.
type plain struct {
	env *lmdb.Env
	dbi lmdb.DBI
	dir string
}

// openPlain makes an environment of the first rows.
func openPlain(scratch string, rows *harness.Rows, size int) (*plain, error) {
	dir, err := os.MkdirTemp(scratch, "changes-plain-")
	if err != nil {
		return nil, err
	}
	p := &plain{dir: dir}
	if p.env, err = lmdb.NewEnv(); err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	err = errors.Join(p.env.SetMapSize(1<<40), p.env.Open(dir, 0, 0o600))
	if err == nil {
		err = p.env.Update(func(txn *lmdb.Txn) (err error) {
			p.dbi, err = txn.OpenRoot(0)
			return err
		})
	}
	for from := 0; from < size && err == nil; from += batchOfFirst {
		_, err = p.put(rows, from, min(batchOfFirst, size-from))
	}
	if err != nil {
		return nil, errors.Join(err, p.close())
	}
	return p, nil
}

// put commits n rows and returns how long that took.
func (p *plain) put(rows *harness.Rows, from, n int) (time.Duration, error) {
	start := time.Now()
	var value []byte
	err := p.env.Update(func(txn *lmdb.Txn) error {
		for i := from; i < from+n; i++ {
			value = value[:0]
			for _, x := range rows.Row(i).F32 {
				value = binary.NativeEndian.AppendUint32(value, math.Float32bits(x))
			}
			if err := txn.Put(p.dbi, binary.BigEndian.AppendUint32(nil, uint32(i)), value, 0); err != nil {
				return err
			}
		}
		return nil
	})
	return time.Since(start), err
}

func (p *plain) close() error { return errors.Join(p.env.Close(), os.RemoveAll(p.dir)) }
