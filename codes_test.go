package hannoy_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"

	"github.com/hannoydb/hannoy"
	"github.com/hannoydb/hannoy/internal/fixture"
)

// shapes are data that a byte per number and a scale per vector serve badly if nothing is done about it, and the codes
// that an index chooses for them.
var shapes = []struct {
	name  string
	bend  func(i int, v []float32)
	codes hannoy.Codes
}{
	{"plain", func(int, []float32) {}, hannoy.CodesInt8},
	{"far from the origin", func(_ int, v []float32) {
		for d := range v {
			v[d] += 1000
		}
	}, hannoy.CodesInt8},
	{"a few vectors far away", func(i int, v []float32) {
		for d := range v {
			if v[d] += 1000; i%500 == 1 {
				v[d] *= 1e6
			}
		}
	}, hannoy.CodesInt8},
	{"clusters very far apart", func(i int, v []float32) { v[i%8] += 1e6 }, hannoy.CodesNone},
}

// Whatever the data, the codes that an index chooses find what the stored vectors find.
func TestCodesSuitTheData(t *testing.T) {
	const n, dims = 1000, 24
	for _, shape := range shapes {
		t.Run(shape.name, func(t *testing.T) {
			vectors := fixture.Vectors(n+40, dims, fixture.Seed(t))
			for i, v := range vectors {
				shape.bend(i, v)
			}
			rows, queries := vectors[:n], vectors[n:]
			var recalls []float64
			for _, codes := range []hannoy.Codes{hannoy.CodesNone, hannoy.CodesAuto} {
				ix := open(t, t.TempDir(), &hannoy.Options{Dimensions: dims, Codes: codes})
				putRows(t, ix, rows, 0, n)
				build(t, ix, nil)
				checkCodes(t, ix, map[bool]hannoy.Codes{true: shape.codes}[codes == hannoy.CodesAuto])
				recalls = append(recalls, newModel(hannoy.Euclidean, rows).recall(t, ix, queries, 10, &hannoy.SearchOptions{Ef: 40}))
				checkSound(t, ix)
			}
			if recalls[1] < recalls[0]-.02 {
				t.Errorf("recall is %v, and %v without codes", recalls[1], recalls[0])
			}
		})
	}
}

func checkCodes(t *testing.T, ix *hannoy.Index, want hannoy.Codes) {
	t.Helper()
	has, err := ix.Codes()
	if err != nil {
		t.Fatal(err)
	}
	if want == hannoy.CodesAuto {
		want = hannoy.CodesNone
	}
	if has != want {
		t.Errorf("codes are %v, want %v", has, want)
	}
}

// The codes follow the data when these become others; those that somebody chose stay what they are.
func TestCodesFollowTheData(t *testing.T) {
	const few, n, dims = 10, 1000, 24
	for _, shape := range shapes[1:] {
		for _, codes := range []hannoy.Codes{hannoy.CodesAuto, hannoy.CodesInt8} {
			t.Run(shape.name+", "+codes.String(), func(t *testing.T) {
				vectors := fixture.Vectors(n+40, dims, fixture.Seed(t))
				for i, v := range vectors[few:] {
					shape.bend(i, v)
				}
				rows, queries := vectors[:n], vectors[n:]
				ix := open(t, t.TempDir(), &hannoy.Options{Dimensions: dims, Codes: codes})
				putRows(t, ix, rows, 0, few)
				build(t, ix, nil)
				checkCodes(t, ix, hannoy.CodesInt8)
				putRows(t, ix, rows, few, n)
				build(t, ix, nil)
				checkSound(t, ix)
				want := shape.codes
				if codes == hannoy.CodesInt8 {
					want = codes
				}
				checkCodes(t, ix, want)
				if recall := newModel(hannoy.Euclidean, rows).recall(t, ix, queries, 10, &hannoy.SearchOptions{Ef: 100}); shape.codes == want && recall < .95 {
					t.Errorf("recall is %v", recall)
				}
			})
		}
	}
}

