package main

import (
	"fmt"
	"math"
	"strings"

	"github.com/hannoydb/hannoy"
	"github.com/hannoydb/hannoy/benchmarks/chart"
	"github.com/hannoydb/hannoy/benchmarks/harness"
	"github.com/hannoydb/hannoy/benchmarks/markdown"
)

// result is all that was measured: the JSON file, from which the tables and the picture
// are made.
type result struct {
	Environment  harness.Environment `json:"environment"`
	Data         string              `json:"data"`
	Rows         int                 `json:"rows"`
	Queries      int                 `json:"queries"`
	K            int                 `json:"k"`
	Unfiltered   []figures           `json:"unfiltered"`
	Cases        []caseResult        `json:"cases"`
	Paging       []pagingResult      `json:"paging"`
	Preparations []preparation       `json:"preparations"`
	Hnswlib      []peerCurve         `json:"hnswlib,omitempty"`
}

// peerCurve is what hnswlib takes for a share of uniform matches.
type peerCurve struct {
	Share  float64   `json:"share"`
	Points []figures `json:"points"`
}

// at reads a figure off a curve at a recall, between the two points around it, in the
// logarithm. Below the first point it is that of the first; beyond the last there is none.
func at(curve []figures, recall float64, figure func(figures) float64) (float64, bool) {
	for i, f := range curve {
		if f.Recall < recall {
			continue
		}
		if i == 0 || f.Recall == curve[i-1].Recall {
			return figure(f), true
		}
		before := curve[i-1]
		part := (recall - before.Recall) / (f.Recall - before.Recall)
		return math.Exp((1-part)*math.Log(figure(before)) + part*math.Log(figure(f))), true
	}
	return 0, false
}

// unfiltered is what a search without a filter takes at the recall, or at the best that
// the curve reaches.
func (r *result) unfiltered(recall float64, figure func(figures) float64) float64 {
	best := 0.0
	for _, f := range r.Unfiltered {
		best = max(best, f.Recall)
	}
	v, _ := at(r.Unfiltered, min(recall, best), figure)
	return v
}

func distances(f figures) float64 { return f.Distances }
func micros(f figures) float64    { return f.Micros }

func percent(share float64) string { return fmt.Sprintf("%.3g %%", share) }

func (r *result) markdown() string {
	var b strings.Builder
	fmt.Fprintf(&b, "# Filtered search: %s\n\n%s rows, %d queries, k = %d, int8 codes, one thread; %s.\n\n", r.Data,
		chart.Thousands(float64(r.Rows)), r.Queries, r.K, r.Environment.Date)
	b.WriteString("Made by `make filters`. Recall is by row number. Times are of CPU, per query, filters prepared. The ratios are to a search without a\nfilter at equal recall (at the best recall of its curve, where that is less).\n\n")
	r.tableOfCases(&b)
	r.tableOfBitmap(&b)
	b.WriteString("\n## Without a filter\n\n")
	markdown.Header(&b, "ef", "recall", "distances", "hops", "us")
	for _, f := range r.Unfiltered {
		markdown.Row(&b, fmt.Sprint(f.Ef), fmt.Sprintf("%.4f", f.Recall), chart.Thousands(f.Distances), chart.Thousands(f.Hops), fmt.Sprintf("%.1f", f.Micros))
	}
	b.WriteString("\n## Paging\n\nTen pages of ten by an iterator (`Nearest`) beside one search for a hundred; labels drawn uniform.\n\n")
	markdown.Header(&b, "share", "recall of the search", "of the pages", "distances of the search", "of the pages", "us of the search", "of the pages", "ratio")
	for _, p := range r.Paging {
		markdown.Row(&b, percent(p.Share), fmt.Sprintf("%.4f", p.Search.Recall), fmt.Sprintf("%.4f", p.Pages.Recall),
			chart.Thousands(p.Search.Distances), chart.Thousands(p.Pages.Distances), fmt.Sprintf("%.1f", p.Search.Micros), fmt.Sprintf("%.1f", p.Pages.Micros),
			fmt.Sprintf("%.2f", p.Pages.Micros/p.Search.Micros))
	}
	b.WriteString("\n## Preparing a filter\n\nIn an index of 1,000,000 items.\n\n")
	markdown.Header(&b, "filter", "items that match", "us, median of 50")
	for _, p := range r.Preparations {
		markdown.Row(&b, p.Filter, chart.Thousands(float64(p.Items)), fmt.Sprintf("%.0f", p.Micros))
	}
	r.tableOfPeer(&b)
	return b.String()
}

