// Command bench-vecgo answers the protocol of package harness for
// github.com/hupe1980/vecgo.
package main

import (
	"context"
	"errors"
	"log/slog"
	"math"
	"os"
	"sync/atomic"

	"github.com/hannoydb/hannoy/benchmarks/harness"
	"github.com/hupe1980/vecgo"
	"golang.org/x/sync/errgroup"
)

func main() { harness.Main(system{}) }

const (
	version = "v0.0.15" // as pinned in go.mod

	batchRows   = 1000
	openThreads = 2
)

type system struct{}

func (system) Describe() harness.Description {
	return harness.Description{
		System:  "vecgo",
		Version: version,
		Codes:   []string{"none"},
		Metrics: []string{"euclidean", "cosine"},
		Cannot:  map[string]string{"hamming": "vectors are []float32; it has L2, cosine and dot product"},
		Unsaved: "its HNSW lives in memory only, so that opening inserts everything again: one round; what a commit saves is scanned row by row, and a graph made of that by compaction finds nothing once it is reopened",
		Notes: []string{
			"16 shards that are all searched with the ef given, M and ef construction at its defaults",
			"on disk: the rows that it commits",
			"cosine is measured as L2 on vectors of length 1: its own cosine returns the farthest rows of its memory table first",
		},
	}
}

func (system) Build(job *harness.BuildJob, base *harness.Rows) error {
	x, err := insert(job.Index, job.Metric, job.Threads, base)
	if err != nil {
		return err
	}
	return errors.Join(x.db.Commit(context.Background()), x.db.Close())
}

func (system) Open(job *harness.QueryJob) (harness.Searcher, error) {
	base, err := harness.ReadRows(job.Data, "base", job.Metric, job.Limit)
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "bench-vecgo-")
	if err != nil {
		return nil, err
	}
	return insert(dir, job.Metric, openThreads, base)
}

type searcher struct {
	db   *vecgo.DB
	dir  string
	unit bool    // vectors are scaled to length 1, on which L2 has the order of cosine
	rows []int32 // the row that has an id
	ef   int
}

// insert makes a database of the rows, all in its memory table.
func insert(dir, metric string, threads int, base *harness.Rows) (*searcher, error) {
	ctx := context.Background()
	db, err := vecgo.Open(ctx, vecgo.Local(dir), vecgo.Create(base.Width, vecgo.MetricL2),
		vecgo.WithLogger(slog.New(slog.DiscardHandler)),
		vecgo.WithMemoryLimit(0), vecgo.WithFlushConfig(vecgo.FlushConfig{MaxMemTableSize: 1 << 40}))
	if err != nil {
		return nil, err
	}
	x := &searcher{db: db, dir: dir, unit: metric == "cosine", rows: make([]int32, base.Count+1)} // ids begin with 1
	var next atomic.Int64
	var workers errgroup.Group
	for range threads {
		workers.Go(func() error {
			for {
				first := int(next.Add(batchRows)) - batchRows
				if first >= base.Count {
					return nil
				}
				if err := x.insertBatch(ctx, base, first, min(first+batchRows, base.Count)); err != nil {
					return err
				}
			}
		})
	}
	return x, workers.Wait()
}

func (x *searcher) insertBatch(ctx context.Context, base *harness.Rows, first, end int) error {
	var vectors [][]float32
	for i := first; i < end; i++ {
		vectors = append(vectors, x.vector(base.Row(i).F32))
	}
	ids, err := x.db.BatchInsert(ctx, vectors, nil, nil)
	for i, id := range ids {
		x.rows[id] = int32(first + i)
	}
	return err
}

func (x *searcher) vector(v []float32) []float32 {
	if !x.unit {
		return v
	}
	var sum float64
	for _, a := range v {
		sum += float64(a) * float64(a)
	}
	out := make([]float32, len(v))
	for i, a := range v {
		out[i] = float32(float64(a) / math.Sqrt(sum))
	}
	return out
}

func (x *searcher) SetEf(ef int) error {
	x.ef = ef
	return nil
}

func (x *searcher) Search(found []int32, query harness.Vector, k int) ([]int32, error) {
	hits, err := x.db.Search(context.Background(), x.vector(query.F32), k, vecgo.WithoutData(), vecgo.WithNProbes(x.ef))
	for _, hit := range hits {
		found = append(found, x.rows[hit.ID])
	}
	return found, err
}

func (x *searcher) Close() error { return errors.Join(x.db.Close(), os.RemoveAll(x.dir)) }
