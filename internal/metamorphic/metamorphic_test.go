package metamorphic

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/hannoydb/hannoy"
	"github.com/hannoydb/hannoy/internal/fixture"
)

var ctx = context.Background()

// machine is an index under random operations, and what it must hold.
type machine struct {
	dir     string
	options hannoy.Options
	index   *hannoy.Index
	items   map[string]held
	queries [][]float32
	// Of searches on codes that are not exact: hits that a scan has too, and all.
	found, wanted int
}

type held struct {
	vector []float32
	value  []byte
	labels []string
}

// TestMetamorphic draws the options of an index and a list of operations: whatever they
// are, the index holds what the model holds, Check is content, and searches answer what
// a scan answers, for their beams are wider than the index is large.
//
// The suite runs few lists, and always the same; -rapid.checks and -rapid.seed are for
// campaigns.
func TestMetamorphic(t *testing.T) {
	found, wanted, lists := 0, 0, 0
	rapid.Check(t, func(t *rapid.T) {
		m := newMachine(t)
		defer func() {
			if err := errors.Join(m.index.Close(), os.RemoveAll(m.dir)); err != nil {
				t.Error(err)
			}
		}()
		t.Repeat(map[string]func(*rapid.T){
			"update":  m.update,
			"again":   m.update, // twice as likely
			"build":   m.build,
			"compact": m.compact,
			"codes":   m.codes,
			"reopen":  m.reopen,
			"":        m.check,
		})
		found, wanted, lists = found+m.found, wanted+m.wanted, lists+1
	})
	recall := float64(found) / float64(max(wanted, 1))
	t.Logf("%d lists; recall of %d answers from codes of which few are compared exactly: %.3f", lists, wanted, recall)
	if wanted > 0 && recall < 0.95 {
		t.Errorf("recall is %.3f", recall)
	}
}

const machineKeys = 60

func newMachine(t *rapid.T) *machine {
	m := &machine{items: map[string]held{}}
	m.options = hannoy.Options{
		Dimensions:     rapid.SampledFrom([]int{1, 3, 8, 17, 64}).Draw(t, "dimensions"),
		Metric:         rapid.SampledFrom([]hannoy.Metric{hannoy.Euclidean, hannoy.Cosine, hannoy.InnerProduct, hannoy.Manhattan}).Draw(t, "metric"),
		VectorType:     rapid.SampledFrom([]hannoy.VectorType{hannoy.F32, hannoy.F16, hannoy.I8}).Draw(t, "type"),
		IDs:            rapid.Bool().Draw(t, "ids"),
		M:              rapid.IntRange(2, 6).Draw(t, "m"),
		EfConstruction: rapid.IntRange(4, 40).Draw(t, "ef construction"),
		Seed:           rapid.Uint64Range(0, 3).Draw(t, "seed"),
	}
	var err error
	if m.dir, err = os.MkdirTemp("", "hannoy-metamorphic-"); err != nil {
		t.Fatal(err)
	}
	if m.index, err = hannoy.Open(m.dir, &m.options); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		m.queries = append(m.queries, m.vector(t))
	}
	return m
}

// vector draws a vector of small whole numbers, which all types hold.
func (m *machine) vector(t *rapid.T) []float32 {
	v := make([]float32, m.options.Dimensions)
	r := rand.New(rand.NewPCG(rapid.Uint64Range(0, 200).Draw(t, "vector"), 0))
	for i := range v {
		v[i] = float32(r.IntN(17) - 8)
	}
	v[0] = float32(1 + r.IntN(8)) // not zero, for the sake of cosine
	return v
}

func (m *machine) key(i int) []byte {
	if m.options.IDs {
		return hannoy.ID(uint32(i * 1000))
	}
	return strconv.AppendInt(nil, int64(i), 10)
}

