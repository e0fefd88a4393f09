package main

import (
	"encoding/json"
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

// loadEfConstruction is lower than that of the comparison: the experiment is about the
// size of the index, and a million rows are to be built.
const loadEfConstruction = 40

// loadSystems are one that opens a map and one that reads everything.
var loadSystems = []string{"hannoy", "hnswlib"}

// loadResult is the load experiment: how long it takes from opening an index to its
// first answer.
type loadResult struct {
	Environment harness.Environment `json:"environment"`
	Data        dataset             `json:"data"` // with the largest size
	Loads       []float64           `json:"load_averages"`
	ColdMissing string              `json:"cold_missing,omitempty"` // why there are no cold figures
	Points      []*loadPoint        `json:"points"`
}

// loadPoint is one system at one size.
type loadPoint struct {
	System    string    `json:"system"`
	Items     int       `json:"items"`
	DiskBytes int64     `json:"disk_bytes"`
	OpenMS    []float64 `json:"open_ms"` // each process, files in the page cache
	FirstMS   []float64 `json:"first_ms"`
	ColdMS    []float64 `json:"cold_first_ms"` // the same with an empty page cache
	RSSKB     int64     `json:"rss_kb"`        // after the first answer
}

// load builds indexes of growing size and measures how soon they answer.
func load(o *options) error {
	scratch := filepath.Join(o.scratch, "load-"+o.name())
	data := filepath.Join(scratch, "data")
	for _, dir := range []string{data, o.out} {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return err
		}
	}
	largest := slices.Max(o.loadSizes)
	width, err := synthesize(o, data, largest)
	if err != nil {
		return err
	}
	r := &loadResult{
		Environment: harness.NewEnvironment(time.Now()),
		Data:        dataset{Name: o.name(), Metric: o.metric, Items: largest, Width: width},
	}
	if err := dropCaches(); err != nil {
		r.ColdMissing = err.Error()
	}
	for _, size := range o.loadSizes {
		at := *o
		at.data, at.limit, at.efConstruction = data, size, loadEfConstruction
		at.buildThreads = o.buildThreads[len(o.buildThreads)-1:]
		dir := filepath.Join(scratch, fmt.Sprint(size))
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return err
		}
		r.Loads = append(r.Loads, harness.LoadAverage())
		if err := r.measure(&at, contenders(o.bin, dir, o.metric, loadSystems)); err != nil {
			return err
		}
	}
	return r.write(o)
}

// synthesize writes a data set of the largest size, unless it is there already.
func synthesize(o *options, data string, largest int) (width int, err error) {
	base, err := harness.ReadRows(o.data, "base", o.metric, 0)
	if err != nil {
		return 0, err
	}
	queries, err := harness.ReadRows(o.data, "query", o.metric, 0)
	if err != nil {
		return 0, err
	}
	if err := harness.WriteRows(filepath.Join(data, "query.fbin"), queries); err != nil {
		return 0, err
	}
	made, err := harness.Jitter(base, largest)
	if err != nil {
		return 0, err
	}
	return base.Width, harness.WriteRows(filepath.Join(data, "base.fbin"), made)
}

func (r *loadResult) measure(o *options, systems []*contender) error {
	for _, c := range systems {
		if c.available() {
			c.fail(o, "build", c.prepare(o))
		}
		if !c.available() {
			return fmt.Errorf("%s: %s", c.Name, c.Missing)
		}
		r.Points = append(r.Points, &loadPoint{System: c.Name, Items: o.limit, DiskBytes: c.DiskBytes})
	}
	points := r.Points[len(r.Points)-len(systems):]
	for range o.rounds {
		for i, c := range systems {
			if err := r.measureOne(o, c, points[i]); err != nil {
				return err
			}
		}
	}
	for _, p := range points {
		o.logf("%s, %d items: first answer after %.1f ms, cold %.1f ms", p.System, p.Items, median(p.FirstMS), median(p.ColdMS))
	}
	return nil
}

func (r *loadResult) measureOne(o *options, c *contender, p *loadPoint) error {
	first := func() (*harness.QueryReport, float64, error) {
		report, err := c.query(o, "--first", "1")
		if err != nil {
			return nil, 0, err
		}
		return report, report.OpenMS + report.FirstUS[0]/1000, nil
	}
	if r.ColdMissing == "" {
		if err := c.chill(); err != nil {
			return err
		}
		_, ms, err := first()
		if err != nil {
			return err
		}
		p.ColdMS = append(p.ColdMS, ms)
	}
	// hnswlib has just read all its file; what hannoy maps has to be read for once.
	if err := touchFiles(c.index); err != nil {
		return err
	}
	report, ms, err := first()
	if err != nil {
		return err
	}
	p.OpenMS, p.FirstMS, p.RSSKB = append(p.OpenMS, report.OpenMS), append(p.FirstMS, ms), report.Opened.RSSKB
	return nil
}

