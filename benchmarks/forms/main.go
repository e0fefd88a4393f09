// Command forms measures forms of search beside a plain one: pages by an iterator, a range,
// an item's neighbours. README.md of the folder above says how to run it.
package main

import (
	"context"
	"flag"
	"fmt"
	"iter"
	"log"
	"runtime"
	"slices"
	"syscall"
	"time"

	"github.com/hannoydb/hannoy"
	"github.com/hannoydb/hannoy/benchmarks/harness"
)

var ctx = context.Background()

func main() {
	log.SetFlags(0)
	index := flag.String("index", "", "directory of an index whose keys are row numbers, as hannoyctl build makes it")
	data := flag.String("data", "", "folder of the data set")
	metric := flag.String("metric", "euclidean", "its metric")
	ef := flag.Int("ef", 0, "width of the searches; 0: the index's")
	limit := flag.Int("queries", 500, "use only so many queries")
	rounds := flag.Int("rounds", 9, "times that all queries are asked in each form, in turn; the median counts")
	flag.Parse()
	if err := run(*index, *data, *metric, *ef, *limit, *rounds); err != nil {
		log.Fatalf("forms: %v", err)
	}
}

func run(index, data, metric string, ef, limit, rounds int) error {
	rows, err := harness.ReadRows(data, "query", metric, limit)
	if err != nil {
		return err
	}
	truth, perQuery, err := harness.ReadTruth(data)
	if err != nil {
		return err
	}
	ix, err := hannoy.Open(index, &hannoy.Options{ReadOnly: true})
	if err != nil {
		return err
	}
	defer ix.Close()
	return ix.View(func(s *hannoy.Snapshot) error {
		b := &bench{Snapshot: s, ef: ef}
		for q := range rows.Count {
			b.queries = append(b.queries, rows.Row(q).F32)
			keys := map[string]bool{}
			for _, row := range truth[q*perQuery:][:min(perQuery, deep)] {
				keys[fmt.Sprint(row)] = true
			}
			b.truth = append(b.truth, keys)
			hits, err := s.Search(ctx, b.queries[q], deep, &hannoy.SearchOptions{Exact: true})
			if err != nil {
				return err
			}
			b.far = append(b.far, hits[deep-1].Distance)
		}
		return b.print(rounds)
	})
}

const (
	page = 10
	deep = 100
)

type bench struct {
	*hannoy.Snapshot
	ef      int
	queries [][]float32
	truth   []map[string]bool // keys of the deep nearest
	far     []float32         // the distance of the last of them
}

// A form answers a query and calls found with each key that it finds.
type form struct {
	name string
	ask  func(b *bench, q int, o *hannoy.SearchOptions, found func(hannoy.Hit)) error
}

var forms = []form{
	{"search, k = 100", func(b *bench, q int, o *hannoy.SearchOptions, found func(hannoy.Hit)) error {
		return each(b.Search(ctx, b.queries[q], deep, o))(found)
	}},
	{"10 pages of 10, range", func(b *bench, q int, o *hannoy.SearchOptions, found func(hannoy.Hit)) error {
		return b.pages(b.Nearest(ctx, hannoy.Query{Vector: b.queries[q]}, o), found)
	}},
	{"10 pages of 10, iter.Pull", func(b *bench, q int, o *hannoy.SearchOptions, found func(hannoy.Hit)) error {
		next, stop := iter.Pull2(b.Nearest(ctx, hannoy.Query{Vector: b.queries[q]}, o))
		defer stop()
		return b.pages(func(yield func(hannoy.Hit, error) bool) {
			for h, err, ok := next(); ok && yield(h, err); h, err, ok = next() {
			}
		}, found)
	}},
	{"10 searches, k = 10, 20 .. 100", func(b *bench, q int, o *hannoy.SearchOptions, found func(hannoy.Hit)) error {
		for k := page; k <= deep; k += page {
			hits, err := b.Search(ctx, b.queries[q], k, o)
			if err != nil {
				return err
			}
			for _, h := range hits[min(len(hits), k-page):] {
				found(h)
			}
		}
		return nil
	}},
	{"within the distance of the 100th", func(b *bench, q int, o *hannoy.SearchOptions, found func(hannoy.Hit)) error {
		o.MaxDistance = &b.far[q]
		return each(b.Search(ctx, b.queries[q], 10_000, o))(found)
	}},
	{"search, k = 10", func(b *bench, q int, o *hannoy.SearchOptions, found func(hannoy.Hit)) error {
		return each(b.Search(ctx, b.queries[q], page, o))(found)
	}},
	{"first page of 10", func(b *bench, q int, o *hannoy.SearchOptions, found func(hannoy.Hit)) error {
		n := 0
		for h, err := range b.Nearest(ctx, hannoy.Query{Vector: b.queries[q]}, o) {
			if err != nil {
				return err
			}
			found(h)
			if n++; n == page {
				break
			}
		}
		return nil
	}},
}

