package write

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/hannoydb/hannoy"
)

func TestTurn(t *testing.T) {
	cancelled, cancel := context.WithCancel(context.Background())
	cancel()
	for _, test := range []struct {
		ctx   context.Context
		wait  time.Duration
		busy  int // so many tries
		want  error
		tries int
	}{
		{context.Background(), 0, 1, hannoy.ErrBusy, 1},
		{context.Background(), time.Hour, 2, nil, 3},
		{cancelled, time.Hour, 1, context.Canceled, 1},
	} {
		tries := 0
		err := (&turn{test.wait}).take(test.ctx, func() error {
			if tries++; tries <= test.busy {
				return hannoy.ErrBusy
			}
			return nil
		})
		if !errors.Is(err, test.want) || tries != test.tries {
			t.Errorf("busy %d times, waiting %s: %v after %d tries, want %v after %d", test.busy, test.wait, err, tries, test.want, test.tries)
		}
	}
}
