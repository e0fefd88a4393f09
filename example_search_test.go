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

func ExampleIndex_SearchBatch() {
	ix, remove := chunks()
	defer remove()
	queries := []hannoy.Query{{Vector: []float32{0}}, {Vector: []float32{8}}, {Key: []byte("chunk 4")}}
	found, err := ix.SearchBatch(context.Background(), queries, 1, &hannoy.SearchOptions{Threads: 2})
	if err != nil {
		log.Fatal(err)
	}
	for i, hits := range found {
		fmt.Printf("query %d: %s\n", i, hits[0].Key)
	}
	// Output:
	// query 0: chunk 0
	// query 1: chunk 8
	// query 2: chunk 3
}

// Pictures and their captions are vectors of one item, in two indexes of a directory.
func ExampleIndex_SearchFused() {
	ctx := context.Background()
	pictures, remove := tempIndex(&hannoy.Options{Index: "pictures", Dimensions: 2})
	defer remove()
	captions, err := hannoy.Open(pictures.Path(), &hannoy.Options{Index: "captions", Dimensions: 1})
	if err != nil {
		log.Fatal(err)
	}
	defer captions.Close()
	_, err = pictures.Update(ctx, func(b *hannoy.Batch) error {
		return errors.Join(
			b.Put([]byte("cat"), []float32{1, 0}), b.On(captions).Put([]byte("cat"), []float32{5}),
			b.Put([]byte("dog"), []float32{2, 0}), b.On(captions).Put([]byte("dog"), []float32{1}),
		)
	})
	if err != nil {
		log.Fatal(err)
	}
	hits, err := pictures.SearchFused(ctx, []hannoy.Part{
		{Index: pictures, Query: hannoy.Query{Vector: []float32{0, 0}}},
		{Index: captions, Query: hannoy.Query{Vector: []float32{0}}, Weight: 0.5},
	}, 2, nil)
	if err != nil {
		log.Fatal(err)
	}
	for _, h := range hits {
		fmt.Printf("%s %v\n", h.Key, h.Distance)
	}
	// Output:
	// dog 2.5
	// cat 3.5
}

func ExampleSnapshot_TuneEf() {
	ctx := context.Background()
	ix, remove := chunks()
	defer remove()
	if _, err := ix.Build(ctx, nil); err != nil { // ef is of walks, and there is none before
		log.Fatal(err)
	}
	var tuned hannoy.Recall
	err := ix.View(func(s *hannoy.Snapshot) (err error) {
		tuned, err = s.TuneEf(ctx, nil, 3, 0.9, nil)
		return err
	})
	if err != nil {
		log.Fatal(err)
	}
	if err := ix.SetEf(ctx, tuned.Ef); err != nil {
		log.Fatal(err)
	}
	fmt.Printf("ef %d finds %.2f\n", tuned.Ef, tuned.Recall)
	// Output: ef 3 finds 0.93
}

func ExampleSnapshot_RecallEstimate() {
	ctx := context.Background()
	ix, remove := chunks()
	defer remove()
	err := ix.View(func(s *hannoy.Snapshot) error {
		r, err := s.RecallEstimate(ctx, []hannoy.Query{{Vector: []float32{2.2}}}, 3, nil)
		fmt.Println(r.Recall, "of the 3 nearest of", r.Queries, "query")
		return err
	})
	if err != nil {
		log.Fatal(err)
	}
	// Output: 1 of the 3 nearest of 1 query
}
