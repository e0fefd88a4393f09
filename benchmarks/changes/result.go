package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/hannoydb/hannoy/benchmarks/chart"
	"github.com/hannoydb/hannoy/benchmarks/harness"
	"github.com/hannoydb/hannoy/benchmarks/markdown"
)

// result is all that was measured: the JSON file, from which the tables are made.
type result struct {
	Environment harness.Environment `json:"environment"`
	Load        float64             `json:"load_average"` // of one minute, at the end
	Data        string              `json:"data"`
	Metric      string              `json:"metric"`
	Width       int                 `json:"width"`
	Singles     []*single           `json:"singles"`
	Batches     []*batch            `json:"batches"`
}

// single is one size with the costs of changes of one item, round by round.
type single struct {
	Size    int    `json:"size"`
	Puts    []cost `json:"puts"`
	Deletes []cost `json:"deletes"`
}

// batch is a number of puts in one commit beside plain LMDB, round by round.
type batch struct {
	Size    int       `json:"size"`
	Puts    int       `json:"puts"`
	Costs   []cost    `json:"costs"`
	PlainMS []float64 `json:"plain_ms"`
}

// cost is what a commit and the build after it took.
type cost struct {
	CommitMS     float64 `json:"commit_ms"`
	BuildMS      float64 `json:"build_ms"`
	Distances    float64 `json:"distances"`
	Records      float64 `json:"records"`       // of the build
	RecordBytes  float64 `json:"record_bytes"`  // of the build
	WrittenBytes float64 `json:"written_bytes"` // to the file, by both
}

func (c cost) wall() float64 { return c.CommitMS + c.BuildMS }

// singles puts one item and deletes one, in each index in turn, so that all see the
// same machine.
func singles(all []*subject, rounds int) (found []*single, err error) {
	for _, s := range all {
		found = append(found, &single{Size: s.size})
	}
	for round := range warmups + rounds {
		for i, s := range all {
			put, err := s.change(func() (time.Duration, error) { return s.put(1) })
			if err != nil {
				return nil, err
			}
			removal, err := s.change(s.remove)
			if err != nil {
				return nil, err
			}
			if round >= warmups {
				found[i].Puts, found[i].Deletes = append(found[i].Puts, put), append(found[i].Deletes, removal)
			}
		}
	}
	return found, nil
}

// batches commits puts to the index and to a plain environment of as many items, by turns.
func (r *result) batches(o *options, s *subject) (err error) {
	p, err := openPlain(o.scratch, s.rows, s.size)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, p.close()) }()
	for _, n := range o.puts {
		b := &batch{Size: s.size, Puts: n}
		r.Batches = append(r.Batches, b)
		for range o.batchRounds {
			from := s.next
			c, err := s.change(func() (time.Duration, error) { return s.put(n) })
			if err != nil {
				return err
			}
			plain, err := p.put(s.rows, from, n)
			if err != nil {
				return err
			}
			b.Costs, b.PlainMS = append(b.Costs, c), append(b.PlainMS, milliseconds(plain))
		}
	}
	return nil
}

func (r *result) save(o *options) error {
	r.Load = harness.LoadAverage()
	raw, err := json.MarshalIndent(r, "", " ")
	if err != nil {
		return err
	}
	path := filepath.Join(o.out, "changes-"+r.Data)
	return errors.Join(os.MkdirAll(o.out, 0o755), os.WriteFile(path+".json", append(raw, '\n'), 0o644), os.WriteFile(path+".md", []byte(r.markdown()), 0o644))
}

func (r *result) markdown() string {
	var b strings.Builder
	fmt.Fprintf(&b, "# Small changes: %s, %s, rows of %d\n\n", r.Data, r.Metric, r.Width)
	e := r.Environment
	fmt.Fprintf(&b, "%s, %d cores, %s; %s; %s; %s; load average %.1f at the end.\n\n`%s`\n\n", e.CPU, e.Cores, e.Memory, e.Kernel, e.Go, e.Date, r.Load, e.Command)
	b.WriteString("## One item: commit and build\n\nMedians. Times over the first line's in brackets.\n\n")
	markdown.Header(&b, "items", "change", "ms", "90 % within", "of it commit, ms", "distances", "records of the build", "bytes of them", "bytes written to the file")
	for _, s := range r.Singles {
		r.Singles[0].row(&b, s, "put", func(s *single) []cost { return s.Puts })
		r.Singles[0].row(&b, s, "delete", func(s *single) []cost { return s.Deletes })
	}
	b.WriteString("\n## Puts in one commit, build included, over plain LMDB puts of the same rows\n\nBoth durable; medians.\n\n")
	markdown.Header(&b, "items", "puts", "commit, ms", "build, ms", "plain LMDB, ms", "ratio", "ratio of the commit alone")
	for _, x := range r.Batches {
		wall, commit := quantile(each(x.Costs, cost.wall), .5), quantile(each(x.Costs, func(c cost) float64 { return c.CommitMS }), .5)
		plain := quantile(x.PlainMS, .5)
		markdown.Row(&b, chart.Thousands(float64(x.Size)), chart.Thousands(float64(x.Puts)), fmt.Sprintf("%.1f", commit),
			fmt.Sprintf("%.1f", quantile(each(x.Costs, func(c cost) float64 { return c.BuildMS }), .5)),
			fmt.Sprintf("%.1f", plain), fmt.Sprintf("%.1f", wall/plain), fmt.Sprintf("%.1f", commit/plain))
	}
	return b.String()
}

// row is the line of s, over those of the first size.
func (first *single) row(b *strings.Builder, s *single, change string, of func(*single) []cost) {
	costs := of(s)
	median := func(figure func(cost) float64) float64 { return quantile(each(costs, figure), .5) }
	wall := median(cost.wall)
	markdown.Row(b, chart.Thousands(float64(s.Size)), change,
		fmt.Sprintf("%.2f (%.2f)", wall, wall/quantile(each(of(first), cost.wall), .5)),
		fmt.Sprintf("%.2f", quantile(each(costs, cost.wall), .9)),
		fmt.Sprintf("%.2f", median(func(c cost) float64 { return c.CommitMS })),
		fmt.Sprintf("%.0f", median(func(c cost) float64 { return c.Distances })),
		fmt.Sprintf("%.0f", median(func(c cost) float64 { return c.Records })),
		chart.Thousands(median(func(c cost) float64 { return c.RecordBytes })),
		chart.Thousands(median(func(c cost) float64 { return c.WrittenBytes })))
}

func each(costs []cost, figure func(cost) float64) (all []float64) {
	for _, c := range costs {
		all = append(all, figure(c))
	}
	return all
}

// quantile is the value below which a part of the values lies.
func quantile(values []float64, part float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	return sorted[min(len(sorted)-1, int(part*float64(len(sorted))))]
}
