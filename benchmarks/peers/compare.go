package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/hannoydb/hannoy/benchmarks/harness"
)

// compare builds all indexes, measures them in rounds and writes the results.
func compare(o *options) error {
	scratch := filepath.Join(o.scratch, o.name())
	for _, dir := range []string{scratch, o.out} {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return err
		}
	}
	judge, err := newJudge(o)
	if err != nil {
		return err
	}
	r := &result{
		Environment: harness.NewEnvironment(time.Now()),
		Data:        dataset{o.name(), o.metric, judge.base.Count, judge.base.Width, judge.queries.Count},
		Parameters:  parameters{o.k, o.m, o.efConstruction, o.ef, o.threads, o.rounds, o.seconds},
	}
	all := contenders(o.bin, scratch, o.metric, o.systems)
	for _, c := range all {
		r.Systems = append(r.Systems, c.systemResult)
		if c.available() {
			c.fail(o, "build", c.prepare(o))
		}
		if !c.available() {
			o.logf("%s: %s", c.Name, c.Missing)
		}
	}
	for n := range o.rounds {
		r.Loads = append(r.Loads, harness.LoadAverage())
		for i := range all {
			// Each round begins with another system: none is always first.
			c := all[(i+n)%len(all)]
			if c.available() && (n == 0 || c.saves()) {
				c.fail(o, "query", c.measure(o, judge, filepath.Join(scratch, "answers")))
			}
		}
	}
	if o.readers {
		measureReaders(o, all)
	}
	if o.cold {
		measureCold(o, all)
	}
	return r.write(o)
}

// fail takes a system that failed out of what follows, and says so in the results.
func (c *contender) fail(o *options, what string, err error) {
	if err != nil {
		c.Missing = fmt.Sprintf("%s failed: %v", what, err)
		o.logf("%s: %s", c.Name, c.Missing)
	}
}

// measure runs one round of one system.
func (c *contender) measure(o *options, j *judge, answers string) error {
	report, err := c.query(o, "--ef", join(o.ef), "--threads", join(o.threads),
		"--seconds", strconv.FormatFloat(o.seconds, 'f', -1, 64), "--answers", answers)
	if err != nil {
		return err
	}
	recalls, err := j.score(answers, o.ef)
	if err != nil {
		return err
	}
	c.Rounds = append(c.Rounds, &round{Report: report, Recall: recalls})
	if speed, ok := c.Rounds[len(c.Rounds)-1].speedAt(0.95, o.threads[0], qpsCPU); ok {
		o.logf("%s: round %d: open %.1f ms, %.0f queries/s of CPU at recall .95", c.Name, len(c.Rounds), report.OpenMS, speed)
	} else {
		last := recalls[len(recalls)-1]
		o.logf("%s: round %d: open %.1f ms, recall %.3f at ef %d", c.Name, len(c.Rounds), report.OpenMS, last.WithDistance, last.Ef)
	}
	return nil
}

// write saves the figures, the tables and the pictures.
func (r *result) write(o *options) error {
	prefix := filepath.Join(o.out, o.name())
	if err := r.save(prefix + ".json"); err != nil {
		return err
	}
	return r.render(prefix, o.log)
}

// render makes the tables and the pictures anew from saved figures.
func render(paths []string, log io.Writer) error {
	for _, path := range paths {
		raw, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		var r result
		if err := json.Unmarshal(raw, &r); err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
		if err := r.render(strings.TrimSuffix(path, ".json"), log); err != nil {
			return err
		}
	}
	return nil
}

func (r *result) render(prefix string, log io.Writer) error {
	if err := os.WriteFile(prefix+".md", []byte(r.markdown()), 0o644); err != nil {
		return err
	}
	for _, threads := range r.Parameters.Threads {
		path := fmt.Sprintf("%s-%d.svg", prefix, threads)
		if err := os.WriteFile(path, []byte(r.curveChart(threads).SVG()), 0o644); err != nil {
			return err
		}
	}
	fmt.Fprintf(log, "wrote %s.md and .svg\n", prefix)
	return nil
}
