package operand

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/hannoydb/hannoy"
	"github.com/hannoydb/hannoy/cmd/hannoyctl/internal/terminal"
)

// DefaultIndex is the index that commands use unless --index names another.
const DefaultIndex = "default"

// A Location is the index that a command works on.
type Location struct {
	Dir   string
	Index string
}

// OneDB takes the DB, the only argument.
func (l *Location) OneDB(cmd *cobra.Command, args []string) error {
	switch len(args) {
	case 0:
		return terminal.UsageOf(cmd, fmt.Errorf("%s needs a DB, the directory of the index", cmd.Name()))
	case 1:
		if l.Dir = args[0]; l.Dir == "" {
			return terminal.UsageOf(cmd, errors.New(`the DB is "", which is no directory (. is this one)`))
		}
		return nil
	}
	return terminal.UsageOf(cmd, fmt.Errorf("%s takes one DB, not also %q", cmd.Name(), args[1]))
}

// AddTo declares --index.
func (l *Location) AddTo(cmd *cobra.Command) {
	cmd.Flags().StringVar(&l.Index, "index", DefaultIndex, "name of the index within DB")
}

// AddUntrusted declares --untrusted, of commands that open an existing index.
func AddUntrusted(cmd *cobra.Command) {
	cmd.Flags().Bool("untrusted", false, "verify all of the file before anything else is done with it")
}

// String names the index in messages.
func (l *Location) String() string { return fmt.Sprintf("index %q of %s", l.Index, l.Dir) }

// OpenIndex opens an index that must exist. What it lacks, the hint says.
func (l *Location) OpenIndex(cmd *cobra.Command, readOnly bool) (*hannoy.Index, error) {
	o := &hannoy.Options{Index: l.Index, MustExist: true, ReadOnly: readOnly}
	untrusted, _ := cmd.Flags().GetBool("untrusted") // false where there is no such flag
	var ix *hannoy.Index
	var err error
	if untrusted {
		ix, err = hannoy.OpenUntrusted(cmd.Context(), l.Dir, o)
	} else {
		ix, err = hannoy.Open(l.Dir, o)
	}
	if err != nil {
		return nil, l.Hint(err)
	}
	return ix, nil
}

// Hint adds what the directory does hold to an error about what it does not.
func (l *Location) Hint(err error) error {
	if !errors.Is(err, hannoy.ErrNotFound) {
		return err
	}
	names, listErr := hannoy.Indexes(l.Dir)
	if listErr != nil || len(names) == 0 {
		return terminal.WithHint(err, fmt.Sprintf("hannoyctl build %s --input FILE makes one", l.Dir))
	}
	return terminal.WithHint(err, fmt.Sprintf("%s has: %s; choose with --index", l.Dir, strings.Join(names, ", ")))
}

// CheckOutput refuses a file to write that is in no directory, or is one, before the work that it is for.
func CheckOutput(name string) error {
	if _, err := os.Stat(filepath.Dir(name)); err != nil {
		return err
	}
	if info, err := os.Stat(name); err == nil && info.IsDir() {
		return fmt.Errorf("%s: %w", name, syscall.EISDIR)
	}
	return nil
}

// DataFile is where LMDB keeps the records.
func DataFile(dir string) string { return filepath.Join(dir, "data.mdb") }
