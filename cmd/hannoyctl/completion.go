package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/hannoydb/hannoy"
	"github.com/hannoydb/hannoy/cmd/hannoyctl/internal/terminal"
	"github.com/hannoydb/hannoy/internal/vecfile"
)

// addCompletions tells the shells what may follow: directories for DB, the indexes that one holds, and the words of
// flags that take one of a few.
func addCompletions(root *cobra.Command) {
	words := map[string][]string{
		"metric": {"euclidean", "cosine", "inner-product", "manhattan", "hamming"},
		"type":   {"f32", "f16", "int8"},
		"codes":  {"auto", "int8", "binary", "none"},
		"format": nil,
	}
	for _, f := range vecfile.Formats() {
		words["format"] = append(words["format"], string(f))
	}
	_ = root.RegisterFlagCompletionFunc("progress", cobra.FixedCompletions([]string{"auto", "json", "none"}, cobra.ShellCompDirectiveNoFileComp))
	for _, cmd := range root.Commands() {
		if strings.Contains(cmd.Use, "DB") {
			cmd.ValidArgsFunction = func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
				return nil, cobra.ShellCompDirectiveFilterDirs
			}
		}
		for flag, words := range words {
			if cmd.Flags().Lookup(flag) != nil {
				_ = cmd.RegisterFlagCompletionFunc(flag, cobra.FixedCompletions(words, cobra.ShellCompDirectiveNoFileComp))
			}
		}
		if cmd.Flags().Lookup("index") != nil {
			_ = cmd.RegisterFlagCompletionFunc("index", completeIndex)
		}
	}
}

// addCompletion adds the command that prints the scripts for shells: cobra's own takes any word for its argument and prints help.
func addCompletion(root *cobra.Command) {
	root.InitDefaultCompletionCmd()
	for _, cmd := range root.Commands() {
		if cmd.Name() != "completion" {
			continue
		}
		cmd.Short, cmd.Args = "print the script that completes commands in a shell", cobra.ArbitraryArgs
		cmd.RunE = func(cmd *cobra.Command, args []string) error {
			var shells []string
			for _, shell := range cmd.Commands() {
				shells = append(shells, shell.Name())
			}
			return terminal.UsageOf(cmd, fmt.Errorf("completion needs one of %s", strings.Join(shells, ", ")))
		}
	}
}

func completeIndex(_ *cobra.Command, args []string, _ string) (names []string, _ cobra.ShellCompDirective) {
	if len(args) > 0 {
		names, _ = hannoy.Indexes(args[0])
	}
	return names, cobra.ShellCompDirectiveNoFileComp
}
