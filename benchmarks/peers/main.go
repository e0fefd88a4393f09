// Command peers builds the same data with hannoy and its peers and measures them side
// by side. It only calls the programs bench-SYSTEM, which answer the protocol of
// package harness, and scores, tabulates and draws what they print. README.md says how
// to run it and what the figures mean.
package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
)

func main() {
	if err := run(os.Args[1:], os.Stderr); err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintf(os.Stderr, "peers: error: %v\n", err)
		os.Exit(1)
	}
}

func run(args []string, log io.Writer) error {
	commands := map[string]func(*options) error{"compare": compare, "load": load}
	if len(args) > 1 && args[0] == "render" {
		return render(args[1:], log)
	}
	if len(args) == 0 || commands[args[0]] == nil {
		return errors.New("usage: peers compare|load --data FOLDER [flags], or peers render RESULT.json")
	}
	o, err := parseOptions(args[0], args[1:], log)
	if err != nil {
		return err
	}
	return commands[args[0]](o)
}
