package main

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/hannoydb/hannoy/benchmarks/chart"
	"github.com/hannoydb/hannoy/benchmarks/harness"
	"github.com/hannoydb/hannoy/benchmarks/markdown"
)

// tableRecalls are the recalls at which systems are compared.
var tableRecalls = []float64{.90, .95, .99}

// latencyEf is the ef of the latencies in the table.
const latencyEf = 100

// markdown is the result as tables.
func (r *result) markdown() string {
	var b strings.Builder
	fmt.Fprintf(&b, "# %s: %s, %s rows of %d %s\n\n", r.Data.Name, r.Data.Metric, chart.Thousands(float64(r.Data.Items)), r.Data.Width, r.widthUnit())
	r.writeEnvironment(&b)
	r.writeSpeeds(&b)
	r.writeCosts(&b)
	r.writeReaders(&b)
	r.writeCold(&b)
	r.writeCurves(&b)
	r.writeNotes(&b)
	return b.String()
}

func (r *result) writeEnvironment(b *strings.Builder) {
	e, p := r.Environment, r.Parameters
	fmt.Fprintf(b, "%s, %d cores, %s; %s; %s; %s.\n", e.CPU, e.Cores, e.Memory, e.Kernel, e.Go, e.Date)
	fmt.Fprintf(b, "`%s`\n\n", e.Command)
	fmt.Fprintf(b, "k = %d, M = %d, ef construction = %d, %d queries, %d interleaved rounds of fresh processes on the saved index.\n", p.K, p.M, p.EfConstruction, r.Data.Queries, p.Rounds)
	// What runs the query itself is a load of about 1.
	if highest := slices.Max(append([]float64{0}, r.Loads...)); highest > 2 {
		fmt.Fprintf(b, "**The machine was shared**: load averages up to %.1f on %d cores at the start of a round. Compare ratios within a round and CPU times; wall times are worse than those of a quiet machine.\n", highest, e.Cores)
	} else {
		fmt.Fprintf(b, "The machine was quiet: load averages of at most %.1f at the start of each round.\n", highest)
	}
	b.WriteString("\n")
}

func (r *result) find(name string) *systemResult {
	for _, s := range r.Systems {
		if s.Name == name {
			return s
		}
	}
	return &systemResult{}
}

func (r *result) writeSpeeds(b *strings.Builder) {
	fmt.Fprintf(b, "## Queries per second of CPU time at equal recall, 1 thread\n\nIn brackets: ratio to %s, median of the ratios of each round (lowest-highest).\n\n", reference)
	header := []string{"system"}
	for _, recall := range tableRecalls {
		header = append(header, fmt.Sprintf("at %.2f", recall))
	}
	markdown.Header(b, append(header, "2 threads over 1 at .95, wall")...)
	for _, s := range r.Systems {
		if s.Missing != "" && len(s.Rounds) == 0 {
			continue
		}
		cells := []string{s.Name}
		for _, recall := range tableRecalls {
			cells = append(cells, r.speedCell(s, recall))
		}
		gain := "-"
		if two := ratios(s.speeds(.95, 2, qpsWall), s.speeds(.95, 1, qpsWall)); len(two) > 0 {
			gain = fmt.Sprintf("%.2f", median(two))
		}
		markdown.Row(b, append(cells, gain)...)
	}
	b.WriteString("\n")
}

func (r *result) speedCell(s *systemResult, recall float64) string {
	own := s.speeds(recall, 1, qpsCPU)
	if len(own) == 0 {
		return "not reached"
	}
	cell := whole(median(own))
	if first := s.Rounds[0].Recall[0]; first.WithDistance >= recall {
		cell += fmt.Sprintf(" at %.3f", first.WithDistance) // the smallest ef is better than asked
	}
	if to := ratios(own, r.find(reference).speeds(recall, 1, qpsCPU)); len(to) > 0 {
		cell += fmt.Sprintf(" (%.2f; %.2f-%.2f)", median(to), slices.Min(to), slices.Max(to))
	}
	return cell
}

func (r *result) writeCosts(b *strings.Builder) {
	b.WriteString("## Building, opening, memory\n\nBuild times are of one build each, in seconds: wall (CPU). Memory is resident after the curve (anonymous).\n\n")
	markdown.Header(b, "system", "build, 1 thread", "build, 2 threads", "on disk, MB", "bytes per row beyond the vector", "open, ms", "memory, MB", fmt.Sprintf("p50 / p99 at ef %d, µs", latencyEf))
	vector := r.Data.Width
	if r.Data.Metric != "hamming" {
		vector *= 4
	}
	for _, s := range r.Systems {
		if len(s.Builds) == 0 {
			continue
		}
		cells := []string{s.Name, "-", "-"}
		for _, build := range s.Builds {
			if build.Threads == 1 || build.Threads == 2 {
				cells[build.Threads] = fmt.Sprintf("%.1f (%.1f)", build.Seconds, build.CPUSeconds)
			}
		}
		rss := s.medianOf(func(q *harness.QueryReport) float64 { return float64(q.After.RSSKB) })
		anonymous := s.medianOf(func(q *harness.QueryReport) float64 { return float64(q.After.AnonymousKB) })
		markdown.Row(b, append(cells,
			fmt.Sprintf("%.1f", float64(s.DiskBytes)/1e6),
			fmt.Sprintf("%.0f", float64(s.DiskBytes)/float64(r.Data.Items)-float64(vector)),
			fmt.Sprintf("%.1f", s.medianOf(func(q *harness.QueryReport) float64 { return q.OpenMS })),
			fmt.Sprintf("%.0f (%.0f)", rss/1024, anonymous/1024),
			fmt.Sprintf("%.0f / %.0f", s.latency(latencyEf, func(p harness.Point) float64 { return p.P50US }), s.latency(latencyEf, func(p harness.Point) float64 { return p.P99US })))...)
	}
	b.WriteString("\n")
}

