package hannoy_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/hannoydb/hannoy"
	"github.com/hannoydb/hannoy/internal/fixture"
)

// whole makes the numbers of vectors whole, so that every vector type holds them.
func whole(vectors [][]float32) [][]float32 {
	for _, v := range vectors {
		for i := range v {
			v[i] = float32(int(v[i]*30)%100) + 1
		}
	}
	return vectors
}

func TestAlter(t *testing.T) {
	const dims = 16
	vectors := whole(fixture.Vectors(1200, dims, 3))
	queries := whole(fixture.Vectors(20, dims, 4))
	for name, test := range map[string]struct {
		alter               hannoy.AlterOptions
		same                hannoy.Options // how an index is created that is to give the same answers
		newGraph, rewritten bool
	}{
		"nothing":         {},
		"ef construction": {alter: hannoy.AlterOptions{EfConstruction: 90, Alpha: 1.2}, same: hannoy.Options{EfConstruction: 90, Alpha: 1.2}},
		"codes":           {alter: hannoy.AlterOptions{Codes: new(hannoy.CodesBinary)}, same: hannoy.Options{Codes: hannoy.CodesBinary}},
		"no codes":        {alter: hannoy.AlterOptions{Codes: new(hannoy.CodesNone)}, same: hannoy.Options{Codes: hannoy.CodesNone}},
		"automatic codes": {alter: hannoy.AlterOptions{Codes: new(hannoy.CodesAuto)}},
		"f16":             {alter: hannoy.AlterOptions{VectorType: hannoy.F16}, same: hannoy.Options{VectorType: hannoy.F16}, rewritten: true},
		"int8":            {alter: hannoy.AlterOptions{VectorType: hannoy.I8}, same: hannoy.Options{VectorType: hannoy.I8}, rewritten: true},
		"manhattan":       {alter: hannoy.AlterOptions{Metric: hannoy.Manhattan}, same: hannoy.Options{Metric: hannoy.Manhattan}, newGraph: true, rewritten: true},
		"cosine and f16":  {alter: hannoy.AlterOptions{Metric: hannoy.Cosine, VectorType: hannoy.F16}, same: hannoy.Options{Metric: hannoy.Cosine, VectorType: hannoy.F16}, newGraph: true, rewritten: true},
		"M":               {alter: hannoy.AlterOptions{M: 6}, same: hannoy.Options{M: 6}, newGraph: true, rewritten: true},
		"rebuild":         {alter: hannoy.AlterOptions{Rebuild: true}, newGraph: true, rewritten: true},
		"no graph":        {alter: hannoy.AlterOptions{NoGraph: true}, same: hannoy.Options{NoGraph: true}, rewritten: true},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			ix := open(t, dir, &hannoy.Options{Dimensions: dims, EfConstruction: 60})
			held := open(t, dir, nil) // has it open meanwhile
			other := open(t, dir, &hannoy.Options{Index: "other", Dimensions: dims})
			putRows(t, other, vectors, 0, 50)
			wornOut(t, ix, vectors[:1200], 600, key)
			build(t, ix, nil)
			items := contents(t, ix)
			report, err := ix.Alter(ctx, &test.alter)
			if err != nil {
				t.Fatal(err)
			}
			if report.NewGraph != test.newGraph || report.Rewritten != test.rewritten {
				t.Errorf("new graph %t, rewritten %t", report.NewGraph, report.Rewritten)
			}
			checkSound(t, ix)
			checkSound(t, other)
			o := test.same
			o.Dimensions, o.EfConstruction = dims, max(o.EfConstruction, 60)
			if _, err := hannoy.Open(dir, &o); err != nil {
				t.Errorf("opened as what it was altered to: %v", err)
			}
			fresh := open(t, t.TempDir(), &o)
			update(t, fresh, func(b *hannoy.Batch) error {
				for k, item := range items {
					if err := b.Put([]byte(k), item.Vector, hannoy.Value(item.Value), hannoy.Labels(item.Labels...)); err != nil {
						return err
					}
				}
				return nil
			})
			for _, ix := range []*hannoy.Index{ix, held} {
				if ix.Metric() != fresh.Metric() || ix.VectorType() != fresh.VectorType() {
					_, _ = ix.Stats() // the handle that was open follows at its next look
				}
				found := 0
				for _, q := range queries {
					got, want := distances(t, ix, q, true), distances(t, fresh, q, true)
					if !slices.Equal(got, want) {
						t.Fatalf("at %v, want %v", got, want)
					}
					for _, d := range distances(t, ix, q, false) {
						if d <= want[9] {
							found++
						}
					}
				}
				if least := map[bool]int{false: 190, true: 150}[test.same.Codes == hannoy.CodesBinary]; found < least {
					t.Errorf("%d of 200 found", found)
				}
			}
			putRows(t, held, vectors, 0, 10)
			build(t, held, nil)
			checkSound(t, ix)
		})
	}
}

