package hannoy_test

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/hannoydb/hannoy"
	"github.com/hannoydb/hannoy/internal/fixture"
)

// Tests run copies of the test program, as readers, writers and others: this variable of the
// environment says which.
const roleVariable = "HANNOY_TEST_ROLE"

func TestMain(m *testing.M) {
	switch role, dir, _ := strings.Cut(os.Getenv(roleVariable), ":"); role {
	case "reader":
		readForever(dir)
	case "writer":
		writeForever(dir, true)
	case "putter":
		writeForever(dir, false)
	case "compactor":
		compactForever(dir)
	case "holder":
		hold(dir)
	case "folder":
		foldForever(dir)
	default:
		status := m.Run()
		if left := goroutinesLeft(); status == 0 && left != "" {
			fmt.Fprintf(os.Stderr, "goroutines that nothing has ended:\n%s\n", left)
			status = 1
		}
		os.Exit(status)
	}
}

// goroutinesLeft returns the stacks of goroutines of this module that have not ended some
// time after all tests, but for those that wait for writes to an index which a test, such as
// an example, has left open.
func goroutinesLeft() (left string) {
	for end := time.Now().Add(time.Minute); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		stacks := make([]byte, 1<<20)
		all := strings.Split(string(stacks[:runtime.Stack(stacks, true)]), "\n\n")
		left = strings.Join(slices.DeleteFunc(all[1:], func(g string) bool {
			return !strings.Contains(g, "hannoydb/hannoy") || strings.Contains(g, "kv.(*Env).writeLoop(")
		}), "\n\n")
		if left == "" {
			break
		}
	}
	return left
}

const (
	processDims  = 16
	processKeys  = 1500
	processKills = 50

	compactorKills = 20

	recallFloor = 0.95
)

var processOptions = hannoy.Options{Dimensions: processDims, M: 8, EfConstruction: 60}

func processPool() [][]float32 { return fixture.Vectors(4000, processDims, 77) }

// batchChanges is what batch n changes: keys to numbers in the pool of vectors, -1
// deleting. So the sequence of an index says exactly what it must hold.
func batchChanges(n uint64, pool int) map[int]int {
	r := rand.New(rand.NewPCG(n, 99))
	changes := map[int]int{}
	for range 1 + r.IntN(60) {
		changes[r.IntN(processKeys)] = r.IntN(pool)
	}
	for range r.IntN(30) {
		changes[r.IntN(processKeys)] = -1
	}
	changes[processKeys] = r.IntN(pool) // so that no batch is without effect
	return changes
}

// writeForever commits batch after batch, builds now and then if it is to, and says
// what is acknowledged, until it is killed.
func writeForever(dir string, builds bool) {
	pool := processPool()
	ix, err := hannoy.Open(dir, &processOptions)
	fatal(err)
	for {
		s, err := ix.Stats()
		fatal(err)
		n := s.Sequence + 1
		_, err = ix.Update(ctx, func(b *hannoy.Batch) error {
			for k, at := range batchChanges(n, len(pool)) {
				if at < 0 {
					fatal(b.Delete(key(k)))
					continue
				}
				fatal(b.Put(key(k), pool[at], hannoy.Value(binary.BigEndian.AppendUint32(nil, uint32(at)))))
			}
			return nil
		})
		fatal(err)
		fmt.Println(n)
		if builds && n%4 == 0 {
			_, err := ix.Build(ctx, &hannoy.BuildOptions{CommitEvery: 5 * time.Millisecond})
			if !errors.Is(err, hannoy.ErrBusy) { // a compaction runs
				fatal(err)
			}
		}
	}
}

// compactForever compacts and builds a new graph by turns, until it is killed, and says how
// often.
func compactForever(dir string) {
	ix, err := hannoy.Open(dir, nil)
	fatal(err)
	for n, turn := 0, os.Getpid(); ; turn++ {
		if turn%2 == 0 {
			_, err = ix.Compact(ctx)
		} else {
			_, err = ix.Alter(ctx, &hannoy.AlterOptions{Rebuild: true})
		}
		if errors.Is(err, hannoy.ErrBusy) {
			continue // a build runs
		}
		fatal(err)
		n++
		fmt.Println(n)
	}
}

