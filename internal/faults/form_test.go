package main

import (
	"io"
	"path/filepath"
	"slices"
	"testing"

	"github.com/hannoydb/hannoy"
	"github.com/hannoydb/hannoy/codec"
	"github.com/hannoydb/hannoy/kv"
)

// The work that is killed has builds that drop codes, write them again, and take them about another middle.
func TestWorkTurnsCodes(t *testing.T) {
	w := &work{keys: 150}
	for w.choosesCodes() {
		w.seed++
	}
	dir := filepath.Join(t.TempDir(), "index")
	ix, err := hannoy.Open(dir, workOptions())
	if err != nil {
		t.Fatal(err)
	}
	defer ix.Close()
	var had bool
	var middle []byte
	dropped, written, moved := 0, 0, 0
	for at := range 100 {
		if err := w.step(ix, at, io.Discard); err != nil {
			t.Fatal(err)
		}
		var has bool
		var is []byte
		err := kv.Peek(dir, func(s *kv.Snapshot) error {
			record, err := s.Get(codec.MetaKey(1))
			if err != nil {
				return err
			}
			m, err := codec.ParseMeta(codec.MetaKey(1), record)
			if err != nil {
				return err
			}
			has = m.Codes != 0
			is, err = s.Get(codec.MeanKey(1))
			is = slices.Clone(is)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		switch {
		case had && !has:
			dropped++
		case !had && has:
			written++
		case had && string(is) != string(middle):
			moved++
		}
		had, middle = has, is
	}
	t.Logf("codes dropped %d, written %d, moved %d", dropped, written, moved)
	if dropped == 0 || written == 0 || moved == 0 {
		t.Errorf("in 100 steps codes were dropped %d times, written %d times, taken about another middle %d times", dropped, written, moved)
	}
}