// touchFiles brings the files of a directory into the page cache.
func touchFiles(dir string) error {
	entries, err := os.ReadDir(dir)
	for _, entry := range entries {
		if err == nil && entry.Type().IsRegular() {
			_, err = os.ReadFile(filepath.Join(dir, entry.Name()))
		}
	}
	return err
}

func (r *loadResult) write(o *options) error {
	prefix := filepath.Join(o.out, "load-"+o.name())
	raw, err := json.MarshalIndent(r, "", " ")
	if err != nil {
		return err
	}
	for _, file := range []struct{ path, content string }{
		{prefix + ".json", string(raw) + "\n"},
		{prefix + ".md", r.markdown()},
		{prefix + ".svg", r.chart().SVG()},
	} {
		if err := os.WriteFile(file.path, []byte(file.content), 0o644); err != nil {
			return err
		}
	}
	o.logf("wrote %s.json, .md and .svg", prefix)
	return nil
}

func (r *loadResult) markdown() string {
	var b strings.Builder
	e := r.Environment
	fmt.Fprintf(&b, "# From open to the first answer: %s, %d numbers per row\n\n", r.Data.Name, r.Data.Width)
	fmt.Fprintf(&b, "%s, %d cores, %s; %s; %s; %s; load average up to %.1f.\n`%s`\n\n", e.CPU, e.Cores, e.Memory, e.Kernel, e.Go, e.Date, slices.Max(r.Loads), e.Command)
	fmt.Fprintf(&b, "Medians. Rows beyond those of the data set are copies of them, moved a little. Warm: the files are in the page cache; cold: the page cache was emptied before.\n\n")
	if r.ColdMissing != "" {
		fmt.Fprintf(&b, "No cold figures: %s.\n\n", r.ColdMissing)
	}
	markdown.Header(&b, "rows", "system", "on disk, MB", "open, ms", "open + first answer, warm, ms", "cold, ms", "memory then, MB")
	for _, p := range r.Points {
		markdown.Row(&b, chart.Thousands(float64(p.Items)), p.System, fmt.Sprintf("%.1f", float64(p.DiskBytes)/1e6),
			fmt.Sprintf("%.2f", median(p.OpenMS)), fmt.Sprintf("%.2f", median(p.FirstMS)), fmt.Sprintf("%.1f", median(p.ColdMS)),
			fmt.Sprintf("%.0f", float64(p.RSSKB)/1024))
	}
	return b.String()
}

func (r *loadResult) chart() *chart.Chart {
	c := &chart.Chart{
		Title:    "From open to the first answer",
		Subtitle: fmt.Sprintf("hannoy maps its file, hnswlib reads it; %d numbers per row; lower is better", r.Data.Width),
		Footnote: fmt.Sprintf("%s, %s, medians", r.Environment.CPU, strings.Fields(r.Environment.Date)[0]),
	}
	var sizes, times []float64
	for _, line := range []struct {
		system, name string
		style        int
		ms           func(*loadPoint) []float64
	}{
		{"hnswlib", "hnswlib, cold cache", 5, func(p *loadPoint) []float64 { return p.ColdMS }},
		{"hnswlib", "hnswlib, warm", 0, func(p *loadPoint) []float64 { return p.FirstMS }},
		{"hannoy", "hannoy, cold cache", 4, func(p *loadPoint) []float64 { return p.ColdMS }},
		{"hannoy", "hannoy, warm", 1, func(p *loadPoint) []float64 { return p.FirstMS }},
	} {
		s := chart.Series{Name: line.name, Style: line.style}
		for _, p := range r.Points {
			if ms := line.ms(p); p.System == line.system && len(ms) > 0 {
				s.Points = append(s.Points, chart.Point{X: float64(p.Items), Y: median(ms)})
				sizes, times = append(sizes, float64(p.Items)), append(times, median(ms))
			}
		}
		if len(s.Points) > 0 {
			c.Series = append(c.Series, s)
		}
	}
	c.X = chart.LogAxis("rows", sizes)
	c.Y = chart.LogAxis("milliseconds", times)
	return c
}
