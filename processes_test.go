package hannoy_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hannoydb/hannoy"
	"github.com/hannoydb/hannoy/internal/fixture"
)

// processIndex makes an empty index, which nobody has open, for processes.
func processIndex(t *testing.T) (dir string) {
	t.Helper()
	dir = t.TempDir() + "/index"
	ix, err := hannoy.Open(dir, &processOptions)
	if err != nil {
		t.Fatal(err)
	}
	if err := ix.Close(); err != nil {
		t.Fatal(err)
	}
	return dir
}

// Four processes query without pause while a fifth puts, deletes and builds, and is
// killed again and again. Readers never fail, and nothing acknowledged is lost.
func TestReadersAndAKilledWriter(t *testing.T) {
	if testing.Short() {
		t.Skip("skipped by -short: takes some ten seconds")
	}
	dir := processIndex(t)
	r := rand.New(rand.NewPCG(fixture.Seed(t), 1))
	var readers []*child
	for range 4 {
		readers = append(readers, start(t, "reader", dir))
	}
	var acknowledged uint64
	for range processKills {
		w := start(t, "writer", dir)
		time.Sleep(time.Duration(30+r.IntN(170)) * time.Millisecond)
		w.cmd.Process.Kill()
		out := w.wait()
		if n := lastNumber(out); n > 0 {
			acknowledged = n
		}
		if text := w.errors.String(); text != "" {
			t.Fatalf("writer: %s", text)
		}
		// A batch that the killed writer did not come to acknowledge is committed all the
		// same. If it died before it told the readers, verifyBatches, which reads beside
		// them, learns of it only after the next writer, who may leave another such.
		if acknowledged = verifyBatches(t, dir, acknowledged, 2); t.Failed() {
			return
		}
	}
	queries := uint64(0)
	for _, c := range readers {
		c.stdin.Close()
		out := c.wait()
		if !strings.HasSuffix(out, "done\n") || c.errors.Len() > 0 {
			t.Errorf("reader: %s%s", out, c.errors.String())
		}
		queries += lastNumber(strings.TrimSuffix(out, "done\n"))
	}
	t.Logf("%d batches acknowledged, %d kills, %d queries", acknowledged, processKills, queries)
	if queries == 0 {
		t.Error("the readers made no queries")
	}
	last := open(t, dir, nil)
	build(t, last, nil)
	if s, err := last.Stats(); err != nil || s.Pending != 0 || s.Dead != 0 {
		t.Errorf("after the last build: %+v, %v", s, err)
	}
}

// A process that compacts without pause is killed again and again while another writes
// and two query. Whichever files are left, nothing acknowledged is lost.
func TestAKilledCompactor(t *testing.T) {
	if testing.Short() {
		t.Skip("skipped by -short: takes some seconds")
	}
	dir := processIndex(t)
	r := rand.New(rand.NewPCG(fixture.Seed(t), 1))
	readers := []*child{start(t, "reader", dir), start(t, "reader", dir)}
	w := start(t, "writer", dir)
	compactions := uint64(0)
	for kill := 0; kill < compactorKills || compactions == 0; kill++ {
		c := start(t, "compactor", dir)
		// On a machine that does much else, none may come to an end in that time.
		patience := 1 + kill/compactorKills*kill
		time.Sleep(time.Duration(patience*(50+r.IntN(200))) * time.Millisecond)
		c.cmd.Process.Kill()
		compactions += lastNumber(c.wait())
		if text := c.errors.String(); text != "" {
			t.Fatalf("compactor: %s", text)
		}
		// Its errors, if it did not see a move, or two saw it, would show here.
		last := open(t, dir, nil)
		checkSound(t, last)
		if err := last.Close(); err != nil {
			t.Fatal(err)
		}
	}
	w.cmd.Process.Kill()
	acknowledged := lastNumber(w.wait())
	if text := w.errors.String(); text != "" {
		t.Fatalf("writer: %s", text)
	}
	for _, c := range readers {
		c.stdin.Close()
		if out := c.wait(); !strings.HasSuffix(out, "done\n") || c.errors.Len() > 0 {
			t.Errorf("reader: %s%s", out, c.errors.String())
		}
	}
	verifyBatches(t, dir, acknowledged, 1)
	t.Logf("%d batches acknowledged, %d kills, %d whole compactions", acknowledged, compactorKills, compactions)
	if compactions == 0 || acknowledged == 0 {
		t.Error("nothing was compacted, or written")
	}
	open(t, dir, nil) // removes what is left
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range entries {
		if entry.IsDir() {
			t.Errorf("%s is left", entry.Name())
		}
	}
}

// verifyBatches checks that the index holds the outcome of all acknowledged
// batches, and of so many more at most. It returns how many are committed.
func verifyBatches(t *testing.T, dir string, acknowledged, more uint64) (committed uint64) {
	t.Helper()
	ix, err := hannoy.Open(dir, &hannoy.Options{ReadOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	defer ix.Close()
	checkSound(t, ix)
	pool := processPool()
	err = ix.View(func(s *hannoy.Snapshot) error {
		n := s.Sequence()
		committed = n
		if n < acknowledged || n > acknowledged+more {
			return fmt.Errorf("%d batches are committed, %d were acknowledged", n, acknowledged)
		}
		want := map[string]int{}
		for i := range n {
			for k, at := range batchChanges(i+1, len(pool)) {
				if at < 0 {
					delete(want, string(key(k)))
				} else {
					want[string(key(k))] = at
				}
			}
		}
		if s.Len() != len(want) {
			return fmt.Errorf("%d items after %d batches, want %d", s.Len(), n, len(want))
		}
		for k, at := range want {
			item, err := s.Get([]byte(k))
			if err != nil {
				return err
			}
			if !slices.Equal(item.Vector, pool[at]) {
				return fmt.Errorf("item %q holds another vector than batch %d left", k, n)
			}
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
	return committed
}
