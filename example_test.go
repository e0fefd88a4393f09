package hannoy_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"time"

	"github.com/hannoydb/hannoy"
)

// tempIndex opens an index in a new temporary directory; remove cleans up.
func tempIndex(o *hannoy.Options) (ix *hannoy.Index, remove func()) {
	dir, err := os.MkdirTemp("", "hannoy")
	if err != nil {
		log.Fatal(err)
	}
	ix, err = hannoy.Open(filepath.Join(dir, "index"), o)
	if err != nil {
		log.Fatal(err)
	}
	return ix, func() {
		ix.Close()
		os.RemoveAll(dir)
	}
}

func Example() {
	ctx := context.Background()
	dir, err := os.MkdirTemp("", "hannoy")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)

	// Dimensions let Open create the index; later opens need no options.
	ix, err := hannoy.Open(filepath.Join(dir, "colours"), &hannoy.Options{Dimensions: 3})
	if err != nil {
		log.Fatal(err)
	}
	defer ix.Close()

	_, err = ix.Update(ctx, func(b *hannoy.Batch) error {
		return errors.Join(
			b.Put([]byte("red"), []float32{255, 0, 0}),
			b.Put([]byte("orange"), []float32{255, 165, 0}),
			b.Put([]byte("navy"), []float32{0, 0, 128}),
		)
	})
	if err != nil {
		log.Fatal(err)
	}
	if _, err := ix.Build(ctx, nil); err != nil {
		log.Fatal(err)
	}
	hits, err := ix.Search(ctx, []float32{250, 120, 10}, 2, nil)
	if err != nil {
		log.Fatal(err)
	}
	for _, h := range hits {
		fmt.Printf("%s %.1f\n", h.Key, h.Distance)
	}
	// Output:
	// orange 46.4
	// red 120.5
}

func ExampleOpen() {
	_, err := hannoy.Open("/no/such/directory", nil)
	fmt.Println(errors.Is(err, hannoy.ErrNotFound))
	// Output: true
}

func ExampleIndex_Update() {
	ctx := context.Background()
	ix, remove := tempIndex(&hannoy.Options{Dimensions: 2, Metric: hannoy.Cosine})
	defer remove()

	// All or none: the second vector is refused, so the first is not stored either.
	_, err := ix.Update(ctx, func(b *hannoy.Batch) error {
		if err := b.Put([]byte("a"), []float32{1, 2}); err != nil {
			return err
		}
		return b.Put([]byte("b"), []float32{1, 2, 3})
	})
	fmt.Println(err)
	changed, err := ix.Update(ctx, func(b *hannoy.Batch) error {
		return b.Put([]byte("a"), []float32{1, 2}, hannoy.Value([]byte("an item's own bytes")))
	})
	fmt.Println(changed, err)
	// Output:
	// put "b": vector has 3 dimensions, index "default" has 2
	// 1 <nil>
}

