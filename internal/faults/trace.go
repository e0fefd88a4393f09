package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/hannoydb/hannoy/internal/faults/trace"
)

// scratch makes a directory for a campaign; its path has no symbolic links, for the
// kernel names files without.
func scratch() (string, error) {
	dir, err := os.MkdirTemp("", "hannoy-faults-")
	if err != nil {
		return "", err
	}
	return filepath.EvalSymlinks(dir)
}

// tracer traces a child of this program. That does not look for leaks, if it was built with asan: it
// would trace itself for that, and waits for ever where another does.
func tracer(dir string, enter func(c *trace.Call) trace.Action) *trace.Tracer {
	return &trace.Tracer{Dir: dir, Env: append(os.Environ(), childVariable+"=1", "ASAN_OPTIONS=detect_leaks=0"), Limit: longPatience, Enter: enter}
}

// traceable returns why processes cannot be traced here, nil if they can.
func traceable(dir string) error {
	calls := 0
	w := &worker{dir: filepath.Join(dir, "traceable"), work: &work{keys: 10}, steps: 1}
	w.traced = tracer(w.dir, func(*trace.Call) trace.Action { calls++; return trace.Action{} })
	if _, err := w.run(); err != nil {
		return fmt.Errorf("tracing does not work here: %w", err)
	}
	if calls == 0 {
		return errors.New("tracing shows no calls")
	}
	return nil
}
