// Package parallel runs one piece of work on several goroutines.
package parallel

import (
	"context"
	"sync"
	"sync/atomic"
)

// Run calls work on each of some threads and returns the first error, which ends the context of the others.
func Run(ctx context.Context, threads int, work func(ctx context.Context) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var group sync.WaitGroup
	var failed atomic.Bool
	for range threads {
		group.Go(func() {
			if err := work(ctx); err != nil {
				failed.Store(true)
				cancel(err) // the first call is the one that counts
			}
		})
	}
	group.Wait()
	if failed.Load() {
		return context.Cause(ctx)
	}
	return nil
}
