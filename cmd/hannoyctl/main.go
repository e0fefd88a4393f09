// Command hannoyctl builds, queries and looks after hannoy indexes.
//
// Data goes to standard output, progress and messages to standard error. Errors read
// "hannoyctl: error: ..." and, where there is a remedy, "hannoyctl: hint: ...". The exit status is 0 ok,
// 1 failure, 2 usage, 3 not found, 4 damaged, 5 busy, 130 interrupted.
package main

import (
	"cmp"
	"context"
	"os"
	"os/signal"
	"syscall"

	"github.com/hannoydb/hannoy/cmd/hannoyctl/internal/terminal"
)

func main() { os.Exit(run()) }

func run() int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	// The first signal asks to stop, the second one ends the process as it would any other.
	context.AfterFunc(ctx, stop)
	root, out := newRoot(), &terminal.Output{To: os.Stdout}
	root.SetOut(out)
	return terminal.Report(os.Stderr, cmp.Or(root.ExecuteContext(ctx), out.Err))
}
