package write

import (
	"context"
	"errors"
	"io"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spf13/cobra"

	"github.com/hannoydb/hannoy"
	"github.com/hannoydb/hannoy/cmd/hannoyctl/internal/terminal"
	"github.com/hannoydb/hannoy/internal/fixture"
)

// What is interrupted leaves what there was, sound, and says so.
func TestInterruptedRewrites(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "db")
	ctx := t.Context()
	ix, err := hannoy.Open(dir, &hannoy.Options{Dimensions: 8})
	if err != nil {
		t.Fatal(err)
	}
	_, err = ix.Update(ctx, func(b *hannoy.Batch) error {
		for i, v := range fixture.Vectors(300, 8, 1) {
			if err := b.Put([]byte{byte(i), byte(i >> 8)}, v); err != nil {
				return err
			}
		}
		return nil
	})
	if _, failed := ix.Build(ctx, nil); errors.Join(err, failed, ix.Close()) != nil {
		t.Fatal(err, failed)
	}
	cancelled, cancel := context.WithCancel(ctx)
	cancel()
	for _, args := range [][]string{{"compact", dir}, {"compact", dir, "--output", dir + "-copy"}, {"alter", dir, "--type", "f16"}, {"alter", dir, "--m", "8"}} {
		root := &cobra.Command{Use: "hannoyctl", SilenceErrors: true, SilenceUsage: true}
		root.AddCommand(newCompact(), newAlter())
		root.SetArgs(args)
		root.SetOut(io.Discard)
		err := root.ExecuteContext(cancelled)
		if hint := terminal.HintFor(err); !errors.Is(err, context.Canceled) || !strings.Contains(hint, "begins again") {
			t.Errorf("%s: %v (hint: %s), want to be told what there is", args, err, hint)
		}
		report, err := hannoy.Check(ctx, dir, nil)
		if err != nil || !report.Sound || report.Live != 300 {
			t.Errorf("%s: %+v, %v", args, report, err)
		}
	}
}
