package hannoy_test

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/RoaringBitmap/roaring/v2"

	"github.com/hannoydb/hannoy"
	"github.com/hannoydb/hannoy/internal/fixture"
)

// Whatever share of the items matches, and wherever the matches lie, a search finds
// min(k, matches) of them, most of which are the nearest, and says how.
func TestFilteredRecall(t *testing.T) {
	const n, dims, k = 10000, 16, 10
	vectors, queries := fixture.Vectors(n, dims, 3), fixture.Vectors(15, dims, 4)
	ix := open(t, t.TempDir(), &hannoy.Options{Dimensions: dims, IDs: true, EfConstruction: 60})
	putIDs(t, ix, vectors)
	build(t, ix, nil)
	orders, all := make([][]uint32, len(queries)), make([][]float64, len(queries))
	for i, q := range queries {
		orders[i], all[i] = make([]uint32, n), make([]float64, n)
		for row, v := range vectors {
			orders[i][row] = uint32(row)
			all[i][row] = fixture.Distance(hannoy.Euclidean, q, v)
		}
		slices.SortFunc(orders[i], func(a, b uint32) int { return cmp.Compare(all[i][a], all[i][b]) })
	}
	seen := map[hannoy.Strategy]bool{}
	for _, codes := range []hannoy.Codes{hannoy.CodesInt8, hannoy.CodesNone} {
		if _, err := ix.Alter(ctx, &hannoy.AlterOptions{Codes: new(codes)}); err != nil {
			t.Fatal(err)
		}
		for _, matches := range []int{0, 1, 7, 100, 1000, 2000, 5000, n} {
			for placement, choose := range map[string]func(order []uint32) []uint32{
				"nearest":  func(order []uint32) []uint32 { return order[:matches] },
				"farthest": func(order []uint32) []uint32 { return order[n-matches:] },
				"uniform": func(order []uint32) []uint32 {
					slices.SortFunc(order, func(a, b uint32) int { return cmp.Compare(a*0x9e3779b1, b*0x9e3779b1) })
					return order[:matches]
				},
			} {
				found, wanted := 0, 0
				for i, q := range queries {
					distances := all[i]
					ids := roaring.BitmapOf(choose(slices.Clone(orders[i]))...)
					var stats hannoy.SearchStats
					hits, err := ix.Search(ctx, q, k, &hannoy.SearchOptions{Ef: 30, Filter: hannoy.FilterIDs(ids), Stats: &stats})
					if err != nil {
						t.Fatal(err)
					}
					if len(hits) != min(k, matches) || stats.Matches != matches || stats.Explain() == "" {
						t.Fatalf("%d of %d %s: %d hits, %s", matches, n, placement, len(hits), stats.Explain())
					}
					// Never more than a walk that was given up, a scan by codes and one more of what they may hide.
					if most := 3*matches + 1000; stats.Strategy != hannoy.StrategySweep && stats.Distances > most {
						t.Errorf("%d of %d %s: %s", matches, n, placement, stats.Explain())
					}
					seen[stats.Strategy] = true
					found += countNear(t, hits, ids, distances, k)
					wanted += min(k, matches)
				}
				if recall := float64(found) / float64(max(wanted, 1)); wanted > 0 && recall < .9 {
					t.Errorf("%d of %d %s: recall %v", matches, n, placement, recall)
				}
			}
		}
	}
	for _, s := range []hannoy.Strategy{hannoy.StrategyScan, hannoy.StrategySweep} {
		if !seen[s] {
			t.Errorf("no search took the strategy %v", s)
		}
	}
}

// countNear is how many of the hits are among the k nearest of the ids, all of which they must be.
func countNear(t *testing.T, hits []hannoy.Hit, ids *roaring.Bitmap, distances []float64, k int) (found int) {
	t.Helper()
	var matching []float64
	for it := ids.Iterator(); it.HasNext(); {
		matching = append(matching, distances[it.Next()])
	}
	nearest := fixture.Nearest(matching, k)
	for _, h := range hits {
		id, err := hannoy.ParseID(h.Key)
		if err != nil || !ids.Contains(id) || math.Abs(float64(h.Distance)-distances[id]) > 1e-3 {
			t.Fatalf("hit %x at %v does not match, or is at %v", h.Key, h.Distance, distances[id])
		}
		if distances[id] <= nearest[len(nearest)-1]*(1+1e-6) {
			found++
		}
	}
	return found
}

// A prepared filter is of its snapshot; elsewhere it is worked out anew.
func TestPreparedFilterInLaterCommit(t *testing.T) {
	ix := open(t, t.TempDir(), &hannoy.Options{Dimensions: 1})
	put := func(name string, labels ...string) {
		update(t, ix, func(b *hannoy.Batch) error { return b.Put([]byte(name), []float32{1}, hannoy.Labels(labels...)) })
	}
	put("a", "x")
	asked := 0
	even := hannoy.FilterFunc(func(key []byte) bool { asked++; return true })
	f := hannoy.FilterLabel("x").And(even)
	err := ix.View(func(s *hannoy.Snapshot) (err error) {
		for range 2 {
			if f, _, err = s.Prepare(ctx, f); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if asked != 1 {
		t.Errorf("the function was asked %d times about one item", asked)
	}
	put("b", "x")
	put("c")
	hits, err := ix.Search(ctx, []float32{1}, 5, &hannoy.SearchOptions{Filter: f})
	if err != nil || len(hits) != 2 || !bytes.Equal(hits[1].Key, []byte("b")) || asked != 3 {
		t.Errorf("hits %v, %v after %d questions", hits, err, asked)
	}
}

// A context that is done ends the work on a filter.
func TestFilterCancelled(t *testing.T) {
	ix := open(t, t.TempDir(), &hannoy.Options{Dimensions: 1})
	putRows(t, ix, [][]float32{{1}, {2}}, 0, 2)
	done, cancel := context.WithCancel(ctx)
	cancel()
	err := ix.View(func(s *hannoy.Snapshot) error {
		_, _, err := s.Prepare(done, hannoy.FilterFunc(func([]byte) bool { return true }))
		return err
	})
	if !errors.Is(err, context.Canceled) || !strings.Contains(err.Error(), "filter") {
		t.Errorf("error %v", err)
	}
}
