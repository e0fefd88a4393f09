// Command faults does to real indexes what must not harm them, thousands of times, and
// looks at what comes of it: the right answer, an error of a type, a wrong answer, a
// crash or a hang. docs/reliability.md has its results.
//
//	faults bitflips -n 20000 -mode untrusted   one flipped bit
//	faults pages -n 5000 -mode plain           torn, zeroed, stale, swapped, cut pages
//	faults kill -n 20000                       kill -9 of a process that works on it
//	faults power -n 50000                      loss of power
//	faults calls -n 0                          a system call that fails: each, in each way
//	faults full -n 128                         a disk that is full (needs root)
//	faults memory -n 10                        memory for a tenth of the data (needs root)
//	faults malloc -n 1500                      a malloc within LMDB that fails
//	faults readers -n 64 -for 10m              readers that are stopped and killed beside a writer
//	faults soak -for 1h -pause 50ms            that nothing grows
//	faults repair -n 20                        what repair saves; -mode stale: of older pages, too
//	faults bitflips -seed 7 -from 123 -n 1     one failure again
//
// Every trial follows from the seed and its number, but for the moments in which
// processes are killed and what of their threads runs first.
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
		return errors.New("want the name of a campaign (see the comment of main.go)")
	}
	if args[0] == "child" {
		return serve(args[1:])
	}
	if args[0] == "work" {
		return serveWork(args[1:])
	}
	if args[0] == "store" {
		return serveStore(args[1:])
	}
	if args[0] == "read" {
		return serveRead(args[1:])
	}
	flags := flag.NewFlagSet(args[0], flag.ContinueOnError)
	c := campaign{kind: args[0]}
	mode := ""
	if c.kind == "bitflips" || c.kind == "pages" {
		mode = "untrusted"
	}
	flags.IntVar(&c.n, "n", 2000, "trials; 0: each call, in each way")
	flags.IntVar(&c.from, "from", 0, "number of the first trial")
	flags.Uint64Var(&c.seed, "seed", uint64(time.Now().UnixNano()), "of all trials")
	flags.StringVar(&c.mode, "mode", mode, "how files are opened (untrusted, plain), which file system is filled (tmpfs, ext4), or which pages are repaired (stale)")
	flags.DurationVar(&c.duration, "for", 20*time.Second, "how long readers and soak take")
	flags.IntVar(&c.limit, "limit", 256, "MiB of memory of a control group; there is ten times as much data")
	flags.DurationVar(&c.pause, "pause", 0, "between two steps of a soak, and two answers of a reader")
	flags.StringVar(&c.other, "other", "", "program that every second process runs: this one, built with the other LMDB binding")
	flags.BoolVar(&c.verbose, "v", false, "print every trial")
	if err := flags.Parse(args[1:]); err != nil {
		return err
	}
	var result interface{ verdict() error }
	var err error
	switch args[0] {
	case "bitflips", "pages", "power":
		result, err = c.conduct(c.inChildren)
	case "kill":
		result, err = c.conduct(c.kills)
	case "calls":
		result, err = c.conduct(c.calls)
	case "full":
		result, err = c.conduct(c.full)
	case "readers":
		result, err = c.conduct(c.readers)
	case "soak":
		result, err = c.soak()
	case "malloc":
		result, err = c.conduct(c.mallocs)
	case "memory":
		result, err = c.conduct(c.memory)
	case "repair":
		result, err = c.repairs()
	default:
		return fmt.Errorf("%q is no campaign", args[0])
	}
	if err != nil {
		return err
	}
	if err := json.NewEncoder(os.Stdout).Encode(result); err != nil {
		return err
	}
	return result.verdict()
}
