package hannoy_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"strings"

	"github.com/hannoydb/hannoy"
)

func ExampleSnapshot_Get() {
	ctx := context.Background()
	ix, remove := tempIndex(&hannoy.Options{Dimensions: 2})
	defer remove()
	_, err := ix.Update(ctx, func(b *hannoy.Batch) error {
		return b.Put([]byte("home"), []float32{3, 4}, hannoy.Value([]byte("front door")), hannoy.Labels("kind:place"))
	})
	if err != nil {
		log.Fatal(err)
	}
	err = ix.View(func(s *hannoy.Snapshot) error {
		item, err := s.Get([]byte("home"))
		if err != nil {
			return err
		}
		fmt.Println(item.Vector, string(item.Value), item.Labels)
		if _, err := s.Get([]byte("away")); errors.Is(err, hannoy.ErrNotFound) {
			fmt.Println("nothing is away")
		}
		return nil
	})
	if err != nil {
		log.Fatal(err)
	}
	// Output:
	// [3 4] front door [kind:place]
	// nothing is away
}

func ExampleSnapshot_Items() {
	ctx := context.Background()
	ix, remove := tempIndex(&hannoy.Options{Dimensions: 1})
	defer remove()
	_, err := ix.Update(ctx, func(b *hannoy.Batch) error {
		return errors.Join(b.Put([]byte("a"), []float32{1}), b.Put([]byte("b"), []float32{2}), b.Delete([]byte("a")))
	})
	if err != nil {
		log.Fatal(err)
	}
	err = ix.View(func(s *hannoy.Snapshot) error {
		for item, err := range s.Items() {
			if err != nil {
				return err
			}
			fmt.Println(string(item.Key), item.Vector)
		}
		return nil
	})
	if err != nil {
		log.Fatal(err)
	}
	// Output: b [2]
}

// A document is put as chunks with its label, and deleted by it.
func ExampleSnapshot_Matching() {
	ctx := context.Background()
	ix, remove := chunks()
	defer remove()
	var keys [][]byte
	err := ix.View(func(s *hannoy.Snapshot) error {
		for item, err := range s.Matching(ctx, hannoy.FilterLabel("doc:1")) {
			if err != nil {
				return err
			}
			keys = append(keys, item.Key)
		}
		return nil
	})
	if err != nil {
		log.Fatal(err)
	}
	deleted, err := ix.Update(ctx, func(b *hannoy.Batch) error {
		for _, key := range keys {
			if err := b.Delete(key); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(deleted, "chunks deleted")
	// Output: 3 chunks deleted
}

// Filters of labels, keys and functions are joined as one likes.
func ExampleFilter_And() {
	ctx := context.Background()
	ix, remove := tempIndex(&hannoy.Options{Dimensions: 1})
	defer remove()
	_, err := ix.Update(ctx, func(b *hannoy.Batch) error {
		return errors.Join(
			b.Put([]byte("2024/a"), []float32{1}, hannoy.Labels("draft")),
			b.Put([]byte("2025/b"), []float32{2}),
			b.Put([]byte("2025/c"), []float32{3}),
			b.Put([]byte("2025/d"), []float32{4}, hannoy.Labels("draft")),
		)
	})
	if err != nil {
		log.Fatal(err)
	}
	recent := hannoy.FilterFunc(func(key []byte) bool { return strings.HasPrefix(string(key), "2025/") })
	seen := hannoy.FilterKeys([]byte("2025/b"))
	hits, err := ix.Search(ctx, []float32{0}, 10, &hannoy.SearchOptions{Filter: recent.And(hannoy.FilterLabel("draft").Or(seen).Not())})
	if err != nil {
		log.Fatal(err)
	}
	for _, h := range hits {
		fmt.Println(string(h.Key))
	}
	// Output: 2025/c
}

// One directory, two indexes, read as of one commit.
func ExampleSnapshot_On() {
	ctx := context.Background()
	texts, remove := tempIndex(&hannoy.Options{Index: "texts", Dimensions: 1})
	defer remove()
	images, err := hannoy.Open(texts.Path(), &hannoy.Options{Index: "images", Dimensions: 2})
	if err != nil {
		log.Fatal(err)
	}
	defer images.Close()
	_, err = texts.Update(ctx, func(b *hannoy.Batch) error {
		return errors.Join(b.Put([]byte("cat"), []float32{1}), b.On(images).Put([]byte("cat"), []float32{1, 2}))
	})
	if err != nil {
		log.Fatal(err)
	}
	err = texts.View(func(s *hannoy.Snapshot) error {
		other, err := s.On(images)
		if err != nil {
			return err
		}
		fmt.Println(s.Len(), other.Len())
		return nil
	})
	if err != nil {
		log.Fatal(err)
	}
	names, err := hannoy.Indexes(texts.Path())
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(names)
	// Output:
	// 1 1
	// [images texts]
}

func ExampleIndex_Compact() {
	ctx := context.Background()
	ix, remove := tempIndex(&hannoy.Options{Dimensions: 1})
	defer remove()
	_, err := ix.Update(ctx, func(b *hannoy.Batch) error {
		for i := range 10_000 {
			if err := b.Put(fmt.Append(nil, i), []float32{float32(i)}); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		log.Fatal(err)
	}
	_, err = ix.Update(ctx, func(b *hannoy.Batch) error {
		for i := range 9_990 {
			if err := b.Delete(fmt.Append(nil, i)); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		log.Fatal(err)
	}
	if _, err := ix.Build(ctx, nil); err != nil { // deleted items keep their room until a build has dealt with their links
		log.Fatal(err)
	}
	report, err := ix.Compact(ctx)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("a tenth or less is left:", report.BytesAfter*10 <= report.BytesBefore)
	stats, err := ix.Stats()
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(stats.Items, "items,", stats.Dead+stats.Free, "slots without one")
	// Output:
	// a tenth or less is left: true
	// 10 items, 0 slots without one
}