// A build, or an Alter, that is cut off while it writes codes in place of others leaves them to the next build. Meanwhile
// they are still what the index was opened with.
func TestCodesThatWereCutOff(t *testing.T) {
	const few, n, dims = 10, 1000, 24
	vectors := fixture.Vectors(n, dims, fixture.Seed(t))
	for i, v := range vectors[few:] {
		shapes[1].bend(i, v)
	}
	for name, cut := range map[string]struct {
		codes, want hannoy.Codes
		change      func(ctx context.Context, ix *hannoy.Index) error
	}{
		"build, chosen": {hannoy.CodesInt8, hannoy.CodesInt8, func(ctx context.Context, ix *hannoy.Index) error {
			_, err := ix.Build(ctx, nil)
			return err
		}},
		"build, auto": {hannoy.CodesAuto, hannoy.CodesInt8, func(ctx context.Context, ix *hannoy.Index) error {
			_, err := ix.Build(ctx, nil)
			return err
		}},
		"alter": {hannoy.CodesInt8, hannoy.CodesBinary, func(ctx context.Context, ix *hannoy.Index) error {
			_, err := ix.Alter(ctx, &hannoy.AlterOptions{Codes: new(hannoy.CodesBinary)})
			return err
		}},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			ix := open(t, dir, &hannoy.Options{Dimensions: dims, Codes: cut.codes})
			putRows(t, ix, vectors, 0, few)
			build(t, ix, nil)
			putRows(t, ix, vectors, few, n)
			if err := cut.change(&untilNoCodes{Context: ctx, ix: ix}, ix); !errors.Is(err, context.Canceled) {
				t.Fatalf("cut off: %v", err)
			}
			checkCodes(t, ix, hannoy.CodesNone)
			checkSound(t, ix)
			open(t, dir, &hannoy.Options{Codes: cut.want})
			build(t, ix, nil)
			checkCodes(t, ix, cut.want)
			if left := pending(t, ix); left != 0 {
				t.Errorf("%d items are pending", left)
			}
		})
	}
}

// What a build that was cut off has left in the file of codes that went, the next takes away.
func TestCodesThatWentLeaveNothing(t *testing.T) {
	const few, n, dims = 10, 1000, 24
	vectors := fixture.Vectors(n, dims, fixture.Seed(t))
	for i, v := range vectors[few:] {
		shapes[3].bend(i, v)
	}
	ix := open(t, t.TempDir(), &hannoy.Options{Dimensions: dims})
	putRows(t, ix, vectors, 0, few)
	build(t, ix, nil)
	putRows(t, ix, vectors, few, n)
	if _, err := ix.Build(&untilNoCodes{Context: t.Context(), ix: ix}, nil); !errors.Is(err, context.Canceled) {
		t.Fatalf("cut off: %v", err)
	}
	for _, left := range []bool{true, false} {
		checkCodes(t, ix, hannoy.CodesNone)
		stats, err := ix.Stats()
		if err != nil {
			t.Fatal(err)
		}
		if bytes := stats.Bytes.Codes; bytes > 0 != left {
			t.Errorf("%d bytes of codes are in the file, want some: %t", bytes, left)
		}
		build(t, ix, nil)
	}
	checkSound(t, ix)
}

// untilNoCodes is done when searches have no codes to go by.
type untilNoCodes struct {
	context.Context
	ix   *hannoy.Index
	done atomic.Bool
}

func (c *untilNoCodes) Err() error {
	if codes, err := c.ix.Codes(); err != nil || codes == hannoy.CodesNone {
		c.done.Store(true)
	}
	if c.done.Load() {
		return context.Canceled
	}
	return nil
}

// Codes that somebody chose can be left to the builds again.
func TestCodesBackToAuto(t *testing.T) {
	const n, dims = 1000, 24
	for _, shape := range shapes {
		t.Run(shape.name, func(t *testing.T) {
			vectors := fixture.Vectors(n, dims, fixture.Seed(t))
			for i, v := range vectors {
				shape.bend(i, v)
			}
			ix := open(t, t.TempDir(), &hannoy.Options{Dimensions: dims})
			putRows(t, ix, vectors, 0, n)
			build(t, ix, nil)
			for _, chosen := range []hannoy.Codes{hannoy.CodesNone, hannoy.CodesBinary} {
				for _, step := range []struct{ alter, want hannoy.Codes }{{chosen, chosen}, {hannoy.CodesAuto, shape.codes}} {
					if _, err := ix.Alter(ctx, &hannoy.AlterOptions{Codes: &step.alter}); err != nil {
						t.Fatal(err)
					}
					checkCodes(t, ix, step.want)
					checkSound(t, ix)
				}
			}
		})
	}
}
