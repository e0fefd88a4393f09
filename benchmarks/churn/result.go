package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/hannoydb/hannoy/benchmarks/harness"
)

const logEf = 32

// targets are the recalls at which distances are compared.
var targets = []float64{.95, .99}

// result is all that was measured of a workload: the JSON file, from which the tables
// and the pictures are made.
type result struct {
	Environment harness.Environment `json:"environment"`
	Load        float64             `json:"load_average"` // of one minute, at the end
	Data        string              `json:"data"`
	Metric      string              `json:"metric"`
	Rows        int                 `json:"rows"`
	Width       int                 `json:"width"`
	Queries     int                 `json:"queries"`
	Workload    string              `json:"workload"`
	Says        string              `json:"says"`
	Steps       int                 `json:"steps"`
	Live        int                 `json:"live"` // as many insertions are one turnover
	K           int                 `json:"k"`
	M           int                 `json:"m"`
	Ef          int                 `json:"ef_construction"`
	Threads     int                 `json:"threads"`
	Codes       string              `json:"codes"`
	Systems     []*systemResult     `json:"systems"`
}

// systemResult is what was measured of a system.
type systemResult struct {
	Name         string         `json:"name"`
	Steps        []stepCost     `json:"steps"` // those in which rows left and came in one build
	Measurements []*measurement `json:"measurements"`
}

// stepCost is what a step took.
type stepCost struct {
	Step     int `json:"step"`
	Removed  int `json:"removed"`
	Inserted int `json:"inserted"`
	cost
}

// measurement is an index after a step.
type measurement struct {
	Step     int          `json:"step"`
	Turnover float64      `json:"turnover"`
	Live     int          `json:"live"`
	Removed  int          `json:"removed"`
	Inserted int          `json:"inserted"`
	Remove   cost         `json:"remove"` // of the removals alone, with a build
	Insert   cost         `json:"insert"` // of the insertions
	State    state        `json:"state"`
	Curve    []point      `json:"curve"`
	Fresh    *measurement `json:"fresh,omitempty"` // an index built anew of the same rows
}

// point is one ef.
type point struct {
	Ef        int     `json:"ef"`
	Recall    float64 `json:"recall"`
	Distances float64 `json:"distances"` // per query
}

func newResult(o *options, p *plan, rows, queries *harness.Rows) *result {
	return &result{
		Environment: harness.NewEnvironment(time.Now()),
		Data:        o.dataName(), Metric: o.metric, Rows: rows.Count, Width: rows.Width, Queries: queries.Count,
		Workload: p.name, Says: p.says, Steps: len(p.steps), Live: p.whole,
		K: o.k, M: o.m, Ef: o.efConstruction, Threads: o.threads, Codes: o.codes,
	}
}

func (s *systemResult) last() *measurement { return s.Measurements[len(s.Measurements)-1] }

// distancesAt is how many distances a recall takes, on the straight line between the two
// nearest points of the curve with a logarithmic axis of distances; false if no ef, or
// the smallest already, has that recall.
func (m *measurement) distancesAt(recall float64) (float64, bool) {
	for i, p := range m.Curve {
		if p.Recall < recall {
			continue
		}
		if i == 0 {
			return 0, false
		}
		from := m.Curve[i-1]
		part := (recall - from.Recall) / (p.Recall - from.Recall)
		return math.Exp(math.Log(from.Distances) + part*(math.Log(p.Distances)-math.Log(from.Distances))), true
	}
	return 0, false
}

// ratio is how many distances a recall takes over what it takes in the fresh index.
func (m *measurement) ratio(recall float64) (float64, bool) {
	if m.Fresh == nil {
		return 0, false
	}
	of, ok := m.distancesAt(recall)
	to, too := m.Fresh.distancesAt(recall)
	return of / to, ok && too
}

// gap is the recall less that of the fresh index, at the ef at which it is worst.
func (m *measurement) gap() float64 {
	worst := math.Inf(1)
	for i, p := range m.Curve {
		worst = min(worst, p.Recall-m.Fresh.Curve[i].Recall)
	}
	return worst
}

func (m *measurement) recallAt(ef int) float64 {
	for _, p := range m.Curve {
		if p.Ef == ef {
			return p.Recall
		}
	}
	return math.NaN()
}

// group is the path of the tables of a data set and a size without their ending; those
// of a workload begin with it.
func (r *result) group(dir string) string {
	return filepath.Join(dir, fmt.Sprintf("churn-%s-%d", r.Data, r.Live))
}

// prefix is the path of the workload's files without their endings.
func (r *result) prefix(dir string) string { return r.group(dir) + "-" + r.Workload }

// save writes the figures and what is made of them.
func (r *result) save(dir string, log io.Writer) error {
	r.Load = harness.LoadAverage()
	raw, err := json.Marshal(r)
	if err != nil {
		return err
	}
	path := r.prefix(dir) + ".json"
	if err := errors.Join(os.MkdirAll(dir, 0o755), os.WriteFile(path, append(raw, '\n'), 0o644)); err != nil {
		return err
	}
	return render([]string{path}, log)
}

// render makes the tables of the data set and the pictures anew of saved figures.
func render(paths []string, log io.Writer) error {
	for _, path := range paths {
		r, err := load(path)
		if err != nil {
			return err
		}
		dir := filepath.Dir(path)
		for name, c := range r.charts() {
			if err := os.WriteFile(r.prefix(dir)+"-"+name+".svg", []byte(c.SVG()), 0o644); err != nil {
				return err
			}
		}
		siblings, err := filepath.Glob(r.group(dir) + "-*.json")
		if err != nil {
			return err
		}
		slices.Sort(siblings)
		var all []*result
		for _, sibling := range siblings {
			r, err := load(sibling)
			if err != nil {
				return err
			}
			all = append(all, r)
		}
		tables := r.group(dir) + ".md"
		if err := os.WriteFile(tables, []byte(markdownOf(all)), 0o644); err != nil {
			return err
		}
		fmt.Fprintf(log, "wrote %s and, of %s, %s\n", tables, r.Workload, strings.TrimSuffix(path, ".json")+"-*.svg")
	}
	return nil
}

func load(path string) (*result, error) {
	raw, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	r := new(result)
	if err := json.Unmarshal(raw, r); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return r, nil
}
