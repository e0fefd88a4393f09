package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/hannoydb/hannoy/cmd/hannoyctl/internal/terminal"
)

// newMan is the command with which packagers make the manual pages.
func newMan() *cobra.Command {
	return &cobra.Command{
		Use: "man DIR", Short: "write the manual pages into a directory", Hidden: true,
		Example: "  hannoyctl man man && man -l man/hannoyctl-query.1",
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) == 1 {
				return nil
			}
			return terminal.UsageOf(cmd, errors.New("man needs a directory to write into"))
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := os.MkdirAll(args[0], 0o755); err != nil {
				return err
			}
			for _, c := range append(cmd.Root().Commands(), cmd.Root()) {
				name := strings.ReplaceAll(c.CommandPath(), " ", "-")
				if c.Hidden || c.Name() == "help" {
					continue
				}
				if err := os.WriteFile(filepath.Join(args[0], name+".1"), []byte(manPage(name, c)), 0o644); err != nil {
					return err
				}
			}
			return nil
		},
	}
}

// manPage is the help of a command in the macros of man(7).
func manPage(name string, c *cobra.Command) string {
	var b strings.Builder
	section := func(title, format string, args ...any) {
		fmt.Fprintf(&b, ".SH %s\n%s\n", title, fmt.Sprintf(format, args...))
	}
	fmt.Fprintf(&b, ".TH %s 1\n", strings.ToUpper(name))
	section("NAME", `%s \- %s`, name, roff(c.Short))
	section("SYNOPSIS", ".B %s", roff(c.UseLine()))
	section("DESCRIPTION", "%s", strings.ReplaceAll(roff(c.Long), "\n\n", "\n.PP\n"))
	c.InheritedFlags() // which joins them to the command's own
	section("OPTIONS", ".nf\n%s.fi", roff(c.Flags().FlagUsages()))
	section("EXIT STATUS", "0 ok, 1 failure, 2 usage, 3 not found, 4 damaged, 5 busy, 130 interrupted.")
	section("EXAMPLES", ".nf\n%s\n.fi", roff(c.Example))
	return b.String()
}

// roff keeps the formatter's hands off a text: off its hyphens, backslashes and lines that begin with a control character.
func roff(text string) string {
	text = strings.NewReplacer(`\`, `\e`, "-", `\-`).Replace(text)
	lines := strings.Split(text, "\n")
	for i, line := range lines {
		if strings.HasPrefix(line, ".") || strings.HasPrefix(line, "'") {
			lines[i] = `\&` + line
		}
	}
	return strings.Join(lines, "\n")
}