func each(hits []hannoy.Hit, err error) func(func(hannoy.Hit)) error {
	return func(found func(hannoy.Hit)) error {
		for _, h := range hits {
			found(h)
		}
		return err
	}
}

// pages takes ten pages.
func (b *bench) pages(hits iter.Seq2[hannoy.Hit, error], found func(hannoy.Hit)) error {
	turned := make([]hannoy.Hit, 0, page)
	n := 0
	for h, err := range hits {
		if err != nil {
			return err
		}
		if turned = append(turned, h); len(turned) < page {
			continue
		}
		for _, h := range turned {
			found(h)
		}
		turned = turned[:0]
		if n++; n*page == deep {
			break
		}
	}
	return nil
}

// A cost is what one query takes in one form.
type cost struct {
	micros, distances, allocations, recall float64
}

func (b *bench) print(rounds int) error {
	costs := make([][]cost, len(forms))
	for round := range rounds + 1 {
		for i, f := range forms {
			c, err := b.measure(f)
			if err != nil {
				return err
			}
			if round > 0 { // the first finds the pages that the others need
				costs[i] = append(costs[i], c)
			}
		}
	}
	// The machine's speed wanders: forms are compared within their rounds.
	var ratios []float64
	for round := range rounds {
		ratios = append(ratios, costs[1][round].micros/costs[0][round].micros)
	}
	slices.Sort(ratios)
	fmt.Printf("%-34s %10s %10s %10s %10s\n", "form", "CPU us", "distances", "allocs", "of the 100")
	for i, f := range forms {
		slices.SortFunc(costs[i], func(a, b cost) int { return int(1000 * (a.micros - b.micros)) })
		c := costs[i][len(costs[i])/2]
		fmt.Printf("%-34s %10.1f %10.0f %10.1f %10.4f\n", f.name, c.micros, c.distances, c.allocations, c.recall)
	}
	fmt.Printf("paging over one search: %.3f of the time\n", ratios[rounds/2])
	return nil
}

func (b *bench) measure(f form) (c cost, err error) {
	found := 0
	distances := 0
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	start := cpuTime()
	for q := range b.queries {
		var stats hannoy.SearchStats
		o := &hannoy.SearchOptions{Ef: b.ef, Stats: &stats}
		if err := f.ask(b, q, o, func(h hannoy.Hit) {
			if b.truth[q][string(h.Key)] {
				found++
			}
		}); err != nil {
			return c, err
		}
		distances += stats.Distances
	}
	took := cpuTime() - start
	runtime.ReadMemStats(&after)
	n := float64(len(b.queries))
	return cost{
		micros: float64(took.Nanoseconds()) / 1e3 / n, distances: float64(distances) / n,
		allocations: float64(after.Mallocs-before.Mallocs) / n, recall: float64(found) / n / deep,
	}, nil
}

// cpuTime is the processor time of the process.
func cpuTime() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		panic(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
