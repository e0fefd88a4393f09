package write

import (
	"context"
	"errors"
	"time"

	"github.com/spf13/cobra"

	"github.com/hannoydb/hannoy"
)

// turnPoll is the time between two tries.
const turnPoll = 50 * time.Millisecond

// turn is the flag that says how long a command waits while another process builds. Who
// watches holds the builder's lock for a second now and then.
type turn struct {
	wait time.Duration
}

func (t *turn) addTo(cmd *cobra.Command) {
	cmd.Flags().DurationVar(&t.wait, "wait", 10*time.Second, "how long to wait while another process builds")
}

// take calls fn, and again while it fails because another process builds.
func (t *turn) take(ctx context.Context, fn func() error) error {
	end := time.Now().Add(t.wait)
	for {
		err := fn()
		if !errors.Is(err, hannoy.ErrBusy) || time.Now().After(end) {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(turnPoll):
		}
	}
}
