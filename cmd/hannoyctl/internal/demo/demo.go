// Package demo has the command that shows an index of real text at work, on any machine that has Go.
package demo

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"runtime"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/hannoydb/hannoy"
	"github.com/hannoydb/hannoy/cmd/hannoyctl/internal/measure"
	"github.com/hannoydb/hannoy/cmd/hannoyctl/internal/operand"
	"github.com/hannoydb/hannoy/cmd/hannoyctl/internal/terminal"
)

const demoHelp = `Demo builds an index of real text that every machine with Go has, the doc comments of the standard library, closes it,
opens it again and shows what it finds, how fast, and how much of what an exact scan finds. Nothing is downloaded.

Each exported name becomes a vector of 256 numbers: its words and their character n-grams, weighted by tf-idf and hashed. Its label is
the first part of its package's path.
The index stays where it is, for you to go on with.`

const demoExample = `  hannoyctl demo
  hannoyctl demo --dir gostd && hannoyctl query gostd --key os.ReadFile --values`

type demoFlags struct {
	dir     string
	source  string
	threads terminal.Count
}

// New is the command demo.
func New() *cobra.Command {
	f := &demoFlags{}
	cmd := &cobra.Command{
		Use: "demo", Short: "build, reopen and query an index of Go's standard library",
		Long: demoHelp, Example: demoExample, Args: operand.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return f.run(cmd) },
	}
	cmd.Flags().StringVar(&f.dir, "dir", "", "where to make the index (default: a new temporary directory)")
	cmd.Flags().StringVar(&f.source, "source", "", "tree of Go packages to read (default: the standard library)")
	cmd.Flags().Var(&f.threads, "threads", "threads that build and query (default: all processors)")
	return cmd
}

const (
	demoK       = 10
	demoHoldOut = 16 // every 16th name is kept out of the index at first, to query with
)

func (f *demoFlags) run(cmd *cobra.Command) (err error) {
	f.threads = cmp.Or(f.threads, terminal.Count(runtime.GOMAXPROCS(0)))
	made, err := f.prepare(cmd.Context())
	if err != nil {
		return err
	}
	if made {
		defer func() {
			if err != nil {
				os.RemoveAll(f.dir)
			}
		}()
	}
	d := &demo{demoFlags: f, ctx: cmd.Context(), bar: operand.NewBar(cmd), out: cmd.OutOrStdout()}
	defer d.bar.Clear()
	d.result = demoResult{K: demoK, Threads: int(f.threads), Dimensions: demoDimensions, Dir: f.dir}
	if operand.WantsJSON(cmd) {
		d.out = io.Discard
	}
	if err := d.run(); err != nil {
		return err
	}
	if operand.WantsJSON(cmd) {
		return operand.PrintJSON(cmd, d.result)
	}
	return nil
}

// prepare finds the sources and the directory; made tells that the directory is new and ours.
func (f *demoFlags) prepare(ctx context.Context) (made bool, err error) {
	if f.source == "" {
		if f.source, err = sourceDir(ctx); err != nil {
			return false, err
		}
	}
	if f.dir == "" {
		f.dir, err = os.MkdirTemp("", "hannoy-demo-")
		return true, err
	}
	if _, err := os.Stat(operand.DataFile(f.dir)); err == nil {
		return false, terminal.WithHint(fmt.Errorf("%s holds an index already", f.dir), "choose another --dir, or remove it")
	}
	return false, nil
}

// A demo is one run of the command.
type demo struct {
	*demoFlags
	ctx    context.Context
	bar    *terminal.Bar
	out    io.Writer
	result demoResult

	entries []entry
	vectors [][]float32
	base    []int // entries that are indexed first
	held    []int // entries that are queried with, and added afterwards
}