func ExampleIndex_Build() {
	ctx := context.Background()
	ix, remove := tempIndex(&hannoy.Options{Dimensions: 1})
	defer remove()
	_, err := ix.Update(ctx, func(b *hannoy.Batch) error {
		for i := range 100 {
			if err := b.Put(fmt.Appendf(nil, "item %d", i), []float32{float32(i)}); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		log.Fatal(err)
	}
	report, err := ix.Build(ctx, &hannoy.BuildOptions{Threads: 2, MemoryBudget: 64 << 20})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("linked", report.Linked, "in", report.Commits, "commit")
	// Output: linked 100 in 1 commit
}

func ExampleIndex_Search() {
	ctx := context.Background()
	ix, remove := tempIndex(&hannoy.Options{Dimensions: 2})
	defer remove()
	_, err := ix.Update(ctx, func(b *hannoy.Batch) error {
		return b.Put([]byte("here"), []float32{3, 4}, hannoy.Value([]byte("a note")))
	})
	if err != nil {
		log.Fatal(err)
	}
	// No Build yet: items that no build has linked are compared one by one.
	var stats hannoy.SearchStats
	hits, err := ix.Search(ctx, []float32{0, 0}, 10, &hannoy.SearchOptions{WithValues: true, Stats: &stats})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%s %v %s (%d compared)\n", hits[0].Key, hits[0].Distance, hits[0].Value, stats.Distances)
	// Output: here 5 a note (1 compared)
}

func ExampleIndex_SearchBits() {
	ctx := context.Background()
	ix, remove := tempIndex(&hannoy.Options{Dimensions: 16, Metric: hannoy.Hamming})
	defer remove()
	_, err := ix.Update(ctx, func(b *hannoy.Batch) error {
		return b.PutBits([]byte("fingerprint"), []byte{0b1111_0000, 0b0000_0001})
	})
	if err != nil {
		log.Fatal(err)
	}
	hits, err := ix.SearchBits(ctx, []byte{0b1111_0000, 0b0000_0110}, 1, nil)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%s differs in %v bits\n", hits[0].Key, hits[0].Distance)
	// Output: fingerprint differs in 3 bits
}

func ExampleIndex_View() {
	ctx := context.Background()
	ix, remove := tempIndex(&hannoy.Options{Dimensions: 2, IDs: true})
	defer remove()
	_, err := ix.Update(ctx, func(b *hannoy.Batch) error {
		return errors.Join(b.Put(hannoy.ID(7), []float32{1, 0}), b.Put(hannoy.ID(9), []float32{0, 1}))
	})
	if err != nil {
		log.Fatal(err)
	}
	// One commit to read from, whatever others write meanwhile.
	err = ix.View(func(s *hannoy.Snapshot) error {
		for item, err := range s.Items() {
			if err != nil {
				return err
			}
			id, err := hannoy.ParseID(item.Key)
			if err != nil {
				return err
			}
			fmt.Println(id, item.Vector)
		}
		return nil
	})
	if err != nil {
		log.Fatal(err)
	}
	// Output:
	// 7 [1 0]
	// 9 [0 1]
}

// An item with several vectors: one index for each, changed in one transaction.
func ExampleBatch_On() {
	ctx := context.Background()
	texts, remove := tempIndex(&hannoy.Options{Index: "texts", Dimensions: 2})
	defer remove()
	images, err := hannoy.Open(texts.Path(), &hannoy.Options{Index: "images", Dimensions: 3})
	if err != nil {
		log.Fatal(err)
	}
	defer images.Close()
	changed, err := texts.Update(ctx, func(b *hannoy.Batch) error {
		if err := b.Put([]byte("page 1"), []float32{1, 2}); err != nil {
			return err
		}
		return b.On(images).Put([]byte("page 1"), []float32{1, 2, 3})
	})
	fmt.Println(changed, err)
	// Output: 2 <nil>
}

func ExampleIndex_Check() {
	ix, remove := tempIndex(&hannoy.Options{Dimensions: 2})
	defer remove()
	report, err := ix.Check(context.Background())
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("sound:", report.Sound)
	// Output: sound: true
}

// A service that takes writes all day leaves building to the background.
func ExampleAutoBuild() {
	folded := make(chan int, 1)
	ix, remove := tempIndex(&hannoy.Options{
		Dimensions: 2,
		AutoBuild: &hannoy.AutoBuild{
			Age: 10 * time.Millisecond,
			Done: func(report *hannoy.BuildReport, err error) {
				if err != nil {
					log.Print(err) // it is tried again
					return
				}
				folded <- report.Linked
			},
		},
	})
	defer remove()
	_, err := ix.Update(context.Background(), func(b *hannoy.Batch) error {
		return errors.Join(b.Put([]byte("a"), []float32{1, 2}), b.Put([]byte("b"), []float32{3, 4}))
	})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(<-folded, "linked")
	// Output: 2 linked
}

// Another vector type for an index that is in use: half the bytes, the same graph.
func ExampleIndex_Alter() {
	ix, remove := tempIndex(&hannoy.Options{Dimensions: 2})
	defer remove()
	report, err := ix.Alter(context.Background(), &hannoy.AlterOptions{VectorType: hannoy.F16})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(ix.VectorType(), report.NewGraph)
	// Output: f16 false
}
