package linking_test

import (
	"context"
	"errors"
	"math"
	"math/rand/v2"
	"sync/atomic"
	"testing"

	"github.com/hannoydb/hannoy/graph"
	"github.com/hannoydb/hannoy/graph/graphtest"
	"github.com/hannoydb/hannoy/graph/linking"
)

// TestCancelWithinRound cancels at every stage of a round and of a removal. A builder
// that finishes its rounds is sound after that; another refuses to go on, or is sound
// as well.
func TestCancelWithinRound(t *testing.T) {
	c := graphtest.Clustered(rand.New(rand.NewPCG(6, 6)), 900, 8, 10, 0.3)
	for _, whole := range []bool{false, true} {
		unfinished := 0
		for after := int64(1); after < 4000; after += 97 {
			p := graphtest.Params(8, 50)
			p.Threads, p.WholeRounds, p.LargestRound = 2, whole, 64
			ctx, cancel := context.WithCancel(context.Background())
			var left atomic.Int64
			left.Store(math.MaxInt64)
			b, err := linking.NewBuilder(p, nil, nil, 1, 0, func() linking.Points { return &counted{c.Points(), &left, cancel} })
			if err != nil {
				t.Fatal(err)
			}
			b.Add(graphtest.Placed(0, 900, p.M))
			for b.Linked() < 800 {
				if _, err := b.Round(ctx); err != nil {
					t.Fatal(err)
				}
			}
			left.Store(after)
			if _, err = b.Round(ctx); err == nil {
				err = b.Remove(ctx, graphtest.Placed(0, 60, p.M), nil)
			}
			if err != nil && !errors.Is(err, context.Canceled) {
				t.Fatal(err)
			}
			if _, err := b.Round(context.Background()); err != nil {
				unfinished++
				continue
			}
			graphtest.MustCheck(t, b, numbersIn(b, 900), b.Roots(), p)
		}
		if whole != (unfinished == 0) {
			t.Errorf("whole rounds %t: %d builders are unfinished", whole, unfinished)
		}
	}
}

// counted are points that cancel a context when they have been asked often enough.
type counted struct {
	linking.Points
	left   *atomic.Int64
	cancel func()
}

func (c *counted) Distances(dst []float32, slots []graph.Slot) {
	if c.left.Add(-1) == 0 {
		c.cancel()
	}
	c.Points.Distances(dst, slots)
}

// TestLastRoundsAreSmall: what comes into a graph is linked in rounds that shrink, so that
// the last see the first.
func TestLastRoundsAreSmall(t *testing.T) {
	b, _ := graphtest.Built(t, 3000)
	if err := b.Remove(context.Background(), graphtest.Placed(0, 100, 8), nil); err != nil {
		t.Fatal(err)
	}
	b.Add(graphtest.Placed(0, 100, 8))
	for b.Queued() > 0 {
		most := max(linking.LeastRound, b.Queued()/linking.QueueShare)
		linked, err := b.Round(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		if linked > most {
			t.Fatalf("a round of %d slots with %d waiting, want %d at most", linked, linked+b.Queued(), most)
		}
	}
}