func (d *demo) run() error {
	for _, step := range []func() error{d.read, d.build, d.query, d.tell} {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

func (d *demo) read() (err error) {
	start := time.Now()
	if d.entries, err = readCorpus(d.ctx, d.source, int(d.threads), d.bar); err != nil {
		return err
	}
	if d.vectors, err = embed(d.ctx, d.entries, int(d.threads), d.bar); err != nil {
		return err
	}
	for i := range d.entries {
		if i%demoHoldOut == demoHoldOut/2 {
			d.held = append(d.held, i)
		} else {
			d.base = append(d.base, i)
		}
	}
	d.say("read", "%s documented names below %s, as vectors of %d numbers, in %.1f s",
		terminal.Thousands(len(d.entries)), d.source, demoDimensions, time.Since(start).Seconds())
	return nil
}

func (d *demo) build() error {
	start := time.Now()
	ix, err := hannoy.Open(d.dir, &hannoy.Options{Dimensions: demoDimensions, Metric: hannoy.Cosine})
	if err != nil {
		return err
	}
	defer ix.Close()
	built, err := d.add(ix, d.base)
	if err != nil {
		return err
	}
	d.result.BuildSeconds = terminal.Seconds(time.Since(start))
	d.say("build", "%s stored and linked in %.1f s on %s, by %s distances in %s", terminal.Plural(len(d.base), "item"), d.result.BuildSeconds,
		terminal.Plural(built.Threads, "thread"), terminal.Thousands(built.Distances), terminal.Plural(built.Rounds, "round"))
	return nil
}

// add puts some of the entries and links them.
func (d *demo) add(ix *hannoy.Index, which []int) (*hannoy.BuildReport, error) {
	const batch = 4096
	done := 0
	for part := range slices.Chunk(which, batch) {
		_, err := ix.Update(d.ctx, func(b *hannoy.Batch) error {
			for _, i := range part {
				value, err := json.Marshal(map[string]string{"doc": d.entries[i].first})
				if err != nil {
					return err
				}
				if err := b.Put([]byte(d.entries[i].name), d.vectors[i], hannoy.Value(value), hannoy.Labels(d.entries[i].topic())); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
		done += len(part)
		d.bar.Set("storing", int64(done), int64(len(which)), -1)
	}
	return terminal.BuildGraph(d.ctx, ix, &hannoy.BuildOptions{Threads: int(d.threads)}, d.bar)
}

// query opens the index anew and asks for the neighbours of the names that are not in it.
func (d *demo) query() error {
	start := time.Now()
	ix, err := hannoy.Open(d.dir, nil)
	if err != nil {
		return err
	}
	defer ix.Close()
	d.result.OpenMillis = terminal.Millis(time.Since(start))
	queries := make([]measure.Point, len(d.held))
	for q, i := range d.held {
		queries[q].Vector = d.vectors[i]
	}
	d.result.Queries = len(queries)
	if err := ix.View(func(s *hannoy.Snapshot) error { return d.measure(s, queries) }); err != nil {
		return err
	}
	start = time.Now()
	if _, err := d.add(ix, d.held); err != nil {
		return err
	}
	d.result.Added, d.result.AddSeconds = len(d.held), terminal.Seconds(time.Since(start))
	return ix.View(d.neighbours)
}

// measure asks at three widths, and by the exact scan that these are scored against.
func (d *demo) measure(s *hannoy.Snapshot, queries []measure.Point) error {
	var c measure.Curve
	for _, ef := range []terminal.Count{16, 64, 256} {
		c.Searches = append(c.Searches, measure.Search{K: demoK, Ef: ef, Threads: d.threads})
	}
	first, err := c.Searches[0].First(d.ctx, s, queries[0])
	if err != nil {
		return err
	}
	d.result.FirstMillis = terminal.Millis(first)
	d.say("reopen", "in %.1f ms; the first answer came %.1f ms later", d.result.OpenMillis, d.result.FirstMillis)
	exact, cost, err := measure.Search{K: demoK, Ef: demoK, Threads: d.threads, Exact: true}.Measure(d.ctx, s, queries)
	if err != nil {
		return err
	}
	c.Rounds, c.Truth = 1, measure.TruthOf(hannoy.Cosine, exact)
	c.Truth.Score(exact, &cost)
	cost.Ef = 0
	d.result.Exact = cost
	d.result.Curve, err = c.Measure(d.ctx, s, queries, d.bar)
	return err
}
