package main

import (
	"errors"
	"regexp"
	"strings"

	"github.com/spf13/cobra"

	"github.com/hannoydb/hannoy/cmd/hannoyctl/internal/demo"
	"github.com/hannoydb/hannoy/cmd/hannoyctl/internal/inspect"
	"github.com/hannoydb/hannoy/cmd/hannoyctl/internal/read"
	"github.com/hannoydb/hannoy/cmd/hannoyctl/internal/terminal"
	"github.com/hannoydb/hannoy/cmd/hannoyctl/internal/write"
)

const rootHelp = `hannoyctl builds, queries and looks after hannoy indexes: approximate nearest neighbours on disk.

A DB is a directory. It holds one or more indexes; commands use the one named "default" unless --index names another.

HANNOY_INDEX, HANNOY_EF, HANNOY_K, HANNOY_THREADS, HANNOY_MEMORY, HANNOY_CODES, HANNOY_COMMIT_EVERY, HANNOY_PROGRESS, HANNOY_JSON and HANNOY_JSONL in the
environment stand for the flags of these names where they are not given. Nothing is coloured.`

const rootExample = `  hannoyctl demo                                         see it work, no data needed
  hannoyctl build photos --input base.fbin --metric cosine
  hannoyctl query photos --input query.fbin -k 10 --hits
  hannoyctl stats photos`

func newRoot() *cobra.Command {
	root := &cobra.Command{
		Use:               "hannoyctl",
		Short:             "approximate nearest neighbours on disk",
		Long:              rootHelp,
		Example:           rootExample,
		SilenceErrors:     true,
		SilenceUsage:      true,
		DisableAutoGenTag: true,
		Args:              unknownCommand,
		PersistentPreRunE: fromEnvironment,
		RunE:              func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	root.SuggestionsMinimumDistance = 2
	progress := terminal.Progress("auto")
	root.PersistentFlags().Bool("json", false, "print JSON: one object, and a line each of what may be without end (items, keys, records)")
	root.PersistentFlags().Bool("jsonl", false, "print JSON, a line for each record: item, query, label, point of a curve, problem")
	root.PersistentFlags().Var(&progress, "progress", "auto: a bar on a terminal; json: a line a second on standard error; none")
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error { return terminal.UsageOf(cmd, plainly(err)) })
	root.AddCommand(read.Commands()...)
	root.AddCommand(write.Commands()...)
	root.AddCommand(inspect.Commands()...)
	root.AddCommand(demo.New(), newMan())
	addCompletion(root)
	addCompletions(root)
	root.InitDefaultHelpCmd()
	for _, cmd := range root.Commands() {
		if cmd.Name() == "help" {
			cmd.Args = knownCommand // or it would print the help of the root
		}
	}
	return root
}

var unparsed = regexp.MustCompile(`strconv\.(\w+): parsing (".*"): [a-z ]+$`)

// plainly has the error of a flag's value say what the value is not, instead of which function would not have it.
func plainly(err error) error {
	wanted := " is not a number that it takes"
	if found := unparsed.FindStringSubmatch(err.Error()); found == nil {
		return err
	} else if found[1] == "ParseBool" {
		wanted = " is neither true nor false"
	}
	return errors.New(unparsed.ReplaceAllString(err.Error(), "$2"+wanted))
}

// knownCommand wants the words to name a command.
func knownCommand(help *cobra.Command, args []string) error {
	if found, rest, err := help.Root().Find(args); err != nil || len(rest) > 0 {
		return unknownCommand(found, rest)
	}
	return nil
}

func unknownCommand(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	err := terminal.Usagef("there is no command %q", args[0])
	if near := cmd.SuggestionsFor(args[0]); len(near) > 0 {
		return terminal.WithHint(err, "did you mean "+strings.Join(near, " or ")+"?")
	}
	return terminal.WithHint(err, "hannoyctl --help lists the commands")
}
