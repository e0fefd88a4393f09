package graph_test

import (
	"encoding/binary"
	"os"
	"runtime"
	"strconv"
	"testing"
	"time"

	"github.com/hannoydb/hannoy/graph"
	"github.com/hannoydb/hannoy/graph/graphtest"
)

// TestVectorFile builds a graph over the u8bin file GRAPH_BASE (its first
// GRAPH_ROWS rows) with GRAPH_ALPHA and searches it for those of GRAPH_QUERY; for
// profiles and for comparing settings.
func TestVectorFile(t *testing.T) {
	if os.Getenv("GRAPH_BASE") == "" {
		t.Skip("GRAPH_BASE is not set")
	}
	rows, _ := strconv.Atoi(os.Getenv("GRAPH_ROWS"))
	c := readBytes(t, os.Getenv("GRAPH_BASE"), rows)
	queries := readBytes(t, os.Getenv("GRAPH_QUERY"), 2000)
	p := graphtest.Params(16, 200)
	if alpha, err := strconv.ParseFloat(os.Getenv("GRAPH_ALPHA"), 32); err == nil {
		p.Alpha = float32(alpha)
	}
	p.Threads = runtime.GOMAXPROCS(0)
	b := graphtest.NewBuilder(t, p, c)
	b.Add(graphtest.Placed(0, c.Len(), p.M))
	start := time.Now()
	rounds := graphtest.Drain(t, b)
	took := time.Since(start)
	report := graphtest.MustCheck(t, b, graphtest.Numbers(c.Len()), b.Roots(), p)
	t.Logf("%d rounds, %v, %d distances per slot, %d bytes per slot, slots %v, links %v",
		rounds, took, b.Distances()/uint64(c.Len()), b.Bytes()/int64(c.Len()), report.Slots, report.Links)

	truth := make([][]graph.Neighbor, queries.Len())
	for q := range truth {
		truth[q] = c.Nearest(queries.Row(graph.Slot(q)), graphtest.Numbers(c.Len()), 10)
	}
	var s graph.Search
	top := len(b.Roots()) - 1
	for _, ef := range []int{16, 24, 32, 40, 48, 64, 80, 100, 128} {
		s.Distances, s.Hops = 0, 0
		hits := 0
		start := time.Now()
		for q := range truth {
			points := &graphtest.Points{Cloud: c, Origin: queries.Row(graph.Slot(q))}
			entry := s.Descend(b, points, b.Roots()[top], top, 1)
			got := s.Beam(b, points, []graph.Neighbor{entry}, 0, graph.Plain(ef), nil)
			for _, n := range got[:10] {
				if n.Distance <= truth[q][9].Distance {
					hits++
				}
			}
		}
		n := uint64(len(truth))
		t.Logf("ef %3d: recall %.4f, %d distances, %d hops, %v per query", ef, float64(hits)/float64(10*n), s.Distances/n, s.Hops/n, time.Since(start)/time.Duration(n))
	}
}

func readBytes(t *testing.T, name string, limit int) *graphtest.Cloud {
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	n, dims := int(binary.LittleEndian.Uint32(data)), int(binary.LittleEndian.Uint32(data[4:]))
	if limit > 0 {
		n = min(n, limit)
	}
	c := &graphtest.Cloud{Dims: dims}
	for _, x := range data[8 : 8+n*dims] {
		c.Rows = append(c.Rows, float32(x))
	}
	return c
}
