package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/hannoydb/hannoy"
)

// file prints the size of the data file over time, and over that of an index freshly
// built, while items are replaced and folded in, without readers and with one that
// holds a snapshot for a second and then takes the next.
func (b *bench) file() error {
	for _, held := range []time.Duration{0, time.Second} {
		for _, rate := range b.rates {
			if err := b.grow(rate, held); err != nil {
				return err
			}
		}
	}
	return nil
}

func (b *bench) grow(rate int, held time.Duration) error {
	ix, dir, err := b.open(hannoy.Options{AutoBuild: &hannoy.AutoBuild{}})
	if err != nil {
		return err
	}
	defer ix.Close()
	running, stop := context.WithTimeout(ctx, time.Duration(b.seconds*float64(time.Second)))
	defer stop()
	done := make(chan error, 2)
	var l latencies
	go func() { done <- b.replace(running, ix, rate, &l) }()
	go func() {
		for held > 0 && running.Err() == nil {
			if err := ix.View(func(*hannoy.Snapshot) error { time.Sleep(held); return nil }); err != nil {
				done <- err
				return
			}
		}
		done <- nil
	}()
	size := func(dir string) float64 {
		info, err := os.Stat(filepath.Join(dir, "data.mdb"))
		if err != nil {
			return 0
		}
		return float64(info.Size())
	}
	fmt.Printf("%4d replaced a second, snapshots held for %v: file over fresh", rate, held)
	for running.Err() == nil {
		select {
		case <-running.Done():
		case <-time.After(time.Duration(b.seconds / 8 * float64(time.Second))):
		}
		fmt.Printf(" %.2f", size(dir)/size(b.template()))
	}
	if err := errors.Join(<-done, <-done); err != nil && !errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	s, err := ix.Stats()
	if err != nil {
		return err
	}
	fmt.Printf("; %d replaced, %d pending; in use %.1f MB, free %.1f MB of %.1f MB\n", len(l), s.Pending, mb(s.Bytes.Data), mb(s.Bytes.Free), mb(s.Bytes.File))
	return nil
}

func mb(n int64) float64 { return float64(n) / 1e6 }
