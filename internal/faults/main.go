// Command faults damages the file of a real index in thousands of ways and looks at
// what comes of it: an error of a type, the right answer, a wrong one, a crash or a
// hang. docs/reliability.md has its results.
//
//	faults bitflips -n 20000 -open untrusted
//	faults pages -n 5000 -open plain
//	faults repair -n 20
//	faults bitflips -seed 7 -from 123 -n 1     one failure again
//
// Every trial follows from the seed and its number. Trials run in child processes, so
// that a crash is counted and not suffered.
package main

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"time"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "faults:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	if len(args) == 0 {
		return errors.New("want bitflips, pages or repair (see the comment of main.go)")
	}
	if args[0] == "child" {
		return serve(args[1:])
	}
	flags := flag.NewFlagSet(args[0], flag.ContinueOnError)
	c := campaign{kind: args[0]}
	flags.IntVar(&c.n, "n", 2000, "trials")
	flags.IntVar(&c.from, "from", 0, "number of the first trial")
	flags.Uint64Var(&c.seed, "seed", uint64(time.Now().UnixNano()), "of all trials")
	flags.StringVar(&c.mode, "open", "untrusted", "how files are opened: untrusted or plain")
	flags.BoolVar(&c.verbose, "v", false, "print every trial")
	if err := flags.Parse(args[1:]); err != nil {
		return err
	}
	var result any
	var err error
	switch args[0] {
	case "bitflips", "pages":
		result, err = c.run()
	case "repair":
		result, err = repairs(c.seed, c.from, c.n)
	default:
		return fmt.Errorf("%q is not bitflips, pages or repair", args[0])
	}
	if err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(result)
}
