package main

import (
	"context"
	"fmt"

	"github.com/hannoydb/hannoy"
)

// underBuild prints the latency of queries of one thread while nothing else runs,
// while a build runs on another, and while only another thread computes.
func (b *bench) underBuild() error {
	ix, _, err := b.open(hannoy.Options{})
	if err != nil {
		return err
	}
	defer ix.Close()
	if _, err := b.search(ix, 2, nil); err != nil { // warm up
		return err
	}
	if err := b.report("idle", ix); err != nil {
		return err
	}
	if err := b.put(ix, b.linked, b.rows.Count, 0); err != nil {
		return err
	}
	if _, err := b.search(ix, 2, nil); err != nil {
		return err
	}
	if err := b.report("all pending", ix); err != nil {
		return err
	}
	building, cancel := context.WithCancel(ctx)
	done := make(chan error, 1)
	go func() {
		_, err := ix.Build(building, &hannoy.BuildOptions{Threads: 1})
		done <- err
	}()
	err = b.report("all pending, build", ix)
	cancel()
	<-done
	return err
}

func (b *bench) report(what string, ix *hannoy.Index) error {
	l, err := b.search(ix, b.seconds, nil)
	fmt.Printf("%-24s %v\n", what, l)
	return err
}