// distances are those of the ten nearest; which of several at one distance come first is
// a matter of slots.
func distances(t *testing.T, ix *hannoy.Index, q []float32, exact bool) (all []float32) {
	t.Helper()
	hits, err := ix.Search(ctx, q, 10, &hannoy.SearchOptions{Exact: exact, Ef: 100})
	if err != nil {
		t.Fatal(err)
	}
	for _, h := range hits {
		all = append(all, h.Distance)
	}
	return all
}

// What cannot be altered leaves the index as it is.
func TestAlterRefused(t *testing.T) {
	vectors := fixture.Vectors(300, 16, 3)
	ix := open(t, t.TempDir(), &hannoy.Options{Dimensions: 16})
	putRows(t, ix, vectors, 0, 300)
	build(t, ix, nil)
	before := contents(t, ix)
	cancelled, cancel := context.WithCancel(ctx)
	cancel()
	for _, test := range []struct {
		ctx   context.Context
		alter hannoy.AlterOptions
		err   error
	}{
		{ctx, hannoy.AlterOptions{VectorType: hannoy.I8}, hannoy.ErrInvalid},
		{ctx, hannoy.AlterOptions{Metric: hannoy.Hamming}, hannoy.ErrInvalid},
		{ctx, hannoy.AlterOptions{Metric: hannoy.Manhattan, Codes: new(hannoy.CodesInt8)}, hannoy.ErrInvalid},
		{ctx, hannoy.AlterOptions{M: 1}, hannoy.ErrInvalid},
		{ctx, hannoy.AlterOptions{NoGraph: true, Rebuild: true}, hannoy.ErrInvalid},
		{ctx, hannoy.AlterOptions{NoGraph: true, M: 16}, hannoy.ErrInvalid},
		{cancelled, hannoy.AlterOptions{Rebuild: true}, context.Canceled},
	} {
		_, err := ix.Alter(test.ctx, &test.alter)
		if !errors.Is(err, test.err) {
			t.Errorf("%+v: %v, want %v", test.alter, err, test.err)
		}
		if test.alter.VectorType == hannoy.I8 && !strings.Contains(fmt.Sprint(err), `the vector of key "`) {
			t.Errorf("the error does not name a key: %v", err)
		}
	}
	if ix.Metric() != hannoy.Euclidean || ix.VectorType() != hannoy.F32 {
		t.Errorf("%v, %v", ix.Metric(), ix.VectorType())
	}
	sameItems(t, contents(t, ix), before)
	checkSound(t, ix)
	// What was recorded for the old metric and comes too late.
	_, err := ix.Update(ctx, func(b *hannoy.Batch) error {
		_, err := ix.Alter(ctx, &hannoy.AlterOptions{Metric: hannoy.Cosine})
		return errors.Join(b.Put(key(1), vectors[2]), err)
	})
	if err != nil {
		t.Errorf("put after the alteration: %v", err)
	}
	_, err = ix.Update(ctx, func(b *hannoy.Batch) error {
		err := b.Put(key(1), vectors[2])
		_, alterErr := ix.Alter(ctx, &hannoy.AlterOptions{Metric: hannoy.Euclidean})
		return errors.Join(err, alterErr)
	})
	if !errors.Is(err, hannoy.ErrMismatch) {
		t.Errorf("put before the alteration: %v, want ErrMismatch", err)
	}
}

// What is committed while a graph is built anew is in the new files.
func TestAlterAmongWriters(t *testing.T) {
	vectors := fixture.Vectors(3000, 16, 3)
	ix := open(t, t.TempDir(), &hannoy.Options{Dimensions: 16, M: 8, EfConstruction: 60})
	putRows(t, ix, vectors, 0, 1500)
	build(t, ix, nil)
	want := map[string]int{}
	for i := range 1500 {
		want[string(key(i))] = i
	}
	for n, alter := range []hannoy.AlterOptions{{Rebuild: true}, {VectorType: hannoy.F16}, {VectorType: hannoy.F32}, {NoGraph: true}, {M: 6}} {
		work := func() error {
			_, err := ix.Alter(ctx, &alter)
			return err
		}
		during(t, work, func(i int) {
			at := (i*7 + n) % 1500
			_, err := ix.Update(ctx, func(b *hannoy.Batch) error {
				return errors.Join(b.Put(key(at), vectors[at+1500]), b.Delete(key(at+1)))
			})
			if err == nil {
				want[string(key(at))] = at + 1500
				delete(want, string(key(at+1)))
			} else if !errors.Is(err, hannoy.ErrMismatch) {
				t.Fatal(err)
			}
		})
		checkSound(t, ix)
	}
	got := contents(t, ix)
	if len(got) != len(want) {
		t.Fatalf("%d items, want %d", len(got), len(want))
	}
	for k, at := range want {
		for d, v := range got[k].Vector {
			if diff := v - vectors[at][d]; diff > .01 || diff < -.01 {
				t.Fatalf("item %q holds another vector than it was given", k)
			}
		}
	}
	build(t, ix, nil)
	checkSound(t, ix)
}

