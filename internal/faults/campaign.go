package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/hannoydb/hannoy"
	"github.com/hannoydb/hannoy/internal/fixture"
)

// The outcomes of a trial.
const (
	right   = "right"   // every answer as of the sound file
	refused = "refused" // an error of a type
	older   = "older"   // every answer as of the commit before: the newest meta page is that of an earlier time
	wrong   = "wrong"   // another answer, or an error without a type
	crash   = "crash"
	hang    = "hang"
)

// campaign is so many trials of a kind.
type campaign struct {
	kind, mode string
	seed       uint64
	from, n    int
	verbose    bool
	program    string // that runs the trials; "": this one
	duration   time.Duration
	limit      int           // of memory, MiB
	pause      time.Duration // between two steps of a soak, and two answers of a reader
	other      string        // program, built otherwise, that every second process runs; "": none
}

// summary counts the outcomes.
type summary struct {
	Campaign string         `json:"campaign"`
	Mode     string         `json:"mode,omitempty"`
	Seed     uint64         `json:"seed"`
	Trials   int            `json:"trials"`
	Outcomes map[string]int `json:"outcomes"`
	Failed   []string       `json:"failed"`            // the first of wrong, of crash and of hang, to be run again
	Killed   int            `json:"killed,omitempty"`  // processes
	Turned   int            `json:"turned,omitempty"`  // of these in a build for which the form had turned
	Halfway  int            `json:"halfway,omitempty"` // states with codes in the file that are not in use yet, or no more
	Sites    int            `json:"sites,omitempty"`   // calls that failed in turn
	Covered  string         `json:"covered,omitempty"` // how many did so in each way
	Stopped  int            `json:"stopped,omitempty"` // how often
	Batches  int            `json:"batches,omitempty"`
	Answers  int            `json:"answers,omitempty"` // of readers beside
	Skipped  []string       `json:"skipped,omitempty"` // what this machine does not allow
	Seconds  float64        `json:"seconds"`
}

const (
	subjectItems = 600
	subjectDims  = 16
	patience     = 2 * time.Minute  // of a trial, which takes milliseconds: other programs may be at work
	longPatience = 10 * time.Minute // of a process that works on an index
)

// conduct gives a campaign's work a directory and a summary to fill.
func (c *campaign) conduct(work func(dir string, s *summary) error) (*summary, error) {
	dir, err := scratch()
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	start := time.Now()
	s := &summary{Campaign: c.kind, Seed: c.seed, Outcomes: map[string]int{}, Failed: []string{}}
	if err := work(dir, s); err != nil {
		return nil, err
	}
	s.Seconds = time.Since(start).Seconds()
	return s, nil
}

// inChildren runs the trials in child processes: when one dies, the next goes on behind the
// trial that killed it.
func (c *campaign) inChildren(dir string, s *summary) error {
	if c.program == "" {
		c.program = os.Args[0]
	}
	s.Mode = c.mode
	for next, end := c.from, c.from+c.n; next < end; {
		done, how, text, err := c.child(filepath.Join(dir, strconv.Itoa(next)), next, end, s)
		if err != nil {
			return err
		}
		if next += done; next < end {
			s.count(next, how, text)
			next++
		}
	}
	return nil
}

// verdict is an error if a trial failed. Of files that are opened plainly it is only told how
// many do.
func (s *summary) verdict() error {
	if s.Mode == "plain" || len(s.Failed) == 0 {
		return nil
	}
	return fmt.Errorf("%s -seed %d: of %d trials: %v", s.Campaign, s.Seed, s.Trials, s.Outcomes)
}

func (s *summary) count(trial int, outcome, text string) {
	s.Trials++
	s.Outcomes[outcome]++
	if outcome != right && outcome != refused && outcome != older && s.Outcomes[outcome] <= 10 {
		s.Failed = append(s.Failed, fmt.Sprintf("-from %d: %s: %s", trial, outcome, text))
	}
}

