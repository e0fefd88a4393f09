package main

import (
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/hannoydb/hannoy"
)

// parseFilter reads the text of --filter. The error shows the character that is wrong.
func parseFilter(text string) (*hannoy.Filter, error) {
	f, err := hannoy.ParseFilter(text)
	var at *hannoy.FilterError
	if errors.As(err, &at) {
		return nil, withHint(usagef("--%v\n  %s", err, strings.ReplaceAll(at.Caret(), "\n", "\n  ")),
			`a filter is such as 'lang:en & !draft', 'tag:* and (red or blue)', '"two words"'`)
	}
	return f, err
}

// narrow prepares the filter, so that the work is not part of the first query, and tells when few items match it.
func (f *queryFlags) narrow(cmd *cobra.Command, s *hannoy.Snapshot) (err error) {
	if f.filter == nil {
		return nil
	}
	var items int
	if f.filter, items, err = s.Prepare(cmd.Context(), f.filter); err != nil {
		return err
	}
	if items < int(f.k) {
		fmt.Fprintf(cmd.ErrOrStderr(), "hannoyctl: warning: only %s the filter, -k is %s\n", matching(items), &f.k)
	}
	return nil
}

func matching(items int) string {
	if items == 1 {
		return "1 item matches"
	}
	return thousands(items) + " items match"
}
