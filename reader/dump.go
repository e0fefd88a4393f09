package reader

import (
	"io"

	"github.com/hannoydb/hannoy/codec"
)

// Dump writes every record of the environment as text, in key order.
func (r *Reader) Dump(w io.Writer) error {
	snap := r.index.Snapshot()
	return snap.Scan(nil, func(key, value []byte) error {
		var meta *codec.Meta
		if p, err := codec.ParseKey(key); err == nil && p.Kind == codec.KindVectors {
			if x, err := snap.Index(p.Index); err == nil {
				meta = &x.Meta
			}
		}
		_, err := io.WriteString(w, codec.Describe(key, value, meta))
		return err
	})
}