// child runs trials from next to end, and returns how many it finished; if that are
// not all, how the one after them ended.
func (c *campaign) child(dir string, next, end int, s *summary) (done int, how, text string, err error) {
	cmd := exec.Command(c.program, "child", c.kind, c.mode, strconv.FormatUint(c.seed, 10), strconv.Itoa(next), strconv.Itoa(end), dir)
	cmd.Env = append(os.Environ(), childVariable+"=1")
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		return 0, "", "", err
	}
	if err := cmd.Start(); err != nil {
		return 0, "", "", err
	}
	how = crash
	watch := time.AfterFunc(4*patience, func() { how = hang; _ = cmd.Process.Kill() })
	for lines := bufio.NewScanner(out); lines.Scan(); done++ {
		watch.Reset(patience)
		outcome, text, _ := strings.Cut(lines.Text(), " ")
		if c.verbose {
			fmt.Fprintln(os.Stderr, next+done, outcome, text)
		}
		s.count(next+done, outcome, text)
	}
	err = cmd.Wait()
	watch.Stop()
	os.RemoveAll(dir)
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		return done, "", "", err
	}
	if exit != nil && exit.ExitCode() == failed {
		return done, "", "", fmt.Errorf("child: %s", stderr.String())
	}
	text, _, _ = strings.Cut(stderr.String(), "\n")
	return done, how, fmt.Sprintf("%v: %s", err, text), nil
}

// childVariable makes a test program serve as child.
const childVariable = "HANNOY_FAULTS_CHILD"

// failed is the exit status of a child that could not do its work.
const failed = 77

// serve is the child: it prints the outcome of each trial.
func serve(args []string) error {
	if len(args) != 6 {
		return fmt.Errorf("child of %d arguments", len(args))
	}
	seed, _ := strconv.ParseUint(args[2], 10, 64)
	from, _ := strconv.Atoi(args[3])
	end, _ := strconv.Atoi(args[4])
	if err := trials(os.Stdout, args[0], args[1], seed, from, end, args[5]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(failed)
	}
	return nil
}

func trials(out io.Writer, kind, mode string, seed uint64, from, end int, dir string) error {
	if kind == "power" {
		p := &powerTrials{dir: dir, seed: seed}
		for trial := from; trial < end; trial++ {
			outcome, text, err := p.try(trial)
			if err != nil {
				return err
			}
			fmt.Fprintln(out, outcome, strings.ReplaceAll(text, "\n", " "))
		}
		return nil
	}
	s, err := newSubject(dir, subjectItems, subjectDims)
	if err != nil {
		return err
	}
	queries := fixture.Vectors(4, subjectDims, 2)
	want, err := s.ask(s.sound(), queries)
	if err != nil {
		return err
	}
	before, err := s.ask(s.images[len(s.images)-2], queries)
	if err != nil {
		return err
	}
	for trial := from; trial < end; trial++ {
		damage := s.flip
		if kind == "pages" {
			damage = s.spoil
		}
		// Over the same file, so that LMDB finds its lock file fitting.
		if err := os.WriteFile(s.file(), damage(random(seed, trial)), 0o600); err != nil {
			return err
		}
		outcome, text := try(dir, mode, queries, want, before)
		fmt.Fprintln(out, outcome, strings.ReplaceAll(text, "\n", " "))
	}
	return nil
}

// typed are the errors that damage may give.
var typed = []error{hannoy.ErrCorrupt, hannoy.ErrNotIndex, hannoy.ErrVersion}

func try(dir, mode string, queries [][]float32, want, before *answers) (outcome, text string) {
	open := func() (*hannoy.Index, error) { return hannoy.Open(dir, &hannoy.Options{ReadOnly: true}) }
	if mode == "untrusted" {
		open = func() (*hannoy.Index, error) {
			return hannoy.OpenUntrusted(ctx, dir, &hannoy.Options{ReadOnly: true})
		}
	}
	ix, err := open()
	if err == nil {
		var got *answers
		got, err = ask(ix, queries)
		if err == nil && !got.equal(want) {
			outcome = wrong
			if got.equal(before) {
				outcome = older
			}
		}
		if closed := ix.Close(); closed != nil {
			return wrong, "close: " + closed.Error()
		}
	}
	if err == nil {
		return or(outcome, right), ""
	}
	for _, t := range typed {
		if errors.Is(err, t) {
			return refused, err.Error()
		}
	}
	return wrong, "error without a type: " + err.Error()
}

func or(s, otherwise string) string {
	if s == "" {
		return otherwise
	}
	return s
}
