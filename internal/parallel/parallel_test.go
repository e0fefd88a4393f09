package parallel

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
)

func TestRun(t *testing.T) {
	var calls atomic.Int64
	if err := Run(context.Background(), 4, func(context.Context) error { calls.Add(1); return nil }); err != nil || calls.Load() != 4 {
		t.Errorf("%d calls, %v", calls.Load(), err)
	}
	// The first error ends the others and is what Run returns.
	first := errors.New("first")
	var turn atomic.Int64
	err := Run(context.Background(), 4, func(ctx context.Context) error {
		if turn.Add(1) == 1 {
			return first
		}
		<-ctx.Done()
		return ctx.Err()
	})
	if err != first {
		t.Errorf("%v, want the first error", err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := Run(ctx, 2, func(ctx context.Context) error { return ctx.Err() }); !errors.Is(err, context.Canceled) {
		t.Errorf("%v, want canceled", err)
	}
}
