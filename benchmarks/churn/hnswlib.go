package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/hannoydb/hannoy/benchmarks/harness"
)

// hnswlibIndex is an index in a process of its own: hnswlib/churn.h says what it
// answers, and how rows are replaced.
type hnswlibIndex struct {
	process *exec.Cmd
	in      io.WriteCloser
	out     *bufio.Reader
	errors  strings.Builder
}

func openHnswlib(o *options, rows, _ *harness.Rows) (system, error) {
	h := &hnswlibIndex{process: exec.Command(filepath.Join(o.bin, "bench-hnswlib"), "churn",
		"--data", o.data, "--metric", o.metric, "--limit", strconv.Itoa(o.limit), "--queries", strconv.Itoa(o.queries),
		"--most", strconv.Itoa(rows.Count), "--m", strconv.Itoa(o.m), "--ef-construction", strconv.Itoa(o.efConstruction))}
	h.process.Stderr = &h.errors
	out, err := h.process.StdoutPipe()
	if err != nil {
		return nil, err
	}
	h.out = bufio.NewReader(out)
	if h.in, err = h.process.StdinPipe(); err != nil {
		return nil, err
	}
	return h, h.process.Start()
}

// ask sends a line and reads the answer into v.
func (h *hnswlibIndex) ask(line string, v any) error {
	if _, err := io.WriteString(h.in, line+"\n"); err != nil {
		return h.failed(err)
	}
	answer, err := h.out.ReadBytes('\n')
	if err != nil {
		return h.failed(err)
	}
	return json.Unmarshal(answer, v)
}

// failed is the error with what the process said before it ended.
func (h *hnswlibIndex) failed(err error) error {
	err = errors.Join(err, h.process.Wait())
	return fmt.Errorf("bench-hnswlib: %w: %s", err, strings.TrimSpace(h.errors.String()))
}

func (h *hnswlibIndex) apply(remove, insert []int32) (c cost, err error) {
	var line strings.Builder
	fmt.Fprintf(&line, "apply %d %d", len(remove), len(insert))
	for _, rows := range [][]int32{remove, insert} {
		for _, row := range rows {
			fmt.Fprintf(&line, " %d", row)
		}
	}
	return c, h.ask(line.String(), &c)
}

func (h *hnswlibIndex) search(ef, k int) (found [][]int32, distances float64, err error) {
	var answer struct {
		Found     [][]int32
		Distances float64
	}
	err = h.ask(fmt.Sprintf("search %d %d", ef, k), &answer)
	return answer.Found, answer.Distances, err
}

func (h *hnswlibIndex) inspect() (s state, err error) { return s, h.ask("inspect", &s) }

func (h *hnswlibIndex) close() error {
	return errors.Join(h.in.Close(), h.process.Wait())
}
