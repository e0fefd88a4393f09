package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// build is one build. Its first fields are what hannoyctl reports.
type build struct {
	Seconds      float64 `json:"seconds"`
	StoreSeconds float64 `json:"store_seconds"`
	BuildSeconds float64 `json:"build_seconds"`
	CPUSeconds   float64 `json:"cpu_seconds"`
	Commits      int     `json:"commits"`
	BytesWritten int64   `json:"bytes_written"`
	Bytes        int64   `json:"bytes"`
	StoreOwnMB   float64 `json:"store_own_mb"`
	OwnMB        float64 `json:"own_mb"`

	Limit       string `json:"limit"`
	MajorFaults int64  `json:"major_faults"`  // that waited for the disk
	ReadMB      int64  `json:"read_mb"`       // from the disk
	WriteMB     int64  `json:"write_mb"`      // to the disk
	GroupPeakMB int64  `json:"group_peak_mb"` // of the control group, the page cache included
}

// build builds an index of the rows, in a control group unless the limit is none, and
// removes it.
func (o *options) build(input, limit string) (b *build, err error) {
	dir := filepath.Join(o.scratch, "large-index")
	if err := os.RemoveAll(dir); err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	args := []string{o.hannoyctl, "build", dir, "--input", input, "--ids", "--metric", o.metric,
		"--memory", o.memory, "--threads", strconv.Itoa(o.threads), "--progress", "none", "--json"}
	b = &build{Limit: limit}
	var g *group
	if limit != "none" {
		bytes, err := parseBytes(limit)
		if err != nil {
			return nil, err
		}
		if g, err = newGroup(bytes); err != nil {
			return nil, err
		}
		defer func() { err = errors.Join(err, g.remove()) }()
		args = g.command(args)
	}
	cmd := exec.Command(args[0], args[1:]...)
	cmd.Stderr = o.log
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("build with limit %s: %w", limit, err)
	}
	if err := json.Unmarshal(out, b); err != nil {
		return nil, err
	}
	usage := cmd.ProcessState.SysUsage().(*syscall.Rusage)
	const block = 512 // bytes, whatever the disk
	b.MajorFaults, b.ReadMB, b.WriteMB = usage.Majflt, usage.Inblock*block>>20, usage.Oublock*block>>20
	if g != nil {
		b.GroupPeakMB = g.peakBytes() >> 20
	}
	return b, nil
}

// parseBytes reads 512MiB.
func parseBytes(text string) (int64, error) {
	number, ok := strings.CutSuffix(text, "MiB")
	n, err := strconv.ParseInt(number, 10, 64)
	if !ok || err != nil || n < 1 {
		return 0, fmt.Errorf("%q is not a size, like 512MiB", text)
	}
	return n << 20, nil
}