// readForever queries until its standard input ends and checks each answer against
// a scan of the same snapshot.
func readForever(dir string) {
	var stop atomic.Bool
	go func() {
		io.Copy(io.Discard, os.Stdin)
		stop.Store(true)
	}()
	pool := processPool()
	ix, err := hannoy.Open(dir, &hannoy.Options{ReadOnly: true})
	fatal(err)
	queries := fixture.Vectors(500, processDims, uint64(os.Getpid()))
	found, wanted := 0, 0
	var lastSequence uint64
	for i := 0; !stop.Load(); i++ {
		fatal(ix.View(func(s *hannoy.Snapshot) error {
			if s.Sequence() < lastSequence {
				return fmt.Errorf("sequence %d after %d", s.Sequence(), lastSequence)
			}
			lastSequence = s.Sequence()
			f, w, err := compareWithScan(s, pool, queries[i%len(queries)])
			found, wanted = found+f, wanted+w
			return err
		}))
		if i%50 == 49 {
			if r := float64(found) / float64(wanted); r < recallFloor {
				fatal(fmt.Errorf("recall is %v after %d queries", r, i+1))
			}
			fmt.Println(i + 1)
		}
	}
	fatal(ix.Close())
	fmt.Println("done")
	os.Exit(0)
}

// compareWithScan searches the snapshot, and compares with all its items.
func compareWithScan(s *hannoy.Snapshot, pool [][]float32, query []float32) (found, wanted int, err error) {
	const k = 10
	hits, err := s.Search(ctx, query, k, &hannoy.SearchOptions{Ef: 64, WithValues: true})
	if err != nil {
		return 0, 0, err
	}
	at := map[string]uint32{}
	var all []float64
	for item, err := range s.Items() {
		if err != nil {
			return 0, 0, err
		}
		n := binary.BigEndian.Uint32(item.Value)
		if !slices.Equal(item.Vector, pool[n]) {
			return 0, 0, fmt.Errorf("item %q holds another vector than it was given", item.Key)
		}
		at[string(item.Key)] = n
		all = append(all, fixture.Distance(hannoy.Euclidean, query, item.Vector))
	}
	nearest := fixture.Nearest(all, k)
	if len(hits) != len(nearest) || s.Len() != len(all) {
		return 0, 0, fmt.Errorf("%d hits and %d items, Len is %d", len(hits), len(all), s.Len())
	}
	for _, h := range hits {
		n, ok := at[string(h.Key)]
		if !ok || n != binary.BigEndian.Uint32(h.Value) {
			return 0, 0, fmt.Errorf("hit %q with value %x is no item of the snapshot", h.Key, h.Value)
		}
		d := fixture.Distance(hannoy.Euclidean, query, pool[n])
		if math.Abs(d-float64(h.Distance)) > 1e-3 {
			return 0, 0, fmt.Errorf("hit %q at distance %v, it is at %v", h.Key, h.Distance, d)
		}
		if d <= nearest[len(nearest)-1]*(1+1e-3) {
			found++
		}
	}
	return found, len(nearest), nil
}

// child is a copy of the test program at work.
type child struct {
	cmd    *exec.Cmd
	stdin  io.WriteCloser
	out    chan string
	errors strings.Builder
}

func start(t *testing.T, role, dir string) *child {
	t.Helper()
	c := &child{cmd: exec.Command(os.Args[0]), out: make(chan string, 1)}
	c.cmd.Env = append(os.Environ(), roleVariable+"="+role+":"+dir)
	c.cmd.Stderr = &c.errors
	var err error
	if c.stdin, err = c.cmd.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	stdout, err := c.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.cmd.Process.Kill() })
	go func() {
		all, _ := io.ReadAll(stdout)
		c.out <- string(all)
	}()
	return c
}

// wait waits for the child and returns what it printed.
func (c *child) wait() string {
	out := <-c.out
	c.cmd.Wait()
	return out
}

// lastNumber is the number on the last whole line.
func lastNumber(out string) (n uint64) {
	for s := bufio.NewScanner(strings.NewReader(out[:strings.LastIndex(out, "\n")+1])); s.Scan(); {
		fmt.Sscan(s.Text(), &n)
	}
	return n
}

func fatal(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