// latency is the median over rounds of a latency with one thread, or 0 if the ef was
// not measured.
func (s *systemResult) latency(ef int, of func(harness.Point) float64) float64 {
	return s.medianOf(func(q *harness.QueryReport) float64 {
		for _, p := range q.Curve {
			if p.Ef == ef && p.Threads == 1 {
				return of(p)
			}
		}
		return 0
	})
}

func (r *result) writeReaders(b *strings.Builder) {
	if !slices.ContainsFunc(r.Systems, func(s *systemResult) bool { return len(s.Readers) > 0 }) {
		return
	}
	fmt.Fprintf(b, "## Reader processes\n\nAt the smallest ef with recall %.2f, %.0f s each, medians.\n\n", readersRecall, readersSeconds)
	markdown.Header(b, "system", "ef", "1 process, queries/s", "2 processes", "ratio", "ratio per CPU second × 2", "anonymous memory of 2, MB")
	qps := func(run *readersRun) float64 { return run.QPS }
	cpu := func(run *readersRun) float64 { return run.QPSCPU }
	anonymous := func(run *readersRun) float64 { return float64(run.AnonymousKB) }
	for _, s := range r.Systems {
		if len(s.Readers) == 0 {
			continue
		}
		one, two := s.readersMedian(1, qps), s.readersMedian(2, qps)
		markdown.Row(b, s.Name, fmt.Sprint(s.Readers[0].Ef), whole(one), whole(two), fmt.Sprintf("%.2f", two/one),
			fmt.Sprintf("%.2f", 2*s.readersMedian(2, cpu)/s.readersMedian(1, cpu)), fmt.Sprintf("%.0f", s.readersMedian(2, anonymous)/1024))
	}
	b.WriteString("\n")
}

func (r *result) writeCold(b *strings.Builder) {
	if !slices.ContainsFunc(r.Systems, func(s *systemResult) bool { return len(s.Cold) > 0 }) {
		b.WriteString("Cold cache: not measured (it needs root and a page cache that can be emptied).\n\n")
		return
	}
	b.WriteString("## Cold page cache\n\nFrom open on, ef 100, medians.\n\n")
	markdown.Header(b, "system", "open, ms", "open + first query, ms", fmt.Sprintf("open + %d queries, ms", coldQueries), "read until the first answer, MB", "waits until then", "a random read, µs")
	for _, s := range r.Systems {
		if len(s.Cold) == 0 {
			continue
		}
		markdown.Row(b, s.Name,
			fmt.Sprintf("%.1f", s.coldMedian(func(c *coldRun) float64 { return c.OpenMS })),
			fmt.Sprintf("%.1f", s.coldMedian(func(c *coldRun) float64 { return c.FirstMS })),
			fmt.Sprintf("%.1f", s.coldMedian(func(c *coldRun) float64 { return c.HundredMS })),
			fmt.Sprintf("%.1f", s.coldMedian(func(c *coldRun) float64 { return float64(c.ReadKB) / 1000 })),
			fmt.Sprintf("%.0f", s.coldMedian(func(c *coldRun) float64 { return float64(c.Faults) })),
			fmt.Sprintf("%.0f", s.coldMedian(func(c *coldRun) float64 { return c.DiskReadUS })))
	}
	b.WriteString("\n")
}

func (r *result) writeCurves(b *strings.Builder) {
	b.WriteString("## Curves\n\nRecall (by identity of rows) and queries per second of CPU time, 1 thread, medians.\n\n")
	header := []string{"ef"}
	var measured []*systemResult
	for _, s := range r.Systems {
		if len(s.Rounds) > 0 {
			measured = append(measured, s)
			header = append(header, s.Name)
		}
	}
	markdown.Header(b, header...)
	for i, ef := range r.Parameters.Ef {
		cells := []string{fmt.Sprint(ef)}
		for _, s := range measured {
			p := s.medianCurve(1, qpsCPU)[i]
			cells = append(cells, fmt.Sprintf("%.4f (%.4f), %s", p.recall, s.Rounds[0].Recall[i].WithID, whole(p.speed)))
		}
		markdown.Row(b, cells...)
	}
	b.WriteString("\n")
}

func (r *result) writeNotes(b *strings.Builder) {
	b.WriteString("## Notes\n\n")
	for _, s := range r.Systems {
		name := strings.TrimSpace(s.Name + " " + s.Version)
		if s.Missing != "" {
			fmt.Fprintf(b, "- %s: %s.\n", name, s.Missing)
			continue
		}
		fmt.Fprintf(b, "- %s: %s.\n", name, strings.Join(s.Notes, "; "))
	}
}

func whole(v float64) string { return chart.Thousands(math.Round(v)) }
