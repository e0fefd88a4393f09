package operand

import (
	"errors"
	"strings"

	"github.com/spf13/cobra"

	"github.com/hannoydb/hannoy"
	"github.com/hannoydb/hannoy/cmd/hannoyctl/internal/terminal"
)

// AddFilter declares --filter.
func AddFilter(cmd *cobra.Command, usage string) {
	cmd.Flags().String("filter", "", usage+": 'lang:en & !draft'")
}

// FilterOf is what --filter says; nil if it was not given.
func FilterOf(cmd *cobra.Command) (*hannoy.Filter, error) {
	flag := cmd.Flags().Lookup("filter")
	if !flag.Changed {
		return nil, nil
	}
	return ParseFilter(flag.Value.String())
}

// ParseFilter reads the text of --filter. The error shows the character that is wrong.
func ParseFilter(text string) (*hannoy.Filter, error) {
	f, err := hannoy.ParseFilter(text)
	var at *hannoy.FilterError
	if errors.As(err, &at) {
		return nil, terminal.WithHint(terminal.Usagef("--%v\n  %s", err, strings.ReplaceAll(at.Caret(), "\n", "\n  ")),
			`a filter is such as 'lang:en & !draft', 'tag:* and (red or blue)', '"two words"'`)
	}
	return f, err
}
