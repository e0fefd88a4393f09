// Command bench-hannoy answers the protocol of package harness for hannoy.
package main

import (
	"context"

	"github.com/hannoydb/hannoy"
	"github.com/hannoydb/hannoy/benchmarks/harness"
)

func main() { harness.Main(system{}) }

// version is the revision of the tree, set by the Makefile.
var version = "unknown"

// batchItems is how many items a commit puts while the index is filled.
const batchItems = 10_000

// codes are the kinds of codes that the library can navigate on: a kind that is added
// there is added here.
var codes = []hannoy.Codes{hannoy.CodesNone, hannoy.CodesInt8, hannoy.CodesBinary}

type system struct{}

func (system) Describe() harness.Description {
	const bits = "the vectors are bits already"
	names := make([]string, len(codes))
	for i, c := range codes {
		names[i] = c.String()
	}
	return harness.Description{
		System:  "hannoy",
		Version: version,
		Codes:   names,
		Cannot:  map[string]string{"hamming int8": bits, "hamming binary": bits},
		Metrics: []string{"euclidean", "cosine", "inner-product", "hamming"},
		Notes:   []string{"reads the index through the memory map; the build commits durably"},
	}
}

func options(job *harness.BuildJob, base *harness.Rows) (*hannoy.Options, error) {
	metric, err := hannoy.ParseMetric(job.Metric)
	if err != nil {
		return nil, err
	}
	kind, err := hannoy.ParseCodes(job.Codes)
	if err != nil {
		return nil, err
	}
	dimensions := base.Width
	if metric == hannoy.Hamming {
		dimensions *= 8
	}
	return &hannoy.Options{
		Dimensions: dimensions, Metric: metric, IDs: true, Codes: kind,
		M: job.M, EfConstruction: job.EfConstruction,
	}, nil
}

func (system) Build(job *harness.BuildJob, base *harness.Rows) error {
	opts, err := options(job, base)
	if err != nil {
		return err
	}
	ix, err := hannoy.Open(job.Index, opts)
	if err != nil {
		return err
	}
	ctx := context.Background()
	for first := 0; first < base.Count; first += batchItems {
		_, err := ix.Update(ctx, func(b *hannoy.Batch) error {
			return put(b, base, first, min(first+batchItems, base.Count))
		})
		if err != nil {
			return err
		}
	}
	if _, err := ix.Build(ctx, &hannoy.BuildOptions{Threads: job.Threads}); err != nil {
		return err
	}
	return ix.Close()
}

func put(b *hannoy.Batch, base *harness.Rows, first, end int) error {
	for i := first; i < end; i++ {
		var err error
		if row := base.Row(i); row.Bits != nil {
			err = b.PutBits(hannoy.ID(uint32(i)), row.Bits)
		} else {
			err = b.Put(hannoy.ID(uint32(i)), row.F32)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (system) Open(job *harness.QueryJob) (harness.Searcher, error) {
	ix, err := hannoy.Open(job.Index, &hannoy.Options{ReadOnly: true})
	if err != nil {
		return nil, err
	}
	return &searcher{index: ix}, nil
}

type searcher struct {
	index   *hannoy.Index
	options hannoy.SearchOptions
}

func (s *searcher) SetEf(ef int) error {
	s.options.Ef = ef
	return nil
}

func (s *searcher) Search(found []int32, query harness.Vector, k int) ([]int32, error) {
	var hits []hannoy.Hit
	var err error
	if query.Bits != nil {
		hits, err = s.index.SearchBits(context.Background(), query.Bits, k, &s.options)
	} else {
		hits, err = s.index.Search(context.Background(), query.F32, k, &s.options)
	}
	for _, hit := range hits {
		id, err := hannoy.ParseID(hit.Key)
		if err != nil {
			return nil, err
		}
		found = append(found, int32(id))
	}
	return found, err
}

func (s *searcher) Close() error { return s.index.Close() }
