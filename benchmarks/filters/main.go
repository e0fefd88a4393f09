// Command filters measures searches with filters: recall and cost at every selectivity,
// with matches drawn uniform, all near the query and all far from it, beside searches
// without a filter and beside hnswlib. README.md of the folder above says how to run it.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/hannoydb/hannoy"
	"github.com/hannoydb/hannoy/benchmarks/harness"
)

type options struct {
	data, metric, scratch, results, bin string
	queries, limit                      int
	hnswlib                             bool
}

const k = 10

func main() {
	log.SetFlags(0)
	o := &options{}
	flag.StringVar(&o.data, "data", "", "folder of the data set")
	flag.StringVar(&o.metric, "metric", "", "euclidean or cosine (default: by the folder's name)")
	flag.StringVar(&o.scratch, "scratch", "scratch", "folder for indexes; those that are there are used again")
	flag.StringVar(&o.results, "results", "results", "folder for the results")
	flag.StringVar(&o.bin, "bin", "bin", "folder of bench-hnswlib")
	flag.IntVar(&o.queries, "queries", 200, "use only so many queries")
	flag.IntVar(&o.limit, "limit", 0, "use only so many rows; 0: all")
	flag.BoolVar(&o.hnswlib, "hnswlib", true, "measure hnswlib too")
	flag.Parse()
	if err := run(o); err != nil {
		log.Fatalf("filters: %v", err)
	}
}

func run(o *options) error {
	if o.metric == "" {
		o.metric = "euclidean"
		if name := filepath.Base(o.data); strings.HasPrefix(name, "words") || strings.HasPrefix(name, "lsa") {
			o.metric = "cosine"
		}
	}
	base, err := harness.ReadRows(o.data, "base", o.metric, o.limit)
	if err != nil {
		return err
	}
	queries, err := harness.ReadRows(o.data, "query", o.metric, o.queries)
	if err != nil {
		return err
	}
	dir := filepath.Join(o.scratch, fmt.Sprintf("filters-%s-%d", filepath.Base(o.data), base.Count))
	ix, err := openIndex(dir, o, base)
	if err != nil {
		return err
	}
	defer ix.Close()
	b := &bench{options: o, base: base, queries: queries, index: ix}
	b.rank()
	r := &result{Data: filepath.Base(o.data), Rows: base.Count, Queries: queries.Count, K: k, Environment: harness.NewEnvironment(time.Now())}
	if err := ix.View(func(s *hannoy.Snapshot) error { return b.run(s, r) }); err != nil {
		return err
	}
	if err := r.preparations(o.scratch); err != nil {
		return err
	}
	if o.hnswlib {
		if err := b.hnswlib(dir, r); err != nil {
			return err
		}
	}
	return r.save(o.results)
}

// openIndex opens the index of the rows, and builds it if it is not there yet. Row i has
// the id i and the labels that labelsOf draws for it.
func openIndex(dir string, o *options, base *harness.Rows) (*hannoy.Index, error) {
	metric, err := hannoy.ParseMetric(o.metric)
	if err != nil {
		return nil, err
	}
	ix, err := hannoy.Open(filepath.Join(dir, "hannoy"), &hannoy.Options{Dimensions: base.Width, Metric: metric, IDs: true})
	if err != nil {
		return nil, err
	}
	var items int
	if err := ix.View(func(s *hannoy.Snapshot) error { items = s.Len(); return nil }); err != nil || items == base.Count {
		return ix, err
	}
	log.Printf("building %s", dir)
	const batch = 10_000
	ctx := context.Background()
	for first := 0; first < base.Count; first += batch {
		_, err := ix.Update(ctx, func(b *hannoy.Batch) error {
			for i := first; i < min(first+batch, base.Count); i++ {
				if err := b.Put(hannoy.ID(uint32(i)), base.Row(i).F32, hannoy.Labels(labelsOf(i)...)); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return nil, errors.Join(err, ix.Close())
		}
	}
	if _, err := ix.Build(ctx, nil); err != nil {
		return nil, errors.Join(err, ix.Close())
	}
	return ix, nil
}

// save writes the figures, the tables and the picture.
func (r *result) save(dir string) error {
	raw, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return err
	}
	name := filepath.Join(dir, "filters-"+r.Data)
	return errors.Join(
		os.MkdirAll(dir, 0o755),
		os.WriteFile(name+".json", append(raw, '\n'), 0o644),
		os.WriteFile(name+".md", []byte(r.markdown()), 0o644),
		os.WriteFile(name+".svg", []byte(r.chart().SVG()), 0o644),
	)
}
