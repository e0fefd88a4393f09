package hannoy_test

import (
	"context"
	"errors"
	"slices"
	"testing"

	"github.com/hannoydb/hannoy"
	"github.com/hannoydb/hannoy/codec"
	"github.com/hannoydb/hannoy/internal/fixture"
	"github.com/hannoydb/hannoy/kv"
)

// A build in little memory writes all links anew, some at a time. It may end at any
// moment of that: what is there is sound, the next build goes on from it, and when all is
// done the records are those of a build that had all the memory it wanted.
func TestWholePublication(t *testing.T) {
	const n, dims, budget = 2500, 16, 1 << 20
	vectors := fixture.Vectors(n+50, dims, 41)
	rich := open(t, t.TempDir(), &hannoy.Options{Dimensions: dims})
	putRows(t, rich, vectors, 0, n)
	build(t, rich, nil)

	poor := open(t, t.TempDir(), &hannoy.Options{Dimensions: dims})
	putRows(t, poor, vectors, 0, n)
	var seen []codec.Edition
	for stopAt := 1; ; stopAt *= 3 {
		cancelled, cancel := context.WithCancel(ctx)
		parts := 0
		_, err := poor.Build(cancelled, &hannoy.BuildOptions{MemoryBudget: budget, Progress: func(p hannoy.BuildProgress) {
			if p.Phase != "publish" || p.Done == 0 {
				return
			}
			if parts++; parts == stopAt {
				cancel()
			}
			if p.Total != n || p.Done >= n {
				t.Errorf("%d of %d slots are published", p.Done, p.Total)
			}
		}})
		cancel()
		if err != nil && !errors.Is(err, context.Canceled) {
			t.Fatal(err)
		}
		checkSound(t, poor)
		edition, records := editions(t, poor)
		seen = append(seen, edition)
		if err == nil {
			if edition != 0 || records[0] == 0 || records[1] != 0 {
				t.Errorf("edition %d after the build, records %v", edition, records)
			}
			break
		}
		if records[edition.Other()] == 0 {
			t.Errorf("a build that stopped after %d parts left nothing beside edition %d: %v", stopAt, edition, records)
		}
		hits, err := poor.Search(ctx, vectors[stopAt], 1, nil)
		if err != nil || len(hits) != 1 || string(hits[0].Key) != string(key(stopAt)) {
			t.Errorf("row %d is found as %v, %v", stopAt, hits, err)
		}
	}
	if !slices.Contains(seen, 1) {
		t.Errorf("the builds stopped in editions %v: none in the second", seen)
	}
	if dump(t, poor) != dump(t, rich) {
		t.Error("the records are not those of a build with more memory")
	}

	// Few changes are written in place.
	putRows(t, poor, vectors, n, n+1)
	if r := build(t, poor, &hannoy.BuildOptions{MemoryBudget: 64 << 20}); r.RecordsWritten > 200 {
		t.Errorf("one put wrote %d records", r.RecordsWritten)
	}
}

// editions returns the edition of the links of level 0 that is in use, and how many records
// there are of both.
func editions(t *testing.T, ix *hannoy.Index) (edition codec.Edition, records [2]int) {
	t.Helper()
	env, err := kv.Open(ix.Path(), kv.Options{}) // the one that is open
	if err != nil {
		t.Fatal(err)
	}
	defer env.Close()
	s, err := env.Acquire()
	if err != nil {
		t.Fatal(err)
	}
	defer s.Release()
	id, err := s.FindIndex("default")
	if err != nil {
		t.Fatal(err)
	}
	m, err := s.Meta(id)
	if err != nil {
		t.Fatal(err)
	}
	for e := range records {
		err := s.ScanUnverified(codec.AppendLinksPrefix(nil, id, codec.Edition(e)), func(_, _ []byte) error { records[e]++; return nil })
		if err != nil {
			t.Fatal(err)
		}
	}
	return m.Edition, records
}
