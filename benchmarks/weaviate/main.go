// Command bench-weaviate answers the protocol of package harness for the hnsw index of
// github.com/weaviate/weaviate, taken out of its server.
package main

import (
	"context"
	"fmt"
	"io"
	"path/filepath"
	"sync/atomic"

	"github.com/hannoydb/hannoy/benchmarks/harness"
	"github.com/sirupsen/logrus"
	"github.com/weaviate/weaviate/adapters/repos/db/lsmkv"
	"github.com/weaviate/weaviate/adapters/repos/db/vector/hnsw"
	"github.com/weaviate/weaviate/adapters/repos/db/vector/hnsw/distancer"
	"github.com/weaviate/weaviate/entities/cyclemanager"
	config "github.com/weaviate/weaviate/entities/vectorindex/hnsw"
	"github.com/weaviate/weaviate/usecases/memwatch"
	"golang.org/x/sync/errgroup"
)

func main() { harness.Main(system{}) }

const (
	version = "v1.35.2" // as pinned in go.mod

	// vectorsFile stands for the object store of the server: the index asks it for
	// the vectors of a saved index and keeps them in memory.
	vectorsFile = "vectors.fbin"
)

type system struct{}

func (system) Describe() harness.Description {
	return harness.Description{
		System:  "weaviate",
		Version: version,
		Codes:   []string{"none"},
		Metrics: []string{"euclidean", "cosine"},
		Cannot:  map[string]string{"hamming": "its hamming counts unequal float32 elements, not bits"},
		Notes: []string{
			"the hnsw package alone, without the server: commit log on disk, vectors in its memory cache, filled before the first query",
		},
	}
}

func (system) Build(job *harness.BuildJob, base *harness.Rows) error {
	x, err := open(job.Index, job.Metric, job.M, job.EfConstruction, base)
	if err != nil {
		return err
	}
	ctx := context.Background()
	var next atomic.Int64
	var workers errgroup.Group
	for range job.Threads {
		workers.Go(func() error {
			for {
				i := int(next.Add(1)) - 1
				if i >= base.Count {
					return nil
				}
				if err := x.index.Add(ctx, uint64(i), base.Row(i).F32); err != nil {
					return err
				}
			}
		})
	}
	if err := workers.Wait(); err != nil {
		return err
	}
	if err := harness.WriteRows(filepath.Join(job.Index, vectorsFile), base); err != nil {
		return err
	}
	if err := x.index.Flush(); err != nil {
		return err
	}
	return x.Close()
}

func (system) Open(job *harness.QueryJob) (harness.Searcher, error) {
	base, err := harness.ReadRows(job.Index, "vectors", job.Metric, 0)
	if err != nil {
		return nil, err
	}
	// M and ef construction play no part in searches.
	x, err := open(job.Index, job.Metric, 16, 200, base)
	if err != nil {
		return nil, err
	}
	x.index.PostStartup(context.Background())
	return x, nil
}

type searcher struct {
	index  *hnsw.HNSW
	store  *lsmkv.Store
	config config.UserConfig
}

func open(dir, metric string, m, efConstruction int, vectors *harness.Rows) (*searcher, error) {
	logger := logrus.New()
	logger.SetOutput(io.Discard)
	idle := cyclemanager.NewCallbackGroupNoop()
	var distances distancer.Provider = distancer.NewL2SquaredProvider()
	if metric == "cosine" {
		distances = distancer.NewCosineDistanceProvider()
	}
	x := &searcher{}
	x.config.SetDefaults()
	x.config.MaxConnections = m
	x.config.EFConstruction = efConstruction

	var err error
	storeDir := filepath.Join(dir, "store")
	if x.store, err = lsmkv.New(storeDir, storeDir, logger, nil, idle, idle, idle); err != nil {
		return nil, err
	}
	settings := hnsw.Config{
		RootPath:         dir,
		ID:               "main",
		Logger:           logger,
		DistanceProvider: distances,
		AllocChecker:     memwatch.NewDummyMonitor(),
		MakeCommitLoggerThunk: func() (hnsw.CommitLogger, error) {
			return hnsw.NewCommitLogger(dir, "main", logger, idle)
		},
		VectorForIDThunk: func(_ context.Context, id uint64) ([]float32, error) {
			if id >= uint64(vectors.Count) {
				return nil, fmt.Errorf("no vector %d", id)
			}
			return vectors.Row(int(id)).F32, nil
		},
		WaitForCachePrefill: true,
	}
	x.index, err = hnsw.New(settings, x.config, idle, x.store)
	return x, err
}

func (x *searcher) SetEf(ef int) error {
	x.config.EF = ef
	return x.index.UpdateUserConfig(x.config, func() {})
}

func (x *searcher) Search(found []int32, query harness.Vector, k int) ([]int32, error) {
	ids, _, err := x.index.SearchByVector(context.Background(), query.F32, k, nil)
	for _, id := range ids {
		found = append(found, int32(id))
	}
	return found, err
}

func (x *searcher) Close() error {
	ctx := context.Background()
	if err := x.index.Shutdown(ctx); err != nil {
		return err
	}
	return x.store.Shutdown(ctx)
}
