package reader

import (
	"bytes"
	"runtime/trace"
	"slices"

	"github.com/hannoydb/hannoy/graph"
	"github.com/hannoydb/hannoy/kv"
)

// Hit is an item that a search found.
type Hit struct {
	Key      []byte    // the user's bytes, or the four bytes of an id
	Distance float32   // as the metric reports it: smaller is nearer
	Group    string    // the label by which it is grouped; "" if it is not
	Value    []byte    // nil unless asked for
	Vector   []float32 // nil unless asked for, and of bit vectors
	Bits     []byte    // nil unless asked for, and of all other vectors
}

// hits turns the slots found into hits that own their memory.
func (s *search) hits(o *Options) ([]Hit, error) {
	defer trace.StartRegion(s.ctx, "hannoy hits").End()
	hits := make([]Hit, len(s.best.list))
	s.keys = s.keys[:0]
	var err error
	for i, n := range s.best.list {
		from := len(s.keys)
		if s.keys, err = s.reader.index.AppendKey(s.keys, n.Slot); err != nil {
			return nil, err
		}
		hits[i].Key = s.keys[from:len(s.keys)]
		if len(s.groups) > 0 {
			hits[i].Group = s.groups[i]
		}
		if err := s.fill(&hits[i], n, o); err != nil {
			return nil, err
		}
	}
	// One copy for all keys. Appending may have moved s.keys, so the hits' slices are
	// only good for their lengths.
	all := bytes.Clone(s.keys)
	for i := range hits {
		n := len(hits[i].Key)
		hits[i].Key, all = all[:n:n], all[n:]
	}
	slices.SortFunc(hits, func(a, b Hit) int {
		switch {
		case a.Distance < b.Distance:
			return -1
		case a.Distance > b.Distance:
			return 1
		}
		return bytes.Compare(a.Key, b.Key)
	})
	return hits, nil
}

// fill sets what a hit has besides its key and group.
func (s *search) fill(h *Hit, n graph.Neighbor, o *Options) (err error) {
	r := s.reader
	h.Distance = r.exact.Kernel.Report(n.Distance)
	if o.WithValues {
		if h.Value, err = copyValue(r.index, n.Slot); err != nil {
			return err
		}
	}
	if o.WithVectors {
		h.Vector, h.Bits, err = r.vector(n.Slot)
	}
	return err
}

// copyValue returns a copy of the slot's value, nil if it has none.
func copyValue(x *kv.Index, slot uint32) ([]byte, error) {
	value, err := x.Value(slot)
	if value == nil || err != nil {
		return nil, err
	}
	return append([]byte{}, value...), nil
}
