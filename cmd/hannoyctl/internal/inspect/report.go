package inspect

import (
	"bytes"
	"cmp"
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/hannoydb/hannoy"
	"github.com/hannoydb/hannoy/cmd/hannoyctl/internal/measure"
	"github.com/hannoydb/hannoy/cmd/hannoyctl/internal/operand"
	"github.com/hannoydb/hannoy/cmd/hannoyctl/internal/terminal"
)

const reportHelp = `Report writes the health of an index as one page of HTML, which needs nothing beside itself and no network: counts, bytes by
kind, degrees and levels of the graph, what check finds, recall against speed with the ef that searches take by default, how far
neighbours are, and a map of a sample of the vectors. Exit status 4 means damaged, as with check.

Recall is that of stored vectors as queries, each left out of its own answer, against an exact scan; --queries says of how many.
The map lays the sample out so that near vectors are near, coloured by the first label; how far groups are from each other says little.`

const reportExample = `  hannoyctl report photos -o report.html
  hannoyctl report photos -o report.html --queries 500 --sample 5000`

// seedOfReport draws the sample and the queries: the same index gives the same page.
const seedOfReport = 1

type reportFlags struct {
	operand.Location
	out     string
	queries terminal.Count
	sample  terminal.Count
}

func newReport() *cobra.Command {
	f := &reportFlags{queries: 200, sample: 2000}
	cmd := &cobra.Command{
		Use: "report DB -o FILE", Short: "write the health of an index as a page of HTML", Long: reportHelp, Example: reportExample, Args: f.OneDB,
		RunE: func(cmd *cobra.Command, _ []string) error { return f.run(cmd) },
	}
	f.Location.AddTo(cmd)
	cmd.Flags().StringVarP(&f.out, "output", "o", "", "file to write, such as report.html")
	cmd.Flags().Var(&f.queries, "queries", "stored vectors to measure recall and speed with")
	cmd.Flags().Var(&f.sample, "sample", "vectors on the map; of very long ones fewer are shown")
	return cmd
}

// reportData is what the page shows, as its script reads it.
type reportData struct {
	Index     string              `json:"index"`
	Directory string              `json:"directory"`
	Version   string              `json:"version"`
	Made      string              `json:"made"`
	Stats     *hannoy.Stats       `json:"stats"`
	Check     *hannoy.CheckReport `json:"check"`
	K         int                 `json:"k"`
	Queries   int                 `json:"queries"`
	Curve     []reportPoint       `json:"curve"`
	Nearest   []float32           `json:"nearest"`  // how far the nearest of each query is,
	Farthest  []float32           `json:"farthest"` // and the k-th
	Map       []mapPoint          `json:"map"`
}

// A reportPoint is one width of the search.
type reportPoint struct {
	Ef        int     `json:"ef"`
	Default   bool    `json:"default"`
	Recall    float64 `json:"recall"`
	QPS       float64 `json:"qps"`
	Distances float64 `json:"distances"`
}

func (f *reportFlags) run(cmd *cobra.Command) error {
	if f.out == "" {
		return terminal.UsageOf(cmd, errors.New("report needs --output"))
	}
	if err := operand.CheckOutput(f.out); err != nil {
		return err
	}
	check, err := checked(cmd, f.Dir, &hannoy.CheckOptions{Index: f.Index})
	if err != nil {
		return f.Hint(err)
	}
	d := &reportData{Index: f.Index, Directory: filepath.Base(f.Dir), Version: "hannoyctl " + versionOf().Version, Made: time.Now().UTC().Format(time.DateTime) + " UTC", Check: check, K: 10}
	if check.Sound { // else nothing more can be asked of it
		if err := f.gather(cmd, d); err != nil {
			return err
		}
	}
	page, err := d.page()
	if err == nil {
		err = os.WriteFile(f.out, page, 0o644)
	}
	if err != nil {
		return err
	}
	if operand.WantsJSON(cmd) {
		err = operand.PrintJSON(cmd, d)
	} else {
		_, err = fmt.Fprintf(cmd.OutOrStdout(), "%s, %s, written to %s\n", &f.Location, map[bool]string{true: "sound", false: "DAMAGED"}[check.Sound], f.out)
	}
	return cmp.Or(err, unsound(&f.Location, check))
}

