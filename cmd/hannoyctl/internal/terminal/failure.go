package terminal

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/hannoydb/hannoy"
	"github.com/hannoydb/hannoy/internal/vecfile"
)

// The exit statuses.
const (
	exitOK          = 0
	exitFailure     = 1
	exitUsage       = 2
	exitNotFound    = 3
	exitDamaged     = 4
	exitBusy        = 5
	exitInterrupted = 130
)

// errUsage marks what the caller typed wrong.
var errUsage = errors.New("usage")

// A hinted error carries a remedy for the line after it.
type hinted struct {
	err  error
	hint string
}

func (h *hinted) Error() string { return h.err.Error() }
func (h *hinted) Unwrap() error { return h.err }

// WithHint adds a remedy to an error.
func WithHint(err error, hint string) error { return &hinted{err, hint} }

// A usage error reads as its text alone.
type usage struct{ text string }

func (u *usage) Error() string        { return u.text }
func (u *usage) Is(target error) bool { return target == errUsage }

// Usagef is a usage error.
func Usagef(format string, args ...any) error { return &usage{fmt.Sprintf(format, args...)} }

// UsageOf is a usage error of a command, with the way to its help.
func UsageOf(cmd *cobra.Command, err error) error {
	return WithHint(&usage{err.Error()}, cmd.CommandPath()+" --help shows its arguments and an example")
}

// exitStatus is the one place where errors become exit statuses.
func exitStatus(err error) int {
	switch {
	case err == nil:
		return exitOK
	case errors.Is(err, context.Canceled):
		return exitInterrupted
	case errors.Is(err, errUsage):
		return exitUsage
	case errors.Is(err, hannoy.ErrCorrupt):
		return exitDamaged
	case errors.Is(err, hannoy.ErrBusy):
		return exitBusy
	case errors.Is(err, hannoy.ErrNotFound), errors.Is(err, fs.ErrNotExist):
		return exitNotFound
	}
	return exitFailure
}

// An Output passes on what is written, and keeps the first error: a command that goes on after it has not succeeded.
type Output struct {
	To  io.Writer
	Err error
}

// Write writes to where it goes.
func (o *Output) Write(p []byte) (int, error) {
	n, err := o.To.Write(p)
	o.Err = cmp.Or(o.Err, err)
	return n, err
}

// Report prints the error, if any, and returns the exit status.
func Report(stderr io.Writer, err error) int {
	status := exitStatus(err)
	if err == nil {
		return status
	}
	text := strings.TrimPrefix(err.Error(), "hannoy: ")
	if status == exitInterrupted {
		text = "interrupted"
	}
	fmt.Fprintf(stderr, "hannoyctl: error: %s\n", text)
	if hint := HintFor(err); hint != "" {
		fmt.Fprintf(stderr, "hannoyctl: hint: %s\n", hint)
	}
	return status
}

// HintFor is the remedy that the error carries, or the one of its kind.
func HintFor(err error) string {
	var h *hinted
	if errors.As(err, &h) {
		return h.hint
	}
	var f *vecfile.Error
	if errors.As(err, &f) && f.Hint != "" {
		return f.Hint
	}
	switch {
	case errors.Is(err, hannoy.ErrCorrupt):
		return "hannoyctl check DB tells what is damaged; restore a backup, or build the index again"
	case errors.Is(err, hannoy.ErrBusy):
		return "wait until the other process has finished, and try again"
	case errors.Is(err, hannoy.ErrNotIndex), errors.Is(err, syscall.ENOTDIR):
		return "name a directory that hannoyctl build has made, or one that does not exist yet"
	case errors.Is(err, hannoy.ErrDiskFull):
		return "free some space; what was committed before stands"
	case errors.Is(err, fs.ErrPermission):
		return "reading needs the right to read data.mdb and to write lock.mdb; building needs the right to write in the directory"
	}
	return ""
}
