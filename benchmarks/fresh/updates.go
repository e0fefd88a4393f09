package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/hannoydb/hannoy"
)

// updates prints the latency of updates of one item: alone, while a build of many
// items runs, and with folds in the background, at a rate and as fast as they go.
func (b *bench) updates() error {
	const rate = 200
	if err := b.updated("alone", hannoy.Options{}, rate, nil); err != nil {
		return err
	}
	err := b.updated("beside a build", hannoy.Options{}, rate, func(ctx context.Context, ix *hannoy.Index) error {
		if err := b.put(ix, b.linked, b.rows.Count, b.rows.Count); err != nil {
			return err
		}
		_, err := ix.Build(ctx, &hannoy.BuildOptions{Threads: 1, CommitEvery: 2 * time.Second})
		return err
	})
	if err != nil {
		return err
	}
	auto := hannoy.Options{AutoBuild: &hannoy.AutoBuild{}}
	if err := b.updated(fmt.Sprintf("folded, %d a second", rate), auto, rate, nil); err != nil {
		return err
	}
	return b.updated("folded, without a pause", auto, 0, nil)
}

func (b *bench) updated(what string, o hannoy.Options, rate int, beside func(context.Context, *hannoy.Index) error) error {
	ix, _, err := b.open(o)
	if err != nil {
		return err
	}
	defer ix.Close()
	running, stop := context.WithTimeout(ctx, time.Duration(b.seconds*float64(time.Second)))
	defer stop()
	done := make(chan error, 1)
	go func() {
		if beside == nil {
			done <- nil
			return
		}
		done <- beside(running, ix)
	}()
	var l latencies
	err = b.replace(running, ix, rate, &l)
	for _, e := range []error{err, <-done} {
		if e != nil && !errors.Is(e, context.DeadlineExceeded) {
			return e
		}
	}
	start := time.Now()
	if err := ix.Close(); err != nil {
		return err
	}
	fmt.Printf("%-24s %v  close %.1f ms\n", what, l, float64(time.Since(start).Microseconds())/1000)
	return nil
}
