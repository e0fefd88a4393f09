package hannoy_test

import (
	"context"
	"errors"
	"fmt"
	"log"

	"github.com/RoaringBitmap/roaring/v2"

	"github.com/hannoydb/hannoy"
)

func ExampleParseFilter() {
	ctx := context.Background()
	ix, remove := tempIndex(&hannoy.Options{Dimensions: 1})
	defer remove()
	_, err := ix.Update(ctx, func(b *hannoy.Batch) error {
		return errors.Join(
			b.Put([]byte("a"), []float32{1}, hannoy.Labels("lang:en", "draft")),
			b.Put([]byte("b"), []float32{2}, hannoy.Labels("lang:en")),
			b.Put([]byte("c"), []float32{3}, hannoy.Labels("lang:de")),
		)
	})
	if err != nil {
		log.Fatal(err)
	}
	filter, err := hannoy.ParseFilter("lang:* & !draft")
	if err != nil {
		log.Fatal(err)
	}
	hits, err := ix.Search(ctx, []float32{0}, 10, &hannoy.SearchOptions{Filter: filter})
	if err != nil {
		log.Fatal(err)
	}
	for _, h := range hits {
		fmt.Printf("%s\n", h.Key)
	}
	// Output:
	// b
	// c
}

func ExampleFilterError() {
	_, err := hannoy.ParseFilter("lang:en & | draft")
	var at *hannoy.FilterError
	if errors.As(err, &at) {
		fmt.Println(at)
		fmt.Println(at.Caret())
	}
	// Output:
	// filter, character 11: "|" stands where a label or ( must
	// lang:en & | draft
	//           ^
}

// An engine with ids of its own hands over the bitmap of its candidates.
func ExampleFilterIDs() {
	ctx := context.Background()
	ix, remove := tempIndex(&hannoy.Options{Dimensions: 1, IDs: true})
	defer remove()
	_, err := ix.Update(ctx, func(b *hannoy.Batch) error {
		for id := range uint32(100) {
			if err := b.Put(hannoy.ID(id), []float32{float32(id)}); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		log.Fatal(err)
	}
	filter := hannoy.FilterIDs(roaring.BitmapOf(7, 70, 77, 1000))
	var stats hannoy.SearchStats
	hits, err := ix.Search(ctx, []float32{71}, 2, &hannoy.SearchOptions{Filter: filter, Stats: &stats})
	if err != nil {
		log.Fatal(err)
	}
	for _, h := range hits {
		id, _ := hannoy.ParseID(h.Key)
		fmt.Println(id, h.Distance)
	}
	fmt.Println(stats.Matches, "match")
	// Output:
	// 70 1
	// 77 6
	// 3 match
}

// Work on a filter is done once for many queries of one commit.
func ExampleSnapshot_Prepare() {
	ctx := context.Background()
	ix, remove := tempIndex(&hannoy.Options{Dimensions: 1})
	defer remove()
	_, err := ix.Update(ctx, func(b *hannoy.Batch) error {
		for i := range 10 {
			if err := b.Put(fmt.Appendf(nil, "item %d", i), []float32{float32(i)}, hannoy.Labels(fmt.Sprint("group:", i%3))); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		log.Fatal(err)
	}
	err = ix.View(func(s *hannoy.Snapshot) error {
		filter, items, err := s.Prepare(ctx, hannoy.FilterLabel("group:0").Not())
		if err != nil {
			return err
		}
		fmt.Println(items, "items match", filter)
		for _, query := range [][]float32{{0}, {9}} {
			hits, err := s.Search(ctx, query, 1, &hannoy.SearchOptions{Filter: filter})
			if err != nil {
				return err
			}
			fmt.Printf("%s\n", hits[0].Key)
		}
		labels, err := s.Labels("group:")
		fmt.Println(labels)
		return err
	})
	if err != nil {
		log.Fatal(err)
	}
	// Output:
	// 6 items match !group:0
	// item 1
	// item 8
	// [{group:0 4} {group:1 3} {group:2 3}]
}
