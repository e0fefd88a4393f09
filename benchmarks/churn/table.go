package main

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/hannoydb/hannoy/benchmarks/chart"
	"github.com/hannoydb/hannoy/benchmarks/markdown"
)

// tableEfs are the ef whose recall the tables show.
var tableEfs = []int{16, 32, 64}

// markdownOf is the workloads of one data set as tables.
func markdownOf(all []*result) string {
	var b strings.Builder
	first := all[0]
	fmt.Fprintf(&b, "# Churn: %s, %s, %s rows of %d\n\n", first.Data, first.Metric, chart.Thousands(float64(first.Live)), first.Width)
	e := first.Environment
	fmt.Fprintf(&b, "%s, %d cores, %s; %s; %s; %s.\n\n", e.CPU, e.Cores, e.Memory, e.Kernel, e.Go, e.Date)
	writeSummary(&b, all)
	for _, r := range all {
		r.write(&b)
	}
	return b.String()
}

// writeSummary is a line for each workload and system, after its last step.
func writeSummary(b *strings.Builder, all []*result) {
	b.WriteString("## After the last step, against an index built anew of the same rows\n\n")
	markdown.Header(b, "workload", "system", "turnovers", "recall at a fixed ef, worst", "distances at recall .95", "at .99", "links per item", "unreachable", "delete over insert, distances", "the same, time")
	for _, r := range all {
		for _, s := range r.Systems {
			m := s.last()
			gap := "-"
			if m.Fresh != nil {
				gap = fmt.Sprintf("%+.4f", m.gap())
			}
			markdown.Row(b, r.Workload, s.Name, fmt.Sprintf("%.1f", m.Turnover), gap, ratioCell(m, .95), ratioCell(m, .99),
				degreeCell(m), fmt.Sprint(s.mostUnreachable()),
				s.removalCost(func(c cost) float64 { return float64(c.Distances) }), s.removalCost(func(c cost) float64 { return c.BuildMS }))
		}
	}
	b.WriteString("\nRecall: less that of the new index, at the ef where it is least favourable. Distances: over those of the new index. Unreachable: live items that no way leads to, the most at any measurement. Delete over insert: per item, of steps in which all leave before others come; median.\n\n")
}

func ratioCell(m *measurement, recall float64) string {
	if ratio, ok := m.ratio(recall); ok {
		return fmt.Sprintf("%.3f", ratio)
	}
	return "-"
}

func degreeCell(m *measurement) string {
	if m.Fresh == nil {
		return fmt.Sprintf("%.1f", m.State.MeanDegree)
	}
	return fmt.Sprintf("%.1f (new: %.1f)", m.State.MeanDegree, m.Fresh.State.MeanDegree)
}

func (s *systemResult) mostUnreachable() (most int) {
	for _, m := range s.Measurements {
		most = max(most, m.State.Unreachable)
	}
	return most
}

// removalCost is the median over the measurements of what a removal costs over what an
// insertion costs.
func (s *systemResult) removalCost(of func(cost) float64) string {
	var ratios []float64
	for _, m := range s.Measurements {
		if m.Removed > 0 && m.Inserted > 0 && of(m.Insert) > 0 {
			ratios = append(ratios, of(m.Remove)/float64(m.Removed)/(of(m.Insert)/float64(m.Inserted)))
		}
	}
	if len(ratios) == 0 {
		return "-"
	}
	return fmt.Sprintf("%.2f", quantile(ratios, .5))
}

// write is the section of one workload.
func (r *result) write(b *strings.Builder) {
	fmt.Fprintf(b, "## %s: %s\n\n", r.Workload, r.Says)
	fmt.Fprintf(b, "`%s`\n\n", r.Environment.Command)
	fmt.Fprintf(b, "%s rows make a turnover, %d steps, %d queries, k = %d, M = %d, ef construction = %d, %d threads, codes %s; load average %.1f at the end.\n\n",
		chart.Thousands(float64(r.Live)), r.Steps, r.Queries, r.K, r.M, r.Ef, r.Threads, r.Codes, r.Load)
	r.writeCourse(b)
	r.writeCosts(b)
}

func (r *result) writeCourse(b *strings.Builder) {
	header := []string{"turnovers", "system"}
	for _, ef := range tableEfs {
		header = append(header, fmt.Sprintf("recall at ef %d (new)", ef))
	}
	markdown.Header(b, append(header, "distances at .95 (new)", "at .99 (new)", "links per item", "file, MB (new)", "in use, MB")...)
	for i, first := range r.Systems[0].Measurements {
		if first.Fresh == nil && i > 0 {
			continue
		}
		for _, s := range r.Systems {
			m := s.Measurements[i]
			cells := []string{fmt.Sprintf("%.1f", m.Turnover), s.Name}
			for _, ef := range tableEfs {
				cells = append(cells, m.beside(func(m *measurement) (float64, bool) { return m.recallAt(ef), true }, "%.4f"))
			}
			for _, recall := range targets {
				cells = append(cells, m.beside(func(m *measurement) (float64, bool) { return m.distancesAt(recall) }, "%.0f"))
			}
			cells = append(cells, degreeCell(m),
				m.beside(func(m *measurement) (float64, bool) { return float64(m.State.FileBytes) / 1e6, m.State.FileBytes > 0 }, "%.1f"),
				fmt.Sprintf("%.1f", float64(m.State.DataBytes)/1e6))
			markdown.Row(b, cells...)
		}
	}
	b.WriteString("\n")
}

// beside is a figure with that of the fresh index in brackets.
func (m *measurement) beside(figure func(*measurement) (float64, bool), format string) string {
	cell := "-"
	if v, ok := figure(m); ok && !math.IsNaN(v) {
		cell = fmt.Sprintf(format, v)
	}
	if m.Fresh == nil {
		return cell
	}
	if v, ok := figure(m.Fresh); ok && !math.IsNaN(v) {
		cell += fmt.Sprintf(" ("+format+")", v)
	}
	return cell
}

func (r *result) writeCosts(b *strings.Builder) {
	markdown.Header(b, "system", "changes per step", "commit p50 / p99, ms", "build p50 / p99, ms", "distances per change", "records per change", "bytes of records per change", "bytes written per change")
	for _, s := range r.Systems {
		var changes, distances, records, links, written float64
		var commits, builds []float64
		for _, c := range s.Steps {
			changes += float64(max(c.Removed, c.Inserted))
			distances += float64(c.Distances)
			records += float64(c.Records)
			links += float64(c.LinkBytes)
			written += float64(c.WrittenBytes)
			commits, builds = append(commits, c.CommitMS), append(builds, c.BuildMS)
		}
		if len(s.Steps) == 0 {
			continue
		}
		markdown.Row(b, s.Name, fmt.Sprintf("%.0f", changes/float64(len(s.Steps))),
			fmt.Sprintf("%.1f / %.1f", quantile(commits, .5), quantile(commits, .99)), fmt.Sprintf("%.1f / %.1f", quantile(builds, .5), quantile(builds, .99)),
			fmt.Sprintf("%.0f", distances/changes), fmt.Sprintf("%.1f", records/changes), fmt.Sprintf("%.0f", links/changes), fmt.Sprintf("%.0f", written/changes))
	}
	b.WriteString("\nA change is a row that comes, or leaves, or both. hnswlib is in memory: its commit is the marking of deleted rows, and nothing is written.\n\n")
}

// quantile is the value below which a part of the values lies.
func quantile(values []float64, part float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	return sorted[min(len(sorted)-1, int(part*float64(len(sorted))))]
}
