package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/hannoydb/hannoy/internal/faults/trace"
)

// worker is a process that works on an index; see serveWork.
type worker struct {
	dir       string
	work      *work
	steps     int // that it makes unless it is killed
	first     int // number of the first of them
	traced    *trace.Tracer
	tolerant  bool
	killAfter time.Duration // 0: it is not killed by the clock
	program   string        // that it runs; "": this one
	env       []string      // besides that of this process
}

// done is what became of a worker.
type done struct {
	acknowledged uint64 // the last batch, or the last that was there at the start; 0: none
	opened       bool   // the index was there
	turned       bool   // a build for which the form had turned was the last it began
	failures     []string
	stderr       string
	killed       bool
}

// run runs the worker to its end. It fails when the process could not be run, or
// ended otherwise than by being killed or its work being done.
func (w *worker) run() (*done, error) {
	args := []string{or(w.program, os.Args[0]), "work", w.dir, strconv.FormatUint(w.work.seed, 10), strconv.Itoa(w.work.keys), strconv.Itoa(w.steps), strconv.Itoa(w.first)}
	if w.tolerant {
		args = append(args, "-tolerant")
	}
	if w.traced != nil {
		args = append(args, "-traced")
	}
	stderr, err := os.CreateTemp(filepath.Dir(w.dir), "stderr-")
	if err != nil {
		return nil, err
	}
	defer os.Remove(stderr.Name())
	defer stderr.Close()
	in, out, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	defer in.Close()
	said := make(chan string, 1)
	go func() {
		all, _ := io.ReadAll(in)
		said <- string(all)
	}()
	d := &done{}
	status, err := w.await(args, out, stderr, d)
	err = errors.Join(err, out.Close())
	text := <-said
	if err != nil {
		return nil, err
	}
	d.read(text)
	all, err := os.ReadFile(stderr.Name())
	d.stderr = string(bytes.TrimSpace(all))
	if err == nil && !d.killed && status != 0 && !w.tolerant {
		err = fmt.Errorf("worker: exit status %d: %s", status, d.stderr)
	}
	return d, err
}

// await runs the process and returns its exit status.
func (w *worker) await(args []string, out, stderr *os.File, d *done) (int, error) {
	if w.traced != nil {
		status, err := w.traced.Run(args, out, stderr)
		if w.traced.Hung() {
			return 0, errors.New("worker: it hung")
		}
		d.killed = status.Signaled() && status.Signal().String() == "killed"
		if status.Signaled() && !d.killed {
			return 0, fmt.Errorf("worker: %v", status.Signal())
		}
		return status.ExitStatus(), err
	}
	cmd := exec.Command(args[0], args[1:]...)
	cmd.Env = append(append(os.Environ(), childVariable+"=1"), w.env...)
	cmd.Stdout, cmd.Stderr = out, stderr
	if err := cmd.Start(); err != nil {
		return 0, err
	}
	limit := longPatience
	if w.killAfter > 0 {
		limit = w.killAfter
	}
	watch := time.AfterFunc(limit, func() { _ = cmd.Process.Kill() })
	err := cmd.Wait()
	stopped := !watch.Stop()
	if d.killed = stopped && w.killAfter > 0 && err != nil; stopped && w.killAfter == 0 {
		return 0, errors.New("worker: it hung")
	}
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		return 0, err
	}
	return cmd.ProcessState.ExitCode(), nil
}

// read reads what the worker has said; the last line may be torn.
func (d *done) read(text string) {
	lines := strings.Split(text, "\n")
	for _, line := range lines[:len(lines)-1] {
		d.turned = line == turned
		verb, rest, _ := strings.Cut(line, " ")
		switch verb {
		case "open":
			d.opened = true
			fallthrough
		case "ack":
			d.acknowledged, _ = strconv.ParseUint(rest, 10, 64)
		case "fail":
			d.failures = append(d.failures, rest)
		}
	}
}
