package graph

import (
	"context"
	"errors"
	"math"
	"math/rand/v2"
	"sync/atomic"
	"testing"
)

// TestCancelWithinRound cancels at every stage of a round and of a removal. A builder
// that finishes its rounds is sound after that; another refuses to go on, or is sound
// as well.
func TestCancelWithinRound(t *testing.T) {
	c := clustered(rand.New(rand.NewPCG(6, 6)), 900, 8, 10, 0.3)
	for _, whole := range []bool{false, true} {
		unfinished := 0
		for after := int64(1); after < 4000; after += 97 {
			p := testParams(8, 50)
			p.Threads, p.WholeRounds, p.LargestRound = 2, whole, 64
			ctx, cancel := context.WithCancel(context.Background())
			var left atomic.Int64
			left.Store(math.MaxInt64)
			b, err := NewBuilder(p, nil, nil, 1, 0, func() Points { return &counted{c.points(), &left, cancel} })
			if err != nil {
				t.Fatal(err)
			}
			b.Add(placed(0, 900, p.M))
			for b.Linked() < 800 {
				if _, err := b.Round(ctx); err != nil {
					t.Fatal(err)
				}
			}
			left.Store(after)
			if _, err = b.Round(ctx); err == nil {
				err = b.Remove(ctx, placed(0, 60, p.M), nil)
			}
			if err != nil && !errors.Is(err, context.Canceled) {
				t.Fatal(err)
			}
			if _, err := b.Round(context.Background()); err != nil {
				unfinished++
				continue
			}
			mustCheck(t, b, numbersIn(b, 900), b.Roots(), p)
		}
		if whole != (unfinished == 0) {
			t.Errorf("whole rounds %t: %d builders are unfinished", whole, unfinished)
		}
	}
}

// counted are points that cancel a context when they have been asked often enough.
type counted struct {
	Points
	left   *atomic.Int64
	cancel func()
}

func (c *counted) Distances(dst []float32, slots []Slot) {
	if c.left.Add(-1) == 0 {
		c.cancel()
	}
	c.Points.Distances(dst, slots)
}

// TestLastRoundsAreSmall: what comes into a graph is linked in rounds that shrink, so that
// the last see the first.
func TestLastRoundsAreSmall(t *testing.T) {
	b, _ := built(t, 3000)
	if err := b.Remove(context.Background(), placed(0, 100, 8), nil); err != nil {
		t.Fatal(err)
	}
	b.Add(placed(0, 100, 8))
	for b.Queued() > 0 {
		most := max(leastRound, b.Queued()/queueShare)
		linked, err := b.Round(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		if linked > most {
			t.Fatalf("a round of %d slots with %d waiting, want %d at most", linked, linked+b.Queued(), most)
		}
	}
}
