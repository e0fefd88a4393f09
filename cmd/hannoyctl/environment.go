package main

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/hannoydb/hannoy/cmd/hannoyctl/internal/terminal"
)

// environmentFlags may be given by variables of the environment: HANNOY_EF for --ef. Others say what a single call is
// about.
var environmentFlags = []string{"codes", "commit-every", "ef", "index", "json", "jsonl", "k", "memory", "progress", "threads"}

// fromEnvironment sets the flags that the command line does not.
func fromEnvironment(cmd *cobra.Command, _ []string) error {
	object, lines := cmd.Flags().Lookup("json"), cmd.Flags().Lookup("jsonl")
	if object.Changed && lines.Changed {
		return terminal.UsageOf(cmd, errors.New("--json and --jsonl are two forms of one thing: choose one"))
	}
	formGiven := object.Changed || lines.Changed
	for _, name := range environmentFlags {
		variable := "HANNOY_" + strings.ToUpper(strings.ReplaceAll(name, "-", "_"))
		text, ok := os.LookupEnv(variable)
		flag := cmd.Flags().Lookup(name)
		if flag != nil {
			// bench's --ef and --threads are lists.
			if _, several := flag.Value.(interface{ GetSlice() []string }); several {
				continue
			}
		}
		if !ok || text == "" || flag == nil || flag.Changed || formGiven && (flag == object || flag == lines) {
			continue
		}
		if err := cmd.Flags().Set(name, text); err != nil {
			return terminal.UsageOf(cmd, fmt.Errorf("%s=%q: %w", variable, text, plainly(err)))
		}
	}
	return nil
}