// The width that was chosen for a graph goes with it, whether others write meanwhile or not;
// one that is chosen meanwhile stays.
func TestAlterForgetsEf(t *testing.T) {
	ix := open(t, t.TempDir(), &hannoy.Options{Dimensions: 4, M: 8})
	vectors := fixture.Vectors(100, 4, 1)
	putRows(t, ix, vectors, 0, 100)
	for m, during := range map[int]func() error{
		4: func() error { return nil },
		5: func() error { putRows(t, ix, vectors, 0, 10); return nil },
		6: func() error { return ix.SetEf(ctx, 77) },
	} {
		if err := ix.SetEf(ctx, 55); err != nil {
			t.Fatal(err)
		}
		done := false
		_, err := ix.Alter(ctx, &hannoy.AlterOptions{M: m, Build: &hannoy.BuildOptions{Progress: func(hannoy.BuildProgress) {
			if !done {
				done = true
				if err := during(); err != nil {
					t.Error(err)
				}
			}
		}}})
		if err != nil {
			t.Fatal(err)
		}
		stats, err := ix.Stats()
		if want := map[int]int{4: 0, 5: 0, 6: 77}[m]; err != nil || stats.Ef != want || !done {
			t.Errorf("M %d: ef %d, %v, want %d", m, stats.Ef, err, want)
		}
	}
}

// An index without a graph answers exactly, needs no build, and may get a graph later.
func TestNoGraph(t *testing.T) {
	vectors := fixture.Vectors(2200, 16, 3)
	dir := t.TempDir()
	ix := open(t, dir, &hannoy.Options{Dimensions: 16, NoGraph: true, AutoBuild: &hannoy.AutoBuild{Pending: 10}})
	wornOut(t, ix, vectors, 2000, key)
	build(t, ix, nil)
	s, err := ix.Stats()
	if err != nil || s.Graph || s.Pending != 0 || s.Dead != 0 || s.Items == 0 || s.Codes != "none" || len(s.Levels) != 0 {
		t.Errorf("stats %+v, %v", s, err)
	}
	if n, err := ix.Pending(); n != 0 || err != nil {
		t.Errorf("%d items pending, %v", n, err)
	}
	checkSound(t, ix)
	filter, err := hannoy.ParseFilter("third:0")
	if err != nil {
		t.Fatal(err)
	}
	var stats hannoy.SearchStats
	for _, q := range fixture.Vectors(10, 16, 5) {
		for _, f := range []*hannoy.Filter{nil, filter} {
			got, err := ix.Search(ctx, q, 10, &hannoy.SearchOptions{Filter: f, Stats: &stats})
			want, exactErr := ix.Search(ctx, q, 10, &hannoy.SearchOptions{Filter: f, Exact: true})
			if err != nil || exactErr != nil || fmt.Sprint(got) != fmt.Sprint(want) || len(got) != 10 {
				t.Fatalf("%v, %v; exact %v, %v", got, err, want, exactErr)
			}
			if stats.Strategy != hannoy.StrategyScan || stats.Pending != 0 || stats.Distances == 0 {
				t.Errorf("stats %+v", stats)
			}
		}
	}
	if _, err := ix.Alter(ctx, &hannoy.AlterOptions{Codes: new(hannoy.CodesInt8)}); !errors.Is(err, hannoy.ErrInvalid) {
		t.Errorf("codes without a graph: %v", err)
	}
	items, without := contents(t, ix), s.Bytes.Data
	report, err := ix.Alter(ctx, &hannoy.AlterOptions{Rebuild: true})
	if err != nil || !report.NewGraph || report.Rewritten || report.Build.Linked != len(items) {
		t.Fatalf("given a graph: %+v, %v", report, err)
	}
	checkSound(t, ix)
	sameItems(t, contents(t, ix), items)
	if s, err = ix.Stats(); err != nil || !s.Graph || s.Codes != "int8" || s.M != 16 || s.Pending != 0 || s.Bytes.Data <= without {
		t.Errorf("stats %+v, %v", s, err)
	}
}
