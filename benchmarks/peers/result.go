package main

import (
	"encoding/json"
	"os"

	"github.com/hannoydb/hannoy/benchmarks/harness"
)

// result is everything that a comparison measured: the JSON file, from which the table
// and the pictures are made.
type result struct {
	Environment harness.Environment `json:"environment"`
	Data        dataset             `json:"data"`
	Parameters  parameters          `json:"parameters"`
	Loads       []float64           `json:"load_averages"` // of one minute, at the start of each round
	Systems     []*systemResult     `json:"systems"`
}

// dataset is what was searched.
type dataset struct {
	Name    string `json:"name"`
	Metric  string `json:"metric"`
	Items   int    `json:"items"`
	Width   int    `json:"width"` // numbers, or bytes for hamming
	Queries int    `json:"queries"`
}

// parameters are what all systems were given alike.
type parameters struct {
	K              int     `json:"k"`
	M              int     `json:"m"`
	EfConstruction int     `json:"ef_construction"`
	Ef             []int   `json:"ef"`
	Threads        []int   `json:"threads"`
	Rounds         int     `json:"rounds"`
	Seconds        float64 `json:"seconds_per_point"`
}

// systemResult is what one system, with one kind of codes, did.
type systemResult struct {
	Name      string                 `json:"name"` // with the codes, if any
	System    string                 `json:"system"`
	Version   string                 `json:"version"`
	Codes     string                 `json:"codes"`
	Notes     []string               `json:"notes,omitempty"`
	Missing   string                 `json:"missing,omitempty"` // why there are no figures
	Builds    []*harness.BuildReport `json:"builds,omitempty"`
	DiskBytes int64                  `json:"disk_bytes,omitempty"`
	Rounds    []*round               `json:"rounds,omitempty"`
	Cold      []*coldRun             `json:"cold,omitempty"`
	Readers   []*readersRun          `json:"readers,omitempty"`
}

// round is one process of one system.
type round struct {
	Report *harness.QueryReport `json:"report"`
	Recall []recall             `json:"recall"` // one per ef
}

// recall is how much of the truth was found.
type recall struct {
	Ef           int     `json:"ef"`
	WithDistance float64 `json:"recall"`       // found rows at most as far as the true k-th
	WithID       float64 `json:"recall_by_id"` // found rows that are among the true k
}

// qpsCPU is queries per second of CPU time: per thread, and blind to what other
// processes took.
func qpsCPU(p harness.Point) float64 { return float64(p.Queries) / p.CPUSeconds }

// qpsWall is queries per second.
func qpsWall(p harness.Point) float64 { return float64(p.Queries) / p.Seconds }

func (r *result) save(path string) error {
	raw, err := json.MarshalIndent(r, "", " ")
	if err != nil {
		return err
	}
	return os.WriteFile(path, append(raw, '\n'), 0o644)
}
