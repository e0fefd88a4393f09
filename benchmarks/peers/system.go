package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"github.com/hannoydb/hannoy/benchmarks/harness"
)

// systems are the programs to compare, in the order of the tables. The first is what
// the others are measured against.
var systems = []string{"hnswlib", "hannoy", "weaviate", "vecgo", "coder"}

const reference = "hnswlib"

// contender is one system with one kind of codes.
type contender struct {
	program     string
	description harness.Description
	codes       string
	index       string // directory of its saved index
	*systemResult
}

// contenders asks each program what it can do. What cannot take part has a reason.
func contenders(bin, scratch, metric string, names []string) []*contender {
	var all []*contender
	for _, name := range names {
		program := filepath.Join(bin, "bench-"+name)
		var d harness.Description
		missing := ""
		if err := call(program, &d, "describe"); err != nil {
			d = harness.Description{System: name, Codes: []string{"none"}}
			missing = "not measured: " + buildFailure(program, err)
		} else if !slices.Contains(d.Metrics, metric) {
			missing = "not measured: " + d.Cannot[metric]
		}
		if d.Unsaved != "" {
			d.Notes = append(d.Notes, d.Unsaved)
		}
		for _, codes := range d.Codes {
			missing := missing
			if reason := d.Cannot[metric+" "+codes]; missing == "" && reason != "" {
				missing = "not measured: " + reason
			}
			c := &contender{program: program, description: d, codes: codes}
			label := name
			if codes != "none" {
				label += " " + codes
			}
			c.index = filepath.Join(scratch, strings.ReplaceAll(label, " ", "-"))
			c.systemResult = &systemResult{
				Name: label, System: name, Version: d.Version, Codes: codes, Notes: d.Notes, Missing: missing,
			}
			all = append(all, c)
		}
	}
	return all
}

// buildFailure is the end of what the compiler said, which the Makefile keeps beside
// the program that it could not make.
func buildFailure(program string, otherwise error) string {
	raw, err := os.ReadFile(program + ".err")
	lines := strings.Split(strings.TrimSpace(string(raw)), "\n")
	if err != nil || lines[0] == "" {
		return otherwise.Error()
	}
	return "it does not build: " + lines[len(lines)-1]
}

func (c *contender) available() bool { return c.Missing == "" }

// saves says whether opening the index is cheap enough to be done at will.
func (c *contender) saves() bool { return c.description.Unsaved == "" }

// call runs a program and reads its report.
func call(program string, report any, args ...string) error {
	cmd := exec.Command(program, args...)
	var out, failure bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &failure
	// A program must not outlive the driver: it would disturb the next measurement.
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := cmd.Run(); err != nil {
		if text := strings.TrimSpace(failure.String()); text != "" {
			first, _, _ := strings.Cut(text, "\n")
			err = fmt.Errorf("%w: %s", err, first)
		}
		return fmt.Errorf("%s %s: %w", filepath.Base(program), args[0], err)
	}
	return json.Unmarshal(out.Bytes(), report)
}

// build builds the index with each number of threads and keeps the last.
func (c *contender) build(o *options, threads []int) error {
	if most := c.description.Threads; most > 0 {
		threads = slices.DeleteFunc(slices.Clone(threads), func(t int) bool { return t > most })
	}
	if !c.saves() {
		threads = threads[len(threads)-1:] // opening will take as long again
	}
	for _, t := range threads {
		if err := os.RemoveAll(c.index); err != nil {
			return err
		}
		if err := os.MkdirAll(c.index, 0o755); err != nil {
			return err
		}
		var report harness.BuildReport
		err := call(c.program, &report, "build",
			"--data", o.data, "--metric", o.metric, "--index", c.index, "--codes", c.codes,
			"--limit", strconv.Itoa(o.limit), "--threads", strconv.Itoa(t),
			"--m", strconv.Itoa(o.m), "--ef-construction", strconv.Itoa(o.efConstruction))
		if err != nil {
			return err
		}
		c.Builds = append(c.Builds, &report)
		o.logf("%s: built %d items in %.1f s with %d threads", c.Name, report.Items, report.Seconds, t)
	}
	return nil
}

// builtFile keeps what building took, so that a saved index can be used again.
func (c *contender) builtFile() string { return c.index + ".json" }

// prepare builds the index, or takes the one that an earlier run left.
func (c *contender) prepare(o *options) error {
	if o.reuse {
		if raw, err := os.ReadFile(c.builtFile()); err == nil {
			c.DiskBytes = diskBytes(c.index)
			return json.Unmarshal(raw, &c.Builds)
		}
	}
	if err := c.build(o, o.buildThreads); err != nil {
		return err
	}
	c.DiskBytes = diskBytes(c.index)
	raw, err := json.Marshal(c.Builds)
	if err != nil {
		return err
	}
	return os.WriteFile(c.builtFile(), raw, 0o644)
}

// query runs a fresh process on the saved index.
func (c *contender) query(o *options, args ...string) (*harness.QueryReport, error) {
	var report harness.QueryReport
	err := call(c.program, &report, append([]string{"query",
		"--data", o.data, "--metric", o.metric, "--index", c.index, "--codes", c.codes,
		"--limit", strconv.Itoa(o.limit), "--queries", strconv.Itoa(o.queries), "--k", strconv.Itoa(o.k)}, args...)...)
	return &report, err
}

// diskBytes is what the files of a directory take on disk.
func diskBytes(dir string) (total int64) {
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		info, err := entry.Info()
		if err != nil {
			return err
		}
		if stat, ok := info.Sys().(*syscall.Stat_t); ok {
			total += stat.Blocks * 512
		}
		return nil
	})
	if errors.Is(err, fs.ErrNotExist) {
		return 0
	}
	return total
}
