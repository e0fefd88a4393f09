package hannoy_test

import (
	"errors"
	"iter"
	"testing"

	"github.com/hannoydb/hannoy"
)

// What outlives its View fails, and does not read pages that others may have written anew.
func TestSnapshotAfterView(t *testing.T) {
	ix := open(t, t.TempDir(), &hannoy.Options{Dimensions: 1})
	putRows(t, ix, [][]float32{{1}, {2}, {3}}, 0, 3)
	var s, on *hannoy.Snapshot
	next, stop := func() (hannoy.Hit, error, bool) { panic("not set") }, func() {}
	err := ix.View(func(view *hannoy.Snapshot) (err error) {
		s = view
		if on, err = view.On(ix); err != nil {
			return err
		}
		next, stop = iter.Pull2(view.Nearest(ctx, hannoy.Query{Vector: []float32{1}}, nil))
		_, err, _ = next()
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	defer stop()
	q := []float32{1}
	one := hannoy.Part{Index: ix, Query: hannoy.Query{Vector: q}}
	for name, try := range map[string]func() error{
		"search":         func() error { _, err := s.Search(ctx, q, 1, nil); return err },
		"search on":      func() error { _, err := on.Search(ctx, q, 1, nil); return err },
		"search batch":   func() error { _, err := s.SearchBatch(ctx, []hannoy.Query{{Vector: q}}, 1, nil); return err },
		"search fused":   func() error { _, err := s.SearchFused(ctx, []hannoy.Part{one}, 1, nil); return err },
		"get":            func() error { _, err := s.Get([]byte("0")); return err },
		"has":            func() error { _, err := s.Has([]byte("0")); return err },
		"labels":         func() error { _, err := s.Labels(""); return err },
		"stats":          func() error { _, err := s.Stats(); return err },
		"prepare":        func() error { _, _, err := s.Prepare(ctx, hannoy.FilterLabel("a")); return err },
		"recall":         func() error { _, err := s.RecallEstimate(ctx, nil, 1, nil); return err },
		"other index":    func() error { _, err := s.On(ix); return err },
		"range, resumed": func() error { _, err, _ := next(); return err },
		"range": func() (err error) {
			for _, err = range s.Nearest(ctx, hannoy.Query{Vector: q}, nil) {
			}
			return err
		},
		"items": func() (err error) {
			for _, err = range s.Items() {
			}
			return err
		},
	} {
		if err := try(); !errors.Is(err, hannoy.ErrClosed) {
			t.Errorf("%s after View: %v, want ErrClosed", name, err)
		}
	}
}
