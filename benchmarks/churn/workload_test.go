package main

import (
	"slices"
	"testing"

	"github.com/hannoydb/hannoy/benchmarks/harness"
)

// line is rows of one number, their own.
func line(n int) *harness.Rows {
	rows := &harness.Rows{Count: n, Width: 1}
	for i := range n {
		rows.F32 = append(rows.F32, float32(i))
	}
	return rows
}

// replay applies the steps and fails when a row leaves that is not there, or comes twice.
func replay(t *testing.T, p *plan) (live map[int32]bool) {
	t.Helper()
	live = map[int32]bool{}
	for i, s := range append([]step{{insert: p.start}}, p.steps...) {
		for _, row := range s.remove {
			if !live[row] {
				t.Fatalf("%s, step %d: row %d leaves and is not there", p.name, i, row)
			}
			delete(live, row)
		}
		for _, row := range s.insert {
			if live[row] {
				t.Fatalf("%s, step %d: row %d comes and is there", p.name, i, row)
			}
			live[row] = true
		}
	}
	return live
}

func TestPlansReplaceEveryRow(t *testing.T) {
	o := &options{metric: "euclidean", live: 400, turnovers: 2, share: .05, every: .5, seed: 3}
	rows := line(1000)
	for name := range workloads {
		p, err := newPlan(name, o, rows)
		if err != nil {
			t.Fatal(err)
		}
		live := replay(t, p)
		inserted, measured, fresh := 0, 0, 0
		for _, s := range p.steps {
			inserted += len(s.insert)
			if s.measure {
				measured++
			}
			if s.fresh {
				fresh++
			}
		}
		if name == "growing" {
			if len(live) < 400 {
				t.Errorf("growing: %d live at the end", len(live))
			}
			continue
		}
		if len(live) != 400 || inserted != 800 || measured != 4 || fresh != 2 {
			t.Errorf("%s: %d live, %d inserted, %d measured, %d fresh; want 400, 800, 4, 2", name, len(live), inserted, measured, fresh)
		}
	}
}

func TestRegionsAndWindows(t *testing.T) {
	o := &options{metric: "euclidean", live: 500, turnovers: 1, share: .02, every: 1, seed: 4}
	clustered, err := newPlan("clustered", o, line(1000))
	if err != nil {
		t.Fatal(err)
	}
	// Half of the rows are live at random, so 10 neighbours span about 20.
	if s := clustered.steps[0]; slices.Max(s.remove)-slices.Min(s.remove) > 60 || slices.Max(s.insert)-slices.Min(s.insert) > 60 {
		t.Errorf("removed %v, inserted %v: not a region", s.remove, s.insert)
	}
	sliding, err := newPlan("sliding", o, line(1000))
	if err != nil {
		t.Fatal(err)
	}
	if s := sliding.steps[1]; s.remove[0] != 10 || s.insert[0] != 510 {
		t.Errorf("removed from %d, inserted from %d, want 10 and 510", s.remove[0], s.insert[0])
	}
}

func TestRunbook(t *testing.T) {
	p, err := parseRunbook([]byte(`
some-10K:
  max_pts: 30
  1:
    operation: "insert"
    start: 0
    end: 20
  2:
    operation: "search"
  3:
    operation: "delete"
    start: 5
    end: 10
  10:
    operation: "insert"
    start: 8
    end: 30
  11:
    operation: "search"
  gt_url: "none"
`), 30)
	if err != nil {
		t.Fatal(err)
	}
	if live := replay(t, p); len(live) != 27 || live[7] || !live[8] {
		t.Errorf("live at the end: %v", live)
	}
	if len(p.steps) != 3 || !p.steps[0].measure || p.steps[1].measure || !p.steps[2].fresh {
		t.Errorf("steps %+v", p.steps)
	}
	for _, bad := range []string{
		"a: {1: {operation: search}}", "a: {1: {operation: insert, start: 0, end: 31}}", "a: {1: {operation: replace, start: 0, end: 1}}",
		"a: [", "{}", "a: {1: {operation: insert, start: x}}",
	} {
		if _, err := parseRunbook([]byte(bad), 30); err == nil {
			t.Errorf("%q was accepted", bad)
		}
	}
}

// TestTruth: what is kept up step by step is what a scan finds.
func TestTruth(t *testing.T) {
	rows := line(300)
	queries := &harness.Rows{Count: 3, Width: 1, F32: []float32{-1, 150.4, 299}}
	o := &options{metric: "euclidean", k: 3, live: 100, turnovers: 3, share: .1, every: 1, seed: 5}
	p, err := newPlan("uniform", o, rows)
	if err != nil {
		t.Fatal(err)
	}
	kept := newTruth(o, rows, queries)
	for i, s := range append([]step{{insert: p.start}}, p.steps...) {
		kept.apply(s.remove, s.insert)
		anew := newTruth(o, rows, queries)
		for row := range kept.live {
			anew.live[row] = true
		}
		anew.apply(nil, nil)
		var found [][]int32
		for q := range anew.near {
			var k []int32
			for j := range o.k {
				k = append(k, anew.near[q].rows[j].row)
				if anew.near[q].rows[j] != kept.near[q].rows[j] {
					t.Fatalf("step %d, query %d: %v, want %v", i, q, kept.near[q].rows[:o.k], anew.near[q].rows[:o.k])
				}
			}
			found = append(found, k)
		}
		if got := kept.recall(found); got != 1 {
			t.Fatalf("step %d: recall %v of the truth", i, got)
		}
	}
	found := [][]int32{{}, {kept.near[1].rows[0].row, kept.near[1].rows[0].row, 1000}, {}}
	if got := kept.recall(found); got != 1./9 {
		t.Errorf("recall %v of one of nine", got)
	}
}

func TestDistancesAt(t *testing.T) {
	m := &measurement{Curve: []point{{10, .90, 100}, {20, .94, 200}, {40, .96, 400}}}
	if d, ok := m.distancesAt(.95); !ok || d < 282 || d > 284 { // in the middle, of logarithms
		t.Errorf("%v, %v", d, ok)
	}
	for _, recall := range []float64{.9, .97} {
		if _, ok := m.distancesAt(recall); ok {
			t.Errorf("%v was interpolated", recall)
		}
	}
}
