// Command bench-coder answers the protocol of package harness for github.com/coder/hnsw.
package main

import (
	"bufio"
	"errors"
	"fmt"
	"math/rand"
	"os"
	"path/filepath"

	"github.com/coder/hnsw"
	"github.com/hannoydb/hannoy/benchmarks/harness"
)

func main() { harness.Main(system{}) }

const (
	version   = "v0.6.1" // as pinned in go.mod
	indexFile = "graph"
)

type system struct{}

func (system) Describe() harness.Description {
	return harness.Description{
		System:  "coder",
		Version: version,
		Codes:   []string{"none"},
		Metrics: []string{"euclidean", "cosine"},
		Cannot:  map[string]string{"hamming": "vectors are []float32, there is no bit distance"},
		Threads: 1,
		Notes: []string{
			"one cap on links for all levels: M is set to 32, what the others have on level 0",
			"its search stops at the first step that finds nothing nearer, so that a larger ef hardly changes it",
			"Add is not safe for several goroutines: built with 1 thread only",
		},
	}
}

func (system) Build(job *harness.BuildJob, base *harness.Rows) error {
	g := hnsw.NewGraph[int]()
	g.M = 2 * job.M
	g.EfSearch = job.EfConstruction
	g.Rng = rand.New(rand.NewSource(1))
	switch job.Metric {
	case "euclidean":
		g.Distance = hnsw.EuclideanDistance
	case "cosine":
		g.Distance = hnsw.CosineDistance
	default:
		return fmt.Errorf("no metric %q", job.Metric)
	}
	for i := range base.Count {
		g.Add(hnsw.MakeNode(i, base.Row(i).F32))
	}
	return save(g, filepath.Join(job.Index, indexFile))
}

func save(g *hnsw.Graph[int], path string) (err error) {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	w := bufio.NewWriterSize(f, 1<<20)
	if err := g.Export(w); err != nil {
		return err
	}
	return w.Flush()
}

func (system) Open(job *harness.QueryJob) (harness.Searcher, error) {
	f, err := os.Open(filepath.Join(job.Index, indexFile))
	if err != nil {
		return nil, err
	}
	defer f.Close()
	g := hnsw.NewGraph[int]()
	if err := g.Import(bufio.NewReaderSize(f, 1<<20)); err != nil {
		return nil, err
	}
	return searcher{g}, nil
}

type searcher struct{ graph *hnsw.Graph[int] }

func (s searcher) SetEf(ef int) error {
	s.graph.EfSearch = ef
	return nil
}

func (s searcher) Search(found []int32, query harness.Vector, k int) ([]int32, error) {
	for _, node := range s.graph.Search(query.F32, k) {
		found = append(found, int32(node.Key))
	}
	return found, nil
}

func (searcher) Close() error { return nil }
