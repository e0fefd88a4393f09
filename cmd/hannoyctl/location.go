package main

import (
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/hannoydb/hannoy"
)

const defaultIndex = "default"

// A location is the index that a command works on.
type location struct {
	dir   string
	index string
}

// oneDB takes the DB, the only argument.
func (l *location) oneDB(cmd *cobra.Command, args []string) error {
	switch len(args) {
	case 0:
		return usageOf(cmd, fmt.Errorf("%s needs a DB, the directory of the index", cmd.Name()))
	case 1:
		l.dir = args[0]
		return nil
	}
	return usageOf(cmd, fmt.Errorf("%s takes one DB, not also %q", cmd.Name(), args[1]))
}

// addTo declares --index.
func (l *location) addTo(cmd *cobra.Command) {
	cmd.Flags().StringVar(&l.index, "index", defaultIndex, "name of the index within DB")
}

// addUntrusted declares --untrusted, of commands that open an existing index.
func addUntrusted(cmd *cobra.Command) {
	cmd.Flags().Bool("untrusted", false, "verify all of the file before anything else is done with it")
}

// String names the index in messages.
func (l *location) String() string { return fmt.Sprintf("index %q of %s", l.index, l.dir) }

// openIndex opens an index that must exist. What it lacks, the hint says.
func (l *location) openIndex(cmd *cobra.Command, readOnly bool) (*hannoy.Index, error) {
	o := &hannoy.Options{Index: l.index, MustExist: true, ReadOnly: readOnly}
	untrusted, _ := cmd.Flags().GetBool("untrusted") // false where there is no such flag
	var ix *hannoy.Index
	var err error
	if untrusted {
		ix, err = hannoy.OpenUntrusted(cmd.Context(), l.dir, o)
	} else {
		ix, err = hannoy.Open(l.dir, o)
	}
	if err != nil {
		return nil, l.hint(err)
	}
	return ix, nil
}

// hint adds what the directory does hold to an error about what it does not.
func (l *location) hint(err error) error {
	if !errors.Is(err, hannoy.ErrNotFound) {
		return err
	}
	names, listErr := hannoy.Indexes(l.dir)
	if listErr != nil || len(names) == 0 {
		return withHint(err, fmt.Sprintf("hannoyctl build %s --input FILE makes one", l.dir))
	}
	return withHint(err, fmt.Sprintf("%s has: %s; choose with --index", l.dir, strings.Join(names, ", ")))
}