func (m *machine) update(t *rapid.T) {
	_, err := m.index.Update(ctx, func(b *hannoy.Batch) error {
		for range rapid.IntRange(1, 25).Draw(t, "changes") {
			k := m.key(rapid.IntRange(0, machineKeys-1).Draw(t, "key"))
			if rapid.IntRange(0, 3).Draw(t, "delete") == 0 {
				delete(m.items, string(k))
				if err := b.Delete(k); err != nil {
					return err
				}
				continue
			}
			h := held{vector: m.vector(t)}
			var options []hannoy.PutOption
			if size := rapid.SampledFrom([]int{-1, 1, 100, 5000}).Draw(t, "value"); size > 0 {
				h.value = bytes.Repeat(k[len(k)-1:], size)
				options = append(options, hannoy.Value(h.value))
			}
			if n := rapid.IntRange(0, 3).Draw(t, "label"); n > 0 {
				h.labels = []string{fmt.Sprint("label", n)}
				options = append(options, hannoy.Labels(h.labels...))
			}
			m.items[string(k)] = h
			if err := b.Put(k, h.vector, options...); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func (m *machine) build(t *rapid.T) {
	o := &hannoy.BuildOptions{Threads: rapid.IntRange(1, 3).Draw(t, "threads")}
	if rapid.Bool().Draw(t, "commit often") {
		o.CommitEvery = time.Microsecond
	}
	if _, err := m.index.Build(ctx, o); err != nil {
		t.Fatal(err)
	}
}

func (m *machine) compact(t *rapid.T) {
	if _, err := m.index.Compact(ctx); err != nil {
		t.Fatal(err)
	}
}

func (m *machine) codes(t *rapid.T) {
	codes := rapid.SampledFrom([]hannoy.Codes{hannoy.CodesNone, hannoy.CodesInt8, hannoy.CodesBinary}).Draw(t, "codes")
	if _, err := m.index.Alter(ctx, &hannoy.AlterOptions{Codes: new(codes)}); err != nil && !errors.Is(err, hannoy.ErrInvalid) {
		t.Fatal(err)
	}
}

func (m *machine) reopen(t *rapid.T) {
	if err := m.index.Close(); err != nil {
		t.Fatal(err)
	}
	var err error
	if m.index, err = hannoy.Open(m.dir, nil); err != nil {
		t.Fatal(err)
	}
}

func (m *machine) check(t *rapid.T) {
	report, err := m.index.Check(ctx)
	if err != nil || !report.Sound {
		t.Fatalf("check: %+v, %v", report, err)
	}
	codes, err := m.index.Codes()
	if err != nil {
		t.Fatal(err)
	}
	err = m.index.View(func(s *hannoy.Snapshot) error {
		if s.Len() != len(m.items) {
			t.Fatalf("%d items, want %d", s.Len(), len(m.items))
		}
		vectors := map[string][]float32{}
		for item, err := range s.Items() {
			if err != nil {
				return err
			}
			m.compare(t, item)
			vectors[string(item.Key)] = item.Vector
		}
		if len(vectors) != len(m.items) {
			t.Fatalf("Items has %d, want %d", len(vectors), len(m.items))
		}
		for _, q := range m.queries {
			m.search(t, s, hannoy.Query{Vector: q}, q, vectors, codes != hannoy.CodesInt8)
		}
		// With so large an ef, searches for an item's neighbours walk, others compare with all.
		for _, key := range slices.Sorted(maps.Keys(vectors))[:min(2, len(vectors))] {
			others := maps.Clone(vectors)
			delete(others, key)
			m.search(t, s, hannoy.Query{Key: []byte(key)}, vectors[key], others, codes != hannoy.CodesInt8)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func (m *machine) compare(t *rapid.T, item hannoy.Item) {
	want, ok := m.items[string(item.Key)]
	same := slices.Equal(item.Vector, want.vector)
	if m.options.Metric == hannoy.Cosine { // stored at unit length, but for int8
		same = fixture.Distance(hannoy.Cosine, item.Vector, want.vector) < 1e-3
	}
	if !ok || !same || !bytes.Equal(item.Value, want.value) || !slices.Equal(item.Labels, want.labels) {
		t.Fatalf("item %q is %v, %d bytes, %q; want %v, %d bytes, %q (%t)", item.Key, item.Vector, len(item.Value), item.Labels, want.vector, len(want.value), want.labels, ok)
	}
}

// search compares answers to q, whose vector is query, with a scan of the vectors.
func (m *machine) search(t *rapid.T, s *hannoy.Snapshot, q hannoy.Query, query []float32, vectors map[string][]float32, certain bool) {
	const k = 5
	var all []float64
	for _, v := range vectors {
		all = append(all, fixture.Distance(m.options.Metric, query, v))
	}
	nearest := fixture.Nearest(all, k)
	for _, exact := range []bool{true, false} {
		answers, err := s.SearchBatch(ctx, []hannoy.Query{q}, k, &hannoy.SearchOptions{Ef: 2 * machineKeys, Exact: exact})
		if err != nil {
			t.Fatal(err)
		}
		hits := answers[0]
		if len(hits) != len(nearest) {
			t.Fatalf("%d hits, want %d", len(hits), len(nearest))
		}
		for i, h := range hits {
			d := float64(h.Distance)
			v, ok := vectors[string(h.Key)]
			if !ok || !near(fixture.Distance(m.options.Metric, query, v), d) {
				t.Fatalf("hit %q at %v, it is at %v (%t)", h.Key, d, fixture.Distance(m.options.Metric, query, v), ok)
			}
			switch {
			case exact || certain:
				if !near(nearest[i], d) {
					t.Fatalf("hit %d (exact %t) at %v, the nearest are at %v", i, exact, hits, nearest)
				}
			default:
				if m.wanted++; d <= nearest[len(nearest)-1] || near(nearest[len(nearest)-1], d) {
					m.found++
				}
			}
		}
	}
}

// near allows for half-precision vectors of unit length.
func near(want, got float64) bool { return math.Abs(want-got) <= 2e-3*max(1, math.Abs(want)) }

func TestMain(m *testing.M) {
	setRapid()
	os.Exit(m.Run())
}

// setRapid makes the suite run few lists of operations, and always the same, unless
// others are asked for.
func setRapid() {
	flag.Parse()
	for name, value := range map[string]string{"rapid.checks": "15", "rapid.steps": "15", "rapid.seed": "1", "rapid.nofailfile": "true"} {
		given := false
		flag.Visit(func(f *flag.Flag) { given = given || f.Name == name })
		if !given {
			_ = flag.Set(name, value)
		}
	}
}
