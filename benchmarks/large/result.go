package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/hannoydb/hannoy/benchmarks/chart"
	"github.com/hannoydb/hannoy/benchmarks/harness"
	"github.com/hannoydb/hannoy/benchmarks/markdown"
)

// result is all that was measured: the JSON file, from which the table is made.
type result struct {
	Environment harness.Environment `json:"environment"`
	Load        float64             `json:"load_average"` // of one minute, at the end
	Data        string              `json:"data"`
	Metric      string              `json:"metric"`
	Rows        int                 `json:"rows"`
	Memory      string              `json:"memory"`
	Builds      []*build            `json:"builds"`
}

func (r *result) save(out string) error {
	raw, err := json.MarshalIndent(r, "", " ")
	if err != nil {
		return err
	}
	path := filepath.Join(out, "large-"+r.Data)
	return errors.Join(os.MkdirAll(out, 0o755), os.WriteFile(path+".json", append(raw, '\n'), 0o644), os.WriteFile(path+".md", []byte(r.markdown()), 0o644))
}

func (r *result) markdown() string {
	var b strings.Builder
	fmt.Fprintf(&b, "# Builds in little memory: %s, %s, %s rows, --memory %s\n\n", r.Data, r.Metric, chart.Thousands(float64(r.Rows)), r.Memory)
	e := r.Environment
	fmt.Fprintf(&b, "%s, %d cores, %s; %s; %s; %s; load average %.1f at the end.\n\n`%s`\n\n", e.CPU, e.Cores, e.Memory, e.Kernel, e.Go, e.Date, r.Load, e.Command)
	b.WriteString("The limit is that of the control group, the page cache included. CPU seconds over the first line's in brackets.\n\n")
	markdown.Header(&b, "limit", "seconds", "CPU seconds", "rows a CPU second", "own memory at most, MiB", "of it while storing", "the group at most, MiB",
		"faults that waited for the disk", "MiB read", "MiB written", "commits", "MiB of the file")
	for _, x := range r.Builds {
		markdown.Row(&b, x.Limit, fmt.Sprintf("%.0f", x.Seconds), fmt.Sprintf("%.0f (%.2f)", x.CPUSeconds, x.CPUSeconds/r.Builds[0].CPUSeconds),
			chart.Thousands(float64(r.Rows)/x.CPUSeconds), fmt.Sprintf("%.0f", x.OwnMB), fmt.Sprintf("%.0f", x.StoreOwnMB), fmt.Sprint(x.GroupPeakMB),
			chart.Thousands(float64(x.MajorFaults)), chart.Thousands(float64(x.ReadMB)), chart.Thousands(float64(x.WriteMB)), fmt.Sprint(x.Commits), chart.Thousands(float64(x.Bytes>>20)))
	}
	return b.String()
}
