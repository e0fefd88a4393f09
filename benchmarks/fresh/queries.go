package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/hannoydb/hannoy"
)

// underBuild prints the latency of queries of one thread while nothing else runs, and
// while another thread builds: an index of its own, so that the two share nothing but
// the machine; the index that is asked, all at once; and the same in the background,
// as items are replaced at several rates.
func (b *bench) underBuild() error {
	if err := b.asked("idle", hannoy.Options{}, nil); err != nil {
		return err
	}
	err := b.asked("another index is built", hannoy.Options{}, func(ctx context.Context, _ *hannoy.Index) error {
		other, err := hannoy.Open(b.template()+".other", &hannoy.Options{Dimensions: b.rows.Width, Metric: b.metric, IDs: true})
		if err != nil {
			return err
		}
		defer other.Close()
		for i := 0; i < b.linked && ctx.Err() == nil; i += 20_000 {
			err := b.put(other, i, min(i+20_000, b.linked), 0)
			if err == nil {
				_, err = other.Build(ctx, &hannoy.BuildOptions{Threads: 1})
			}
			if err != nil {
				return err
			}
		}
		return ctx.Err()
	})
	if err != nil {
		return err
	}
	for _, rate := range b.rates {
		err := b.asked(fmt.Sprintf("%d replaced a second", rate), hannoy.Options{AutoBuild: &hannoy.AutoBuild{}},
			func(ctx context.Context, ix *hannoy.Index) error { return b.replace(ctx, ix, rate, nil) })
		if err != nil {
			return err
		}
	}
	return nil
}

// asked prints the latency of queries while another goroutine does something.
func (b *bench) asked(what string, o hannoy.Options, do func(context.Context, *hannoy.Index) error) error {
	ix, _, err := b.open(o)
	if err != nil {
		return err
	}
	defer ix.Close()
	if _, err := b.search(ix, 2); err != nil { // warm up
		return err
	}
	running, stop := context.WithCancel(ctx)
	defer stop()
	done := make(chan error, 1)
	go func() {
		if do == nil {
			done <- nil
			return
		}
		done <- do(running, ix)
	}()
	time.Sleep(time.Second)
	l, err := b.search(ix, b.seconds)
	stop()
	if failed := <-done; failed != nil && !errors.Is(failed, context.Canceled) {
		err = errors.Join(err, failed)
	}
	fmt.Printf("%-24s %v\n", what, l)
	return err
}

// replace replaces items one by one, so many a second or as fast as it can for 0, and
// notes how long each update takes.
func (b *bench) replace(ctx context.Context, ix *hannoy.Index, rate int, took *latencies) error {
	start := time.Now()
	for i := 0; ctx.Err() == nil; i++ {
		if rate > 0 {
			time.Sleep(time.Until(start.Add(time.Duration(i) * time.Second / time.Duration(rate))))
		}
		began := time.Now()
		// Each key gets the vector of another row.
		id := i * 7919 % b.linked
		_, err := ix.Update(ctx, func(batch *hannoy.Batch) error {
			return batch.Put(hannoy.ID(uint32(id)), b.rows.Row((id+i+1)%b.rows.Count).F32)
		})
		if err != nil {
			return err
		}
		if took != nil {
			*took = append(*took, time.Since(began))
		}
	}
	return ctx.Err()
}
