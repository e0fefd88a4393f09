package main

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/hannoydb/hannoy/benchmarks/harness"
)

// hnswlibEfs are wide enough for hnswlib to reach the recalls of hannoy's default.
var hnswlibEfs = []int{10, 20, 40, 60, 80, 100, 140, 200, 300}

// hnswlib measures it on uniform matches of 50, 10 and 1 percent.
func (b *bench) hnswlib(dir string, r *result) error {
	index := filepath.Join(dir, "hnswlib")
	common := []string{"--data", b.data, "--metric", b.metric, "--limit", strconv.Itoa(b.limit), "--index", index}
	if _, err := os.Stat(filepath.Join(index, "index")); err != nil {
		if err := os.MkdirAll(index, 0o755); err != nil {
			return err
		}
		var built harness.BuildReport
		if err := b.call(&built, append([]string{"build", "--threads", "2"}, common...)); err != nil {
			return err
		}
	}
	for _, share := range []float64{50, 10, 1} {
		admitted := filepath.Join(dir, "admitted")
		var rows []byte
		has := make([]bool, b.base.Count)
		for i := range has {
			if has[i] = slices.Contains(labelsOf(i), label(share)); has[i] {
				rows = binary.LittleEndian.AppendUint32(rows, uint32(i))
			}
		}
		if err := os.WriteFile(admitted, rows, 0o644); err != nil {
			return err
		}
		points, err := b.hnswlibCurve(common, dir, admitted, b.truth(k, func(_ int, row uint32) bool { return has[row] }))
		if err != nil {
			return err
		}
		r.Hnswlib = append(r.Hnswlib, peerCurve{share, points})
	}
	return nil
}

func (b *bench) hnswlibCurve(common []string, dir, admitted string, truth []map[uint32]bool) (points []figures, err error) {
	answers := filepath.Join(dir, "answers")
	var report harness.QueryReport
	var efs []string
	for _, ef := range hnswlibEfs {
		efs = append(efs, strconv.Itoa(ef))
	}
	arguments := append([]string{"query", "--k", strconv.Itoa(k), "--queries", strconv.Itoa(b.queries.Count), "--admitted", admitted,
		"--ef", strings.Join(efs, ","), "--answers", answers, "--seconds", "0.3"}, common...)
	if err := b.call(&report, arguments); err != nil {
		return nil, err
	}
	raw, err := os.ReadFile(answers)
	if err != nil {
		return nil, err
	}
	for i, p := range report.Curve {
		found, wanted := 0, 0
		for q := range truth {
			wanted += len(truth[q])
			for j := range k {
				row := int32(binary.LittleEndian.Uint32(raw[4*((i*len(truth)+q)*k+j):]))
				if row >= 0 && truth[q][uint32(row)] {
					found++
				}
			}
		}
		points = append(points, figures{Ef: p.Ef, Recall: float64(found) / float64(wanted), Micros: p.CPUSeconds / float64(p.Queries) * 1e6})
	}
	return points, nil
}

func (b *bench) call(report any, arguments []string) error {
	out, err := exec.Command(filepath.Join(b.bin, "bench-hnswlib"), arguments...).Output()
	if err != nil {
		var exit *exec.ExitError
		if errors.As(err, &exit) {
			return fmt.Errorf("bench-hnswlib: %w: %s", err, exit.Stderr)
		}
		return err
	}
	return json.Unmarshal(out, report)
}
