package read

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/hannoydb/hannoy"
	"github.com/hannoydb/hannoy/cmd/hannoyctl/internal/operand"
	"github.com/hannoydb/hannoy/cmd/hannoyctl/internal/terminal"
)

// readAmong narrows the filter to the keys of --among.
func (f *queryFlags) readAmong(ix *hannoy.Index) error {
	if f.among == "" {
		return nil
	}
	keys, err := operand.ReadKeys(operand.StyleOf(ix), f.among)
	if err != nil {
		return err
	}
	among := hannoy.FilterKeys(keys...)
	if f.Filter != nil {
		among = among.And(f.Filter)
	}
	f.Filter = among
	return nil
}

// narrow prepares the filter, so that the work is not part of the first query, and tells when few items match it.
func (f *queryFlags) narrow(cmd *cobra.Command, s *hannoy.Snapshot) (err error) {
	if f.Filter == nil {
		return nil
	}
	var items int
	if f.Filter, items, err = s.Prepare(cmd.Context(), f.Filter); err != nil {
		return err
	}
	switch {
	case items == 0 && !cmd.Flags().Changed("filter"):
		fmt.Fprintf(cmd.ErrOrStderr(), "hannoyctl: warning: none of the keys of %s is in the index\n", f.among)
	case items == 0:
		fmt.Fprintln(cmd.ErrOrStderr(), "hannoyctl: warning: no item matches the filter; hannoyctl labels lists the labels there are")
	case items < int(f.K):
		fmt.Fprintf(cmd.ErrOrStderr(), "hannoyctl: warning: only %s the filter, -k is %s\n", matching(items), &f.K)
	}
	return nil
}

func matching(items int) string {
	if items == 1 {
		return "1 item matches"
	}
	return terminal.Thousands(items) + " items match"
}
