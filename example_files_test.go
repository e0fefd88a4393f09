package hannoy_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log"
	"os"
	"path/filepath"

	"github.com/hannoydb/hannoy"
)

// A backup while others read and write: a copy, smaller than the original, that opens as it is.
func ExampleIndex_CompactTo() {
	ix, remove := tempIndex(&hannoy.Options{Dimensions: 2})
	defer remove()
	ctx := context.Background()
	_, err := ix.Update(ctx, func(b *hannoy.Batch) error { return b.Put([]byte("a"), []float32{1, 2}) })
	if err != nil {
		log.Fatal(err)
	}
	backup := filepath.Join(filepath.Dir(ix.Path()), "backup")
	if _, err := ix.CompactTo(ctx, backup); err != nil {
		log.Fatal(err)
	}
	// A file that comes from elsewhere is verified as a whole before anything is believed.
	copied, err := hannoy.OpenUntrusted(ctx, backup, &hannoy.Options{ReadOnly: true})
	if err != nil {
		log.Fatal(err)
	}
	defer copied.Close()
	hits, err := copied.Search(ctx, []float32{1, 2}, 1, nil)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%s at %g\n", hits[0].Key, hits[0].Distance)
	// Output: a at 0
}

// What is sound of a damaged directory goes into a new one; here nothing is damaged.
func ExampleRepair() {
	ix, remove := tempIndex(&hannoy.Options{Dimensions: 2})
	defer remove()
	ctx := context.Background()
	_, err := ix.Update(ctx, func(b *hannoy.Batch) error { return b.Put([]byte("a"), []float32{1, 2}) })
	if err != nil {
		log.Fatal(err)
	}
	report, err := hannoy.Repair(ctx, ix.Path(), filepath.Join(filepath.Dir(ix.Path()), "saved"), nil)
	if err != nil {
		log.Fatal(err)
	}
	for _, saved := range report.Indexes {
		fmt.Printf("%d of %d items\n", saved.Items, saved.Expected)
	}
	// Output: 1 of 1 items
}

func ExampleSnapshot_Labels() {
	ix, remove := tempIndex(&hannoy.Options{Dimensions: 2})
	defer remove()
	_, err := ix.Update(context.Background(), func(b *hannoy.Batch) error {
		if err := b.Put([]byte("a"), []float32{1, 2}, hannoy.Labels("lang:en", "draft")); err != nil {
			return err
		}
		return b.Put([]byte("b"), []float32{2, 1}, hannoy.Labels("lang:de"))
	})
	if err != nil {
		log.Fatal(err)
	}
	err = ix.View(func(s *hannoy.Snapshot) error {
		counts, err := s.Labels("lang:")
		for _, c := range counts {
			fmt.Println(c.Label, c.Items)
		}
		return err
	})
	if err != nil {
		log.Fatal(err)
	}
	// Output:
	// lang:de 1
	// lang:en 1
}

// What a stranger has sent is verified before it is used: a byte that is not as it was written is an error, and no crash.
func ExampleOpenUntrusted() {
	ix, remove := tempIndex(&hannoy.Options{Dimensions: 2})
	defer remove()
	ctx := context.Background()
	_, err := ix.Update(ctx, func(b *hannoy.Batch) error {
		return b.Put([]byte("a"), []float32{1, 2}, hannoy.Value([]byte("what was meant")))
	})
	if err != nil {
		log.Fatal(err)
	}
	sent := filepath.Join(filepath.Dir(ix.Path()), "sent")
	if _, err := ix.CompactTo(ctx, sent); err != nil {
		log.Fatal(err)
	}
	file := filepath.Join(sent, "data.mdb")
	data, err := os.ReadFile(file)
	if err != nil {
		log.Fatal(err)
	}
	if err := os.WriteFile(file, bytes.Replace(data, []byte("meant"), []byte("faked"), 1), 0o600); err != nil {
		log.Fatal(err)
	}
	_, err = hannoy.OpenUntrusted(ctx, sent, &hannoy.Options{ReadOnly: true})
	fmt.Println(errors.Is(err, hannoy.ErrCorrupt))
	// Output: true
}

func ExampleIndex_Stats() {
	ix, remove := chunks()
	defer remove()
	if _, err := ix.Build(context.Background(), nil); err != nil {
		log.Fatal(err)
	}
	_, err := ix.Update(context.Background(), func(b *hannoy.Batch) error { return b.Put([]byte("new"), []float32{9}) })
	if err != nil {
		log.Fatal(err)
	}
	stats, err := ix.Stats()
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(stats.Items, "items of", stats.Dimensions, "dimension,", stats.Pending, "of them not linked yet")
	for level, l := range stats.Levels[:1] {
		fmt.Println(l.Slots, "slots on level", level)
	}
	// Output:
	// 10 items of 1 dimension, 1 of them not linked yet
	// 9 slots on level 0
}

// A width that all searches in all processes take, unless they say another.
func ExampleIndex_SetEf() {
	ix, remove := chunks()
	defer remove()
	ctx := context.Background()
	if err := ix.SetEf(ctx, 40); err != nil {
		log.Fatal(err)
	}
	err := ix.View(func(s *hannoy.Snapshot) error {
		fmt.Println("ef is", s.Ef())
		return nil
	})
	if err != nil {
		log.Fatal(err)
	}
	// Output: ef is 40
}
