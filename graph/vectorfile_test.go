package graph

import (
	"encoding/binary"
	"os"
	"runtime"
	"strconv"
	"testing"
	"time"
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
	p := testParams(16, 200)
	if alpha, err := strconv.ParseFloat(os.Getenv("GRAPH_ALPHA"), 32); err == nil {
		p.Alpha = float32(alpha)
	}
	p.Threads = runtime.GOMAXPROCS(0)
	b := newBuilder(t, p, c)
	b.Add(placed(0, c.len(), p.M))
	start := time.Now()
	rounds := drain(t, b)
	took := time.Since(start)
	report := mustCheck(t, b, numbers(c.len()), b.Roots(), p)
	t.Logf("%d rounds, %v, %d distances per slot, %d bytes per slot, slots %v, links %v",
		rounds, took, b.Distances()/uint64(c.len()), b.Bytes()/int64(c.len()), report.Slots, report.Links)

	truth := make([][]Neighbor, queries.len())
	for q := range truth {
		truth[q] = scan(c, queries.row(Slot(q)), 10)
	}
	var s Search
	top := len(b.roots) - 1
	for _, ef := range []int{16, 24, 32, 40, 48, 64, 80, 100, 128} {
		s.Distances, s.Hops = 0, 0
		hits := 0
		start := time.Now()
		for q := range truth {
			points := &cloudPoints{cloud: c, origin: queries.row(Slot(q))}
			entry := s.Descend(b, points, b.roots[top], top, 1)
			got := s.Beam(b, points, []Neighbor{entry}, 0, Plain(ef), nil)
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

// scan finds the k nearest without keeping all.
func scan(c *cloud, query []float32, k int) []Neighbor {
	var p pool
	p.reset(order{}, Plain(k))
	for i := range c.len() {
		if d := squared(query, c.row(Slot(i))); !p.refuses(d) {
			p.insert(Neighbor{Slot(i), d}, 0)
		}
	}
	return p.near
}

func readBytes(t *testing.T, name string, limit int) *cloud {
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	n, dims := int(binary.LittleEndian.Uint32(data)), int(binary.LittleEndian.Uint32(data[4:]))
	if limit > 0 {
		n = min(n, limit)
	}
	c := &cloud{dims: dims}
	for _, x := range data[8 : 8+n*dims] {
		c.rows = append(c.rows, float32(x))
	}
	return c
}
