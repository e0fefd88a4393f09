package hannoy_test

import (
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/hannoydb/hannoy"
	"github.com/hannoydb/hannoy/internal/fixture"
)

// foldForever builds in the background until its standard input ends.
func foldForever(dir string) {
	ix, err := hannoy.Open(dir, &hannoy.Options{AutoBuild: &hannoy.AutoBuild{
		Age: 20 * time.Millisecond, Done: func(_ *hannoy.BuildReport, err error) { fatal(err) },
	}})
	fatal(err)
	io.Copy(io.Discard, os.Stdin)
	start := time.Now()
	fatal(ix.Close())
	fmt.Println(time.Since(start).Milliseconds(), "ms\ndone")
	os.Exit(0)
}

// One process writes, one reads, and two would build in the background: when the one
// that builds is killed, the other goes on.
func TestAutoBuildTakesOver(t *testing.T) {
	seed := fixture.Seed(t)
	r := rand.New(rand.NewPCG(seed, 2))
	dir := t.TempDir() + "/index"
	first, err := hannoy.Open(dir, &processOptions)
	if err != nil {
		t.Fatal(err)
	}
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	watch := open(t, dir, &hannoy.Options{ReadOnly: true})
	covered := func() uint64 {
		s, err := watch.Stats()
		if err != nil {
			t.Fatal(err)
		}
		return s.GraphSequence
	}
	reader, putter, folder := start(t, "reader", dir), start(t, "putter", dir), start(t, "folder", dir)
	for range 4 {
		next := start(t, "folder", dir)
		from := covered()
		eventually(t, "a fold", func() bool { return covered() > from })
		time.Sleep(time.Duration(r.IntN(100)) * time.Millisecond)
		folder.cmd.Process.Kill()
		folder.wait()
		if text := folder.errors.String(); text != "" {
			t.Fatalf("folder: %s", text)
		}
		folder, from = next, covered()
		eventually(t, "a fold by the one that took over", func() bool { return covered() > from+1 })
	}
	putter.cmd.Process.Kill()
	acknowledged := lastNumber(putter.wait())
	eventually(t, "the last fold", func() bool { return allFolded(t, watch) })
	for _, c := range []*child{reader, folder} {
		c.stdin.Close()
		if out := c.wait(); !strings.HasSuffix(out, "done\n") || c.errors.Len() > 0 {
			t.Errorf("child: %s%s", out, c.errors.String())
		}
	}
	t.Logf("%d batches acknowledged", acknowledged)
	verifyBatches(t, dir, acknowledged, 1)
}