func (f *reportFlags) gather(cmd *cobra.Command, d *reportData) error {
	ix, err := f.OpenIndex(cmd, true)
	if err != nil {
		return err
	}
	defer ix.Close()
	return ix.View(func(s *hannoy.Snapshot) (err error) {
		if d.Stats, err = s.Stats(); err != nil {
			return err
		}
		items, err := sampleOf(cmd.Context(), s, max(int(f.sample), int(f.queries)))
		if err != nil || len(items) == 0 {
			return err
		}
		d.K = min(d.K, s.Len()-1)
		if d.K > 0 {
			if err := d.measure(cmd, ix.Metric(), s, items[:min(len(items), int(f.queries))]); err != nil {
				return err
			}
		}
		stop := operand.NewBar(cmd).Busy("drawing", nil)
		defer stop()
		d.Map, err = mapOf(cmd.Context(), operand.StyleOf(ix), items[:min(len(items), int(f.sample), mostOnMap(ix.Dimensions()))])
		return err
	})
}

// sampleOf draws items, each with the same chance (Vitter's algorithm R), in an order that means nothing.
func sampleOf(ctx context.Context, s *hannoy.Snapshot, most int) ([]hannoy.Item, error) {
	random := rand.New(rand.NewPCG(seedOfReport, 0))
	var sample []hannoy.Item
	seen := 0
	for item, err := range s.Items() {
		if err := errors.Join(err, ctx.Err()); err != nil {
			return nil, err
		}
		if seen++; len(sample) < most {
			sample = append(sample, item)
		} else if at := random.IntN(seen); at < most {
			sample[at] = item
		}
	}
	random.Shuffle(len(sample), func(i, j int) { sample[i], sample[j] = sample[j], sample[i] })
	return sample, nil
}

// reportEfs are the widths that are measured, and the one that searches take if they say none.
var reportEfs = []int{10, 16, 24, 32, 48, 64, 100, 160, 256}

// reportRounds are enough for medians that one disturbance does not move.
const reportRounds = 3

// measure asks for the neighbours of stored items, exactly and at each width.
func (d *reportData) measure(cmd *cobra.Command, metric hannoy.Metric, s *hannoy.Snapshot, items []hannoy.Item) error {
	queries := make([]measure.Point, len(items))
	for i, item := range items {
		queries[i].Key = item.Key
	}
	bar := operand.NewBar(cmd)
	exact, err := measure.Scan(cmd.Context(), s, queries, d.K, runtime.GOMAXPROCS(0), bar)
	if err != nil {
		return err
	}
	d.Queries = len(items)
	for _, hits := range exact {
		d.Nearest = append(d.Nearest, hits[0].Distance)
		d.Farthest = append(d.Farthest, hits[len(hits)-1].Distance)
	}
	usual := cmp.Or(s.Ef(), hannoy.DefaultEf)
	c := measure.Curve{Rounds: reportRounds, Truth: measure.TruthOf(metric, exact)}
	efs := slices.Compact(slices.Sorted(slices.Values(append([]int{usual}, reportEfs...))))
	for _, ef := range efs {
		if ef >= d.K {
			c.Searches = append(c.Searches, measure.Search{K: terminal.Count(d.K), Ef: terminal.Count(ef), Threads: 1})
		}
	}
	points, err := c.Measure(cmd.Context(), s, queries, bar)
	for _, p := range points {
		d.Curve = append(d.Curve, reportPoint{Ef: p.Ef, Default: p.Ef == max(usual, d.K), Recall: *p.Recall, QPS: p.QPSCPU, Distances: p.DistancesPerQuery})
	}
	return err
}

var (
	//go:embed page/report.html
	reportPage string
	//go:embed page/report.js
	reportScript string
	//go:embed page/chart.js
	chartScript string
)

// page puts the data and the scripts into the page. In JSON, encoding/json escapes what would end a script.
func (d *reportData) page() ([]byte, error) {
	text, err := json.Marshal(d)
	if err != nil {
		return nil, err
	}
	var page bytes.Buffer
	_, err = strings.NewReplacer("{{DATA}}", string(text), "{{CHARTS}}", chartScript, "{{SCRIPT}}", reportScript).WriteString(&page, reportPage)
	return page.Bytes(), err
}
