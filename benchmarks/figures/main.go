// Command figures measures what somebody meets who tries hannoy: from a fresh clone to the first answer, files imported beside cp
// of the same bytes, the memory of an import, programs and dependencies.
//
//	figures --scratch DIR FILE...
//
// Each FILE, of any format that hannoyctl build reads, is imported into a new index without a graph, by turns with cp of the file,
// with cp and sync, and with the floor: its bytes written as an import writes them, 8 MiB at a time, each followed by fdatasync.
package main

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"
)

func main() {
	if err := run(os.Args[1:]); err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintf(os.Stderr, "figures: error: %v\n", err)
		os.Exit(1)
	}
}

// options are the flags.
type options struct {
	root, programs, scratch string
	rounds                  int
	clone                   bool
	files                   []string
}

func run(args []string) error {
	o := &options{}
	flags := flag.NewFlagSet("figures", flag.ContinueOnError)
	flags.StringVar(&o.root, "root", "..", "`directory` of the repository")
	flags.StringVar(&o.programs, "programs", "bin", "`directory` of hannoyctl and hannoy-convert")
	flags.StringVar(&o.scratch, "scratch", "scratch", "`directory` for copies and indexes, on the disk that matters")
	flags.IntVar(&o.rounds, "rounds", 5, "rounds; the median counts")
	flags.BoolVar(&o.clone, "clone", true, "clone and run the demo with an empty build cache")
	if err := flags.Parse(args); err != nil {
		return err
	}
	o.files = flags.Args()
	scratch, err := filepath.Abs(o.scratch) // for programs that run elsewhere
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp(scratch, "figures-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	o.scratch = dir
	fmt.Println("| what | measured |\n|---|---|")
	steps := []func(*options) error{programs, dependencies}
	if o.clone {
		steps = append(steps, fresh)
	}
	for _, step := range append(steps, imports) {
		if err := step(o); err != nil {
			return err
		}
	}
	return nil
}

func row(what, format string, args ...any) {
	fmt.Printf("| %s | %s |\n", what, fmt.Sprintf(format, args...))
}

// programs tells how large they are and how long one takes to start.
func programs(o *options) error {
	for _, name := range []string{"hannoyctl", "hannoy-convert"} {
		info, err := os.Stat(filepath.Join(o.programs, name))
		if err != nil {
			return err
		}
		row("size of "+name, "%.1f MiB", float64(info.Size())/(1<<20))
	}
	starts, err := o.times(4*o.rounds, func() *exec.Cmd { return exec.Command(filepath.Join(o.programs, "hannoyctl"), "version") })
	if err == nil {
		row("`hannoyctl version`", "%.1f ms", millis(starts))
	}
	return err
}

// dependencies counts the direct ones of the root module.
func dependencies(o *options) error {
	list := exec.Command("go", "list", "-m", "-f", "{{if not (or .Main .Indirect)}}{{.Path}}{{end}}", "all")
	list.Dir = o.root
	out, err := list.Output()
	if err == nil {
		row("direct dependencies", "%d", len(strings.Fields(string(out))))
	}
	return err
}

// fresh clones the repository and runs the demo, which downloads no modules that are there already.
func fresh(o *options) error {
	start, clone := time.Now(), filepath.Join(o.scratch, "clone")
	git := exec.Command("git", "clone", "-q", o.root, clone)
	git.Stderr = os.Stderr
	if err := git.Run(); err != nil {
		return err
	}
	demo := exec.Command("make", "demo")
	demo.Dir, demo.Env = clone, append(os.Environ(), "GOCACHE="+filepath.Join(o.scratch, "cache"), "TMPDIR="+o.scratch)
	if out, err := demo.CombinedOutput(); err != nil {
		return fmt.Errorf("make demo: %w\n%s", err, out)
	}
	row("clone to the last answer of the demo, empty build cache", "%.0f s", time.Since(start).Seconds())
	return nil
}

// times runs a command again and again and returns the median of what it took.
func (o *options) times(n int, command func() *exec.Cmd) (time.Duration, error) {
	var all []time.Duration
	for range n {
		start := time.Now()
		if out, err := command().CombinedOutput(); err != nil {
			return 0, fmt.Errorf("%w\n%s", err, out)
		}
		all = append(all, time.Since(start))
	}
	return median(all), nil
}

// imports imports each file by turns with copies of it.
func imports(o *options) error {
	for _, file := range o.files {
		var copied, synced, floor, stored, cpu []time.Duration
		var own float64
		for range o.rounds {
			to := filepath.Join(o.scratch, "copy")
			took, err := o.times(1, func() *exec.Cmd { return exec.Command("cp", file, to) })
			if err != nil {
				return err
			}
			sync, err := o.times(1, func() *exec.Cmd { return exec.Command("sync", to) })
			if err != nil {
				return err
			}
			copied, synced = append(copied, took), append(synced, took+sync)
			if took, err = write(file, to); err != nil {
				return err
			}
			floor = append(floor, took)
			one, err := o.imported(file)
			if err != nil {
				return err
			}
			stored, cpu = append(stored, seconds(one.Stored)), append(cpu, seconds(one.CPU))
			own = max(own, one.Own)
		}
		info, err := os.Stat(file)
		if err != nil {
			return err
		}
		s := median(stored)
		row(fmt.Sprintf("%s, %d MB", filepath.Base(file), info.Size()/1e6),
			"cp %.0f ms, and sync %.0f; written and synced in batches %.0f; imported in %.0f (%.0f of the processor): %.1f times cp, %.1f times cp and sync, %.1f times the floor; %.0f MiB of memory",
			millis(median(copied)), millis(median(synced)), millis(median(floor)), millis(s), millis(median(cpu)),
			ratio(s, median(copied)), ratio(s, median(synced)), ratio(s, median(floor)), own)
	}
	return nil
}

// An imported file, as hannoyctl build --json tells.
type imported struct {
	Stored float64 `json:"store_seconds"`
	CPU    float64 `json:"cpu_seconds"`
	Own    float64 `json:"store_own_mb"`
}

func (o *options) imported(file string) (one imported, err error) {
	db := filepath.Join(o.scratch, "db")
	defer os.RemoveAll(db)
	out, err := exec.Command(filepath.Join(o.programs, "hannoyctl"), "build", db, "--input", file, "--no-graph", "--json").Output()
	if err == nil {
		err = json.Unmarshal(out, &one)
	}
	return one, err
}

// batchBytes is what an import commits at a time.
const batchBytes = 8 << 20

// write writes the bytes of a file to another, durably a batch at a time, and removes it.
func write(from, to string) (took time.Duration, err error) {
	bytes, err := os.ReadFile(from)
	if err != nil {
		return 0, err
	}
	if err := os.Remove(to); err != nil {
		return 0, err
	}
	start := time.Now()
	f, err := os.Create(to)
	if err != nil {
		return 0, err
	}
	for batch := range slices.Chunk(bytes, batchBytes) {
		if _, err = f.Write(batch); err == nil {
			err = syscall.Fdatasync(int(f.Fd()))
		}
		if err != nil {
			break
		}
	}
	err = errors.Join(err, f.Close())
	return time.Since(start), errors.Join(err, os.Remove(to))
}

func median(all []time.Duration) time.Duration {
	slices.Sort(all)
	return all[len(all)/2]
}

func seconds(s float64) time.Duration  { return time.Duration(s * float64(time.Second)) }
func millis(d time.Duration) float64   { return d.Seconds() * 1000 }
func ratio(a, b time.Duration) float64 { return a.Seconds() / b.Seconds() }
