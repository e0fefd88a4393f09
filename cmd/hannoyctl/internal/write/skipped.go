package write

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"github.com/hannoydb/hannoy/cmd/hannoyctl/internal/terminal"
	"github.com/hannoydb/hannoy/internal/vecfile"
)

// skipFlags say what becomes of bad rows.
type skipFlags struct {
	skip   bool
	report string
}

func (f *skipFlags) addTo(cmd *cobra.Command) {
	cmd.Flags().BoolVar(&f.skip, "skip-bad", false, "pass over rows that cannot be stored, and say which")
	cmd.Flags().StringVar(&f.report, "skip-report", "", "with --skip-bad, write every such row to this file: JSONL of file, row, byte and problem")
}

// open is what takes the bad rows; nil when they are errors.
func (f *skipFlags) open(cmd *cobra.Command) (*skipped, error) {
	if !f.skip {
		if f.report != "" {
			return nil, terminal.UsageOf(cmd, errors.New("--skip-report needs --skip-bad"))
		}
		return nil, nil
	}
	s := &skipped{stderr: cmd.ErrOrStderr()}
	if f.report != "" {
		file, err := os.Create(f.report)
		if err != nil {
			return nil, err
		}
		s.file, s.report = file, bufio.NewWriter(file)
	}
	return s, nil
}

// skipped counts and reports bad rows. All of it works on nil, which takes none.
type skipped struct {
	stderr io.Writer
	file   *os.File // of --skip-report; nil: none
	report *bufio.Writer
	n      int64
	err    error // the first of the report
}

// maxSkippedShown bad rows are told on standard error; the report has all.
const maxSkippedShown = 10

func (s *skipped) add(bad *vecfile.Error) {
	if s.n++; s.n <= maxSkippedShown {
		fmt.Fprintf(s.stderr, "hannoyctl: skipped: %v\n", bad)
	}
	if s.report == nil || s.err != nil {
		return
	}
	s.err = json.NewEncoder(s.report).Encode(struct {
		File    string `json:"file"`
		Row     int64  `json:"row"`
		Byte    int64  `json:"byte"`
		Problem string `json:"problem"`
	}{bad.File, bad.Row, bad.Offset, bad.Problem})
}

// function is what a reader calls with its bad rows.
func (s *skipped) function() func(*vecfile.Error) {
	if s == nil {
		return nil
	}
	return s.add
}

func (s *skipped) count() int64 {
	if s == nil {
		return 0
	}
	return s.n
}

// finish says how many there were and completes the report.
func (s *skipped) finish() error {
	if s == nil {
		return nil
	}
	if s.n > 0 {
		fmt.Fprintf(s.stderr, "hannoyctl: warning: %s skipped\n", terminal.Plural(int(s.n), "bad row"))
	}
	if s.report != nil && s.err == nil {
		s.err = s.report.Flush()
	}
	return s.err
}

func (s *skipped) close() {
	if s != nil && s.file != nil {
		s.file.Close()
	}
}
