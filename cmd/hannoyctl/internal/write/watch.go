package write

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"github.com/hannoydb/hannoy"
	"github.com/hannoydb/hannoy/cmd/hannoyctl/internal/operand"
	"github.com/hannoydb/hannoy/cmd/hannoyctl/internal/terminal"
)

// watchInterval is the time between two looks for new indexes.
const watchInterval = time.Second

// A watcher builds what comes into the indexes of a directory.
type watcher struct {
	dir    string
	policy hannoy.AutoBuild
	json   bool
	out    io.Writer
	log    io.Writer

	mu   sync.Mutex // held while an index is opened, and while a fold is told of
	open map[string]*hannoy.Index
}

// fold is what build --watch --json prints of each fold.
type fold struct {
	Index   string  `json:"index"`
	Linked  int     `json:"linked"`
	Removed int     `json:"removed"`
	Pending int     `json:"pending"` // left, or put meanwhile
	Seconds float64 `json:"seconds"`
}

// watchAll builds until the context is done, which is how it is meant to end.
func (f *buildFlags) watchAll(cmd *cobra.Command) (err error) {
	w := &watcher{
		dir: f.Dir, json: operand.WantsJSON(cmd), out: cmd.OutOrStdout(), log: cmd.ErrOrStderr(), open: map[string]*hannoy.Index{},
		policy: hannoy.AutoBuild{Pending: int(f.pending), Age: f.age, Threads: int(f.threads)},
	}
	defer func() { err = errors.Join(err, w.close()) }()
	if cmd.Flags().Changed("index") || f.File != "" {
		if err := w.add(f.Index); err != nil {
			return f.Hint(err)
		}
		<-cmd.Context().Done()
		return nil
	}
	return w.addAll(cmd.Context())
}

// addAll watches the indexes that the directory has, and looks for more now and then.
func (w *watcher) addAll(ctx context.Context) error {
	for {
		names, err := hannoy.Indexes(w.dir)
		if err != nil {
			return err
		}
		for _, name := range names {
			if w.open[name] == nil {
				err = errors.Join(err, w.add(name))
			}
		}
		if err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(watchInterval):
		}
	}
}

func (w *watcher) add(name string) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	policy := w.policy
	policy.Done = func(r *hannoy.BuildReport, err error) { w.tell(name, r, err) }
	ix, err := hannoy.Open(w.dir, &hannoy.Options{Index: name, MustExist: true, AutoBuild: &policy})
	if err != nil {
		return err
	}
	w.open[name] = ix
	return nil
}

// tell prints a fold.
func (w *watcher) tell(name string, r *hannoy.BuildReport, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if err != nil {
		fmt.Fprintf(w.log, "hannoyctl: index %q: %v; trying again\n", name, err)
		return
	}
	pending, _ := w.open[name].Pending()
	line := fold{Index: name, Linked: r.Linked, Removed: r.Removed, Pending: pending, Seconds: terminal.Seconds(r.Elapsed)}
	if w.json {
		_ = json.NewEncoder(w.out).Encode(line) // one line, for a reader that follows
		return
	}
	fmt.Fprintf(w.out, "%s: %s linked, %s removed in %.2f s, %s pending\n", name, terminal.Thousands(r.Linked), terminal.Thousands(r.Removed), r.Elapsed.Seconds(), terminal.Thousands(pending))
}

func (w *watcher) close() (err error) {
	for _, ix := range w.open {
		err = errors.Join(err, ix.Close())
	}
	return err
}
