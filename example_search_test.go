package hannoy_test

import (
	"context"
	"errors"
	"fmt"
	"log"

	"github.com/hannoydb/hannoy"
)

// chunks opens an index of parts of documents, each labelled with its document.
func chunks() (ix *hannoy.Index, remove func()) {
	ix, remove = tempIndex(&hannoy.Options{Dimensions: 1})
	_, err := ix.Update(context.Background(), func(b *hannoy.Batch) (err error) {
		for i := range 9 {
			key, doc := fmt.Appendf(nil, "chunk %d", i), fmt.Sprintf("doc:%d", i/3)
			err = errors.Join(err, b.Put(key, []float32{float32(i)}, hannoy.Labels(doc)))
		}
		return err
	})
	if err != nil {
		log.Fatal(err)
	}
	return ix, remove
}

func ExampleIndex_SearchKey() {
	ix, remove := chunks()
	defer remove()
	hits, err := ix.SearchKey(context.Background(), []byte("chunk 4"), 2, nil)
	if err != nil {
		log.Fatal(err)
	}
	for _, h := range hits {
		fmt.Printf("%s is at %v from chunk 4\n", h.Key, h.Distance)
	}
	// Output:
	// chunk 3 is at 1 from chunk 4
	// chunk 5 is at 1 from chunk 4
}

func ExampleIndex_Nearest() {
	ix, remove := chunks()
	defer remove()
	// Pages of three, for as long as the reader turns them.
	n := 0
	for hit, err := range ix.Nearest(context.Background(), hannoy.Query{Vector: []float32{10}}, nil) {
		if err != nil {
			log.Fatal(err)
		}
		if n%3 == 0 {
			fmt.Println("page", 1+n/3)
		}
		fmt.Printf("%s %v\n", hit.Key, hit.Distance)
		if n++; n == 5 {
			break
		}
	}
	// Output:
	// page 1
	// chunk 8 2
	// chunk 7 3
	// chunk 6 4
	// page 2
	// chunk 5 5
	// chunk 4 6
}

// All within a distance, but a thousand at most.
func ExampleSearchOptions_range() {
	ix, remove := chunks()
	defer remove()
	hits, err := ix.Search(context.Background(), []float32{0}, 1000, &hannoy.SearchOptions{MaxDistance: new(float32(1.5))})
	if err != nil {
		log.Fatal(err)
	}
	for _, h := range hits {
		fmt.Printf("%s %v\n", h.Key, h.Distance)
	}
	// Output:
	// chunk 0 0
	// chunk 1 1
}

// Each document once, with the nearest of its chunks.
func ExampleSearchOptions_groups() {
	ix, remove := chunks()
	defer remove()
	hits, err := ix.Search(context.Background(), []float32{4}, 2, &hannoy.SearchOptions{GroupBy: "doc:"})
	if err != nil {
		log.Fatal(err)
	}
	for _, h := range hits {
		fmt.Printf("%s: %s %v\n", h.Group, h.Key, h.Distance)
	}
	// Output:
	// doc:1: chunk 4 0
	// doc:0: chunk 2 2
}
