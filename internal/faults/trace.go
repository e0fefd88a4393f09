package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
)

// action is what becomes of a system call of a traced process; nothing, if it is zero.
type action struct {
	kill  bool
	errno syscall.Errno // fail with it
	short bool          // write only half of it
}

// scratch makes a directory for a campaign; its path has no symbolic links, for the
// kernel names files without.
func scratch() (string, error) {
	dir, err := os.MkdirTemp("", "hannoy-faults-")
	if err != nil {
		return "", err
	}
	return filepath.EvalSymlinks(dir)
}

// traceable returns why processes cannot be traced here, nil if they can.
func traceable(dir string) error {
	calls := 0
	w := &worker{dir: filepath.Join(dir, "traceable"), work: &work{keys: 10}, steps: 1}
	w.traced = &tracer{dir: w.dir, enter: func(*call) action { calls++; return action{} }}
	if _, err := w.run(); err != nil {
		return fmt.Errorf("tracing does not work here: %w", err)
	}
	if calls == 0 {
		return errors.New("tracing shows no calls")
	}
	return nil
}
