package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"
)

const rootHelp = `hannoyctl builds, queries and looks after hannoy indexes: approximate nearest neighbours on disk.

A DB is a directory. It holds one or more indexes; commands use the one named "default" unless --index names another.

HANNOY_INDEX, HANNOY_EF, HANNOY_K, HANNOY_THREADS, HANNOY_MEMORY, HANNOY_CODES, HANNOY_COMMIT_EVERY, HANNOY_PROGRESS and HANNOY_JSON in the
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
	root.PersistentFlags().Bool("json", false, "print JSON")
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error { return usageOf(cmd, err) })
	root.AddCommand(newBuild(), newQuery(), newBench(), newTune(), newTruth(), newPut(), newGet(), newDelete(), newList(), newLabels(), newExport(), newReport(),
		newStats(), newCheck(), newRepair(), newCompact(), newAlter(), newDump(), newDemo(), newVersion(), newMan())
	addCompletions(root)
	return root
}

func unknownCommand(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	err := usagef("there is no command %q", args[0])
	if near := cmd.SuggestionsFor(args[0]); len(near) > 0 {
		return withHint(err, "did you mean "+strings.Join(near, " or ")+"?")
	}
	return withHint(err, "hannoyctl --help lists the commands")
}

// noArgs wants no argument at all.
func noArgs(cmd *cobra.Command, args []string) error {
	if len(args) > 0 {
		return usageOf(cmd, fmt.Errorf("%s takes no argument, not %q", cmd.Name(), args[0]))
	}
	return nil
}

func wantsJSON(cmd *cobra.Command) bool {
	on, _ := cmd.Flags().GetBool("json")
	return on
}
