package hannoy_test

import (
	"errors"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/hannoydb/hannoy"
	"github.com/hannoydb/hannoy/internal/fixture"
)

// The smallest ef for a recall finds it, and the next smaller does not; stored, it is that
// of searches which do not say theirs, here and in other openings.
func TestTuneEf(t *testing.T) {
	const k, want = 10, .9
	c := newCorpus(t, hannoy.Options{Metric: hannoy.Cosine})
	held := make([]hannoy.Query, 100)
	for i, v := range fixture.Vectors(len(held), corpusDims, 77) {
		held[i] = hannoy.Query{Vector: v}
	}
	for name, queries := range map[string][]hannoy.Query{"held out": held, "sampled": nil} {
		var tuned hannoy.Recall
		err := c.View(func(s *hannoy.Snapshot) (err error) {
			if tuned, err = s.TuneEf(ctx, queries, k, want, nil); err != nil {
				return err
			}
			scanned := 0
			again, err := s.RecallEstimate(ctx, queries, k, &hannoy.SearchOptions{Ef: tuned.Ef, Progress: func(done, total int) {
				if scanned++; done != scanned || total != tuned.Queries {
					t.Errorf("%s: %d of %d are scanned after %d of %d", name, done, total, scanned, tuned.Queries)
				}
			}})
			if scanned != tuned.Queries {
				t.Errorf("%s: told of %d scans of %d", name, scanned, tuned.Queries)
			}
			if again != tuned {
				t.Errorf("%s: estimate %+v, tuned %+v", name, again, tuned)
			}
			if tuned.Ef > k {
				less, err := s.RecallEstimate(ctx, queries, k, &hannoy.SearchOptions{Ef: tuned.Ef - 1})
				if err != nil || less.Recall >= want {
					t.Errorf("%s: ef %d is not the smallest: %+v, %v", name, tuned.Ef, less, err)
				}
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		if tuned.Recall < want || tuned.Margin <= 0 || tuned.Margin > .1 || tuned.Queries < 100 || tuned.Distances <= 0 {
			t.Errorf("%s: %+v", name, tuned)
		}
		if err := c.SetEf(ctx, tuned.Ef); err != nil {
			t.Fatal(err)
		}
		other := open(t, c.Path(), nil)
		var stored, given hannoy.SearchStats
		other.Search(ctx, held[0].Vector, k, &hannoy.SearchOptions{Stats: &stored})
		other.Search(ctx, held[0].Vector, k, &hannoy.SearchOptions{Stats: &given, Ef: tuned.Ef})
		stats, err := other.Stats()
		if err != nil || stats.Ef != tuned.Ef || stored.Hops != given.Hops {
			t.Errorf("%s: the index says ef %d, %v; searches make %d hops, with ef %d %d", name, stats.Ef, err, stored.Hops, tuned.Ef, given.Hops)
		}
	}
	checkSound(t, c.Index)
	if _, err := c.Compact(ctx); err != nil {
		t.Fatal(err)
	}
	if stats, err := c.Stats(); err != nil || stats.Ef == 0 {
		t.Errorf("after compacting ef is %d, %v", stats.Ef, err)
	}
}

// The estimate is the recall over all queries, as the model counts it.
func TestRecallEstimate(t *testing.T) {
	const n, k, ef = 4000, 10, 12
	vectors, queries := fixture.Vectors(n, 16, 1), fixture.Vectors(100, 16, 2)
	ix := open(t, t.TempDir(), &hannoy.Options{Dimensions: 16, M: 4, EfConstruction: 20})
	putRows(t, ix, vectors, 0, n)
	build(t, ix, nil)
	var asked []hannoy.Query
	for _, q := range queries {
		asked = append(asked, hannoy.Query{Vector: q})
	}
	err := ix.View(func(s *hannoy.Snapshot) error {
		o := &hannoy.SearchOptions{Ef: ef}
		r, err := s.RecallEstimate(ctx, asked, k, o)
		want := newModel(hannoy.Euclidean, vectors).recall(t, ix, queries, k, o)
		if math.Abs(r.Recall-want) > .01 || r.Recall > .99 {
			t.Errorf("estimated %+v, it is %v", r, want)
		}
		if err != nil {
			return err
		}
		// Items of the index are no easier queries than vectors that are not in it.
		sampled, err := s.RecallEstimate(ctx, nil, k, o)
		if sampled.Recall > want+.02 || sampled.Recall < want-.1 {
			t.Errorf("by items of the index %+v, it is %v", sampled, want)
		}
		if err != nil {
			return err
		}
		o.Filter = hannoy.FilterFunc(func(key []byte) bool { return key[len(key)-1]%3 != 0 })
		filtered, err := s.RecallEstimate(ctx, asked, k, o)
		if err != nil {
			return err
		}
		// As queries the same items find the same: searches that are held out leave nothing behind.
		if sampled, err = s.RecallEstimate(ctx, nil, k, o); err != nil {
			return err
		}
		if sampled.Recall > filtered.Recall+.02 || sampled.Recall < filtered.Recall-.1 || filtered.Recall > .995 {
			t.Errorf("with a filter by items of the index %+v, by queries %+v", sampled, filtered)
		}
		again, err := s.RecallEstimate(ctx, asked, k, o)
		if again.Recall != filtered.Recall {
			t.Errorf("with a filter by queries %+v, at first %+v", again, filtered)
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}

func TestTuneRefuses(t *testing.T) {
	ix := open(t, t.TempDir(), &hannoy.Options{Dimensions: 1})
	try := func(k int, recall float64) (err error) {
		return ix.View(func(s *hannoy.Snapshot) error {
			_, err := s.TuneEf(ctx, nil, k, recall, nil)
			return err
		})
	}
	asked := []hannoy.Query{{Vector: []float32{1}}}
	for _, queries := range [][]hannoy.Query{nil, asked} {
		err := ix.View(func(s *hannoy.Snapshot) error {
			_, err := s.RecallEstimate(ctx, queries, 1, nil)
			return err
		})
		if !errors.Is(err, hannoy.ErrInvalid) {
			t.Errorf("%d queries of an empty index: %v", len(queries), err)
		}
	}
	putRows(t, ix, [][]float32{{1}, {2}}, 0, 2)
	if err := try(1, .9); !errors.Is(err, hannoy.ErrInvalid) {
		t.Errorf("before a build, where every ef finds all: %v", err)
	}
	build(t, ix, nil)
	if err := try(1, .9); err != nil {
		t.Error(err)
	}
	for k, want := range map[int]error{1: nil, 2: hannoy.ErrInvalid} {
		err := ix.View(func(s *hannoy.Snapshot) error {
			_, err := s.TuneEf(ctx, asked, k, 1, nil)
			return err
		})
		if !errors.Is(err, want) {
			t.Errorf("the nearest %d of two, which one search compares with both: %v, want %v", k, err, want)
		}
	}
	err := ix.View(func(s *hannoy.Snapshot) error {
		_, err := s.TuneEf(ctx, asked, 1, .9, &hannoy.SearchOptions{Filter: hannoy.FilterLabel("none")})
		return err
	})
	if !errors.Is(err, hannoy.ErrInvalid) {
		t.Errorf("a filter that nothing matches: %v", err)
	}
	for _, test := range []struct {
		k      int
		recall float64
	}{{0, .9}, {1, 0}, {1, 1.1}, {1, math.NaN()}} {
		if err := try(test.k, test.recall); !errors.Is(err, hannoy.ErrInvalid) {
			t.Errorf("k %d, recall %v: %v", test.k, test.recall, err)
		}
	}
	if err := ix.SetEf(ctx, -1); !errors.Is(err, hannoy.ErrInvalid) {
		t.Errorf("SetEf(-1): %v", err)
	}
}

// Where items crowd, int8 codes take many for one: a search compares as many exactly as
// it takes to tell them apart.
func TestCrowdsFinerThanCodes(t *testing.T) {
	const dims, crowds, crowd = 16, 20, 100
	r := rand.New(rand.NewPCG(1, 1))
	near := func(v []float32, width float64) []float32 {
		w := slices.Clone(v)
		for i := range w {
			w[i] += float32(width * r.NormFloat64())
		}
		return w
	}
	var vectors, queries [][]float32
	for range crowds {
		centre := near(make([]float32, dims), 10)
		for i := range crowd {
			vectors = append(vectors, near(centre, .02))
			if i%10 == 0 {
				queries = append(queries, near(centre, .02))
			}
		}
	}
	ix := open(t, t.TempDir(), &hannoy.Options{Dimensions: dims, Codes: hannoy.CodesInt8})
	putRows(t, ix, vectors, 0, len(vectors))
	build(t, ix, nil)
	if recall := newModel(hannoy.Euclidean, vectors).recall(t, ix, queries, 10, &hannoy.SearchOptions{Ef: 200}); recall < .95 {
		t.Errorf("recall is %v", recall)
	}
}

// Codes do not have the last of many neighbours in their true order: a walk for as many as ef finds them all the same.
func TestWalksOnCodesForAsManyAsEf(t *testing.T) {
	const n, dims, k = 3000, 24, 100
	vectors := fixture.Vectors(n+40, dims, fixture.Seed(t))
	for i, v := range vectors { // one number is large, so that codes are coarse
		v[3] += float32(100 * (i % 3))
	}
	var recalls []float64
	for _, codes := range []hannoy.Codes{hannoy.CodesNone, hannoy.CodesInt8} {
		ix := open(t, t.TempDir(), &hannoy.Options{Dimensions: dims, Codes: codes, EfConstruction: 60})
		putRows(t, ix, vectors, 0, n)
		build(t, ix, nil)
		recalls = append(recalls, newModel(hannoy.Euclidean, vectors[:n]).recall(t, ix, vectors[n:], k, &hannoy.SearchOptions{Ef: k}))
	}
	if recalls[1] < recalls[0]-.005 {
		t.Errorf("recall is %v on codes, %v on the stored vectors", recalls[1], recalls[0])
	}
	t.Logf("recall is %v on codes, %v on the stored vectors", recalls[1], recalls[0])
}

// Under inner product the longest vectors are the answers to most queries, and nothing else may lead to them: here all
// have one direction in common, and a few are twice as long as the rest but less alike to the queries.
func TestInnerProductOfUnequalLengths(t *testing.T) {
	const n, dims, long = 4000, 32, 80
	r := rand.New(rand.NewPCG(2, 1))
	random := func(length float64, near []float32, noise float64) []float32 {
		v := make([]float32, dims)
		for i := range v {
			v[i] = float32(length * (.7 + float64(near[i]) + noise*r.NormFloat64()))
		}
		return v
	}
	var centres, vectors, queries [][]float32
	for range 40 {
		centres = append(centres, random(1, make([]float32, dims), 1))
	}
	for i := range n {
		if length := math.Exp(.1 * r.NormFloat64()); i%(n/long) == 0 {
			vectors = append(vectors, random(2*length, make([]float32, dims), 1))
		} else {
			vectors = append(vectors, random(length, centres[r.IntN(len(centres))], .3))
		}
	}
	for range 100 {
		queries = append(queries, random(1, centres[r.IntN(len(centres))], .3))
	}
	for _, codes := range []hannoy.Codes{hannoy.CodesNone, hannoy.CodesInt8} {
		ix := open(t, t.TempDir(), &hannoy.Options{Dimensions: dims, Metric: hannoy.InnerProduct, Codes: codes})
		m := newModel(hannoy.InnerProduct, vectors)
		finds := func(when string) {
			checkSound(t, ix)
			if recall := m.recall(t, ix, queries, 10, &hannoy.SearchOptions{Ef: 20}); recall < .95 {
				t.Errorf("codes %v, %s: recall is %v", codes, when, recall)
			}
		}
		for from := 0; from < n; from += n / 4 {
			putRows(t, ix, vectors, from, from+n/4)
			build(t, ix, nil)
		}
		finds("all")
		update(t, ix, func(b *hannoy.Batch) error {
			for i := 0; i < n; i += n / long {
				delete(m.items, string(key(i)))
				if err := b.Delete(key(i)); err != nil {
					return err
				}
			}
			return nil
		})
		finds("long ones deleted")
		build(t, ix, nil)
		finds("their links repaired")
	}
}