func (r *result) tableOfCases(b *strings.Builder) {
	markdown.Header(b, "matches", "share", "strategy", "recall at the default ef", "hits missing", "distances", "ratio", "us", "ratio", "scan by stored vectors, us")
	for _, c := range r.Cases {
		f := c.Filtered
		markdown.Row(b, c.Placement, percent(c.Share), strategies(f), fmt.Sprintf("%.4f", f.Recall), fmt.Sprint(f.Missing),
			chart.Thousands(f.Distances), fmt.Sprintf("%.2f", f.Distances/r.unfiltered(f.Recall, distances)),
			fmt.Sprintf("%.1f", f.Micros), fmt.Sprintf("%.2f", f.Micros/r.unfiltered(f.Recall, micros)), fmt.Sprintf("%.1f", c.Scan.Micros))
	}
}

// tableOfBitmap says what a caller's bitmap adds to a query of the same ef.
func (r *result) tableOfBitmap(b *strings.Builder) {
	for _, c := range r.Cases {
		if c.Placement != callersBitmap {
			continue
		}
		for _, without := range r.Unfiltered {
			if without.Ef != hannoy.DefaultEf {
				continue
			}
			fmt.Fprintf(b, "\n## A caller's bitmap\n\nWhat %s, %s of the rows, add to a query: at equal ef (%d), prepared once, against a query without a filter.\n\n", callersBitmap, percent(c.Share), without.Ef)
			markdown.Header(b, "", "without", "with", "added")
			row := func(name string, format string, without, with float64) {
				markdown.Row(b, name, fmt.Sprintf(format, without), fmt.Sprintf(format, with), fmt.Sprintf("%+.0f %%", 100*(with/without-1)))
			}
			row("distances", "%.0f", without.Distances, c.Filtered.Distances)
			row("hops", "%.0f", without.Hops, c.Filtered.Hops)
			row("us", "%.1f", without.Micros, c.Filtered.Micros)
			markdown.Row(b, "recall", fmt.Sprintf("%.4f", without.Recall), fmt.Sprintf("%.4f", c.Filtered.Recall), "")
		}
	}
}

// strategies names those that the queries took, the most frequent first.
func strategies(f figures) string {
	var names []string
	for _, name := range []string{"scan", "sweep", "two-hop", "beam"} {
		if n := f.Strategies[name]; n > 0 {
			names = append(names, fmt.Sprintf("%s %d", name, n))
		}
	}
	text := strings.Join(names, ", ")
	if f.Scanned > 0 {
		text += fmt.Sprintf(" (%d given up for a scan)", f.Scanned)
	}
	return text
}

func (r *result) tableOfPeer(b *strings.Builder) {
	if len(r.Hnswlib) == 0 {
		return
	}
	b.WriteString("\n## Beside hnswlib\n\nUniform matches, equal recall. hnswlib 0.6.2 has no filter functor yet: here all rows that do not match are marked deleted, which\nmakes its search walk just as the functor of later versions does, without the functor's calls. The marking is not timed.\n\n")
	markdown.Header(b, "share", "recall", "hannoy, us", "hnswlib, us", "ratio")
	for _, p := range r.Hnswlib {
		for _, c := range r.Cases {
			if c.Placement != "uniform" || c.Share != p.Share {
				continue
			}
			peer, reached := at(p.Points, c.Filtered.Recall, micros)
			text, ratio := "not reached", "-"
			if reached {
				text, ratio = fmt.Sprintf("%.1f", peer), fmt.Sprintf("%.2f", peer/c.Filtered.Micros)
			}
			markdown.Row(b, percent(p.Share), fmt.Sprintf("%.4f", c.Filtered.Recall), fmt.Sprintf("%.1f", c.Filtered.Micros), text, ratio)
		}
	}
}

// chart is the cost of each placement over the share of matches, as a multiple of a
// search without a filter at equal recall.
func (r *result) chart() *chart.Chart {
	c := &chart.Chart{
		Title:    r.Data + ": the price of a filter",
		Subtitle: "CPU time over that of a search without a filter at equal recall; lower is better",
		Footnote: fmt.Sprintf("%s rows, %d queries, k = %d, default ef; %s", chart.Thousands(float64(r.Rows)), r.Queries, r.K, strings.Fields(r.Environment.Date)[0]),
	}
	var xs, ys []float64
	for style, placement := range []string{"uniform", "nearest", "elsewhere", "farthest"} {
		line := chart.Series{Name: "matches: " + placement, Style: style}
		for _, k := range r.Cases {
			if k.Placement == placement {
				p := chart.Point{X: k.Share, Y: k.Filtered.Micros / r.unfiltered(k.Filtered.Recall, micros)}
				line.Points = append(line.Points, p)
				xs, ys = append(xs, p.X), append(ys, p.Y)
			}
		}
		c.Series = append(c.Series, line)
	}
	c.X, c.Y = chart.LogAxis("share of rows that match, percent", xs), chart.LogAxis("ratio", ys)
	return c
}
