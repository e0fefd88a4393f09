package main

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"github.com/hannoydb/hannoy"
	"github.com/hannoydb/hannoy/internal/fixture"
)

// memoryGroups is where control groups of memory are made (version 1).
const memoryGroups = "/sys/fs/cgroup/memory"

// memory lets a process put, build, search, replace and check ten times as much as the
// control group that it is in may hold in memory. It must finish, or fail with an error that
// has a type.
func (c *campaign) memory(dir string, s *summary) error {
	var system syscall.Statfs_t
	if err := syscall.Statfs(dir, &system); err != nil || int64(system.Type) == 0x01021994 {
		s.Skipped = []string{fmt.Sprintf("%s is in memory itself, or not to be asked: %v (set TMPDIR to a directory on a disk)", dir, err)}
		return nil
	}
	for trial := c.from; trial < c.from+c.n; trial++ {
		at := filepath.Join(dir, strconv.Itoa(trial))
		outcome, text, err := c.tryGroup(at, trial)
		if errors.Is(err, errNoGroups) {
			s.Skipped = []string{err.Error()}
			return nil
		}
		if err = errors.Join(err, os.RemoveAll(at)); err != nil {
			return err
		}
		s.count(trial, outcome, text)
		if c.verbose {
			fmt.Fprintln(os.Stderr, trial, outcome, text)
		}
	}
	return nil
}

var errNoGroups = errors.New("no control groups of memory can be made here (needs root and version 1)")

func (c *campaign) tryGroup(dir string, trial int) (outcome, text string, err error) {
	group := filepath.Join(memoryGroups, "hannoy-faults-"+strconv.Itoa(os.Getpid()))
	if err := os.Mkdir(group, 0o755); err != nil {
		return "", "", fmt.Errorf("%w: %w", errNoGroups, err)
	}
	defer os.Remove(group)
	if err := os.WriteFile(filepath.Join(group, "memory.limit_in_bytes"), strconv.AppendInt(nil, int64(c.limit)<<20, 10), 0); err != nil {
		return "", "", fmt.Errorf("%w: %w", errNoGroups, err)
	}
	cmd := exec.Command(os.Args[0], "store", dir, strconv.FormatUint(c.seed+uint64(trial), 10), strconv.Itoa(c.limit), group)
	cmd.Env = append(os.Environ(), childVariable+"=1", "GOMEMLIMIT="+strconv.Itoa(c.limit/4)+"MiB")
	out, err := cmd.CombinedOutput()
	last := strings.TrimSpace(string(out))
	var exit *exec.ExitError
	switch {
	case err == nil && last == "done":
		return right, "", nil
	case errors.As(err, &exit) && exit.ExitCode() == failed && strings.HasPrefix(last, "typed "):
		return refused, last, nil
	}
	return wrong, fmt.Sprintf("%v: %s", err, last), nil
}

const (
	storeDims    = 1024     // 4 KiB a vector: together more than memory, too
	storeValue   = 28 << 10 // bytes
	storeBatch   = 64
	storeQueries = 8
)

// serveStore is the child of a control group: store DIR SEED LIMIT GROUP.
func serveStore(args []string) error {
	if len(args) != 4 {
		return fmt.Errorf("store of %d arguments", len(args))
	}
	seed, _ := strconv.ParseUint(args[1], 10, 64)
	limit, _ := strconv.Atoi(args[2])
	if err := os.WriteFile(filepath.Join(args[3], "cgroup.procs"), strconv.AppendInt(nil, int64(os.Getpid()), 10), 0); err != nil {
		return err
	}
	st := &store{seed: seed, version: make([]int, 10*limit<<20/(4*storeDims+storeValue)), budget: int64(limit) << 20 / 8}
	err := st.run(args[0])
	if err == nil {
		fmt.Println("done")
		return nil
	}
	kind := "bare"
	if hasType(err) {
		kind = "typed"
	}
	fmt.Println(kind, err)
	return err
}

// store is an index that is larger than memory.
type store struct {
	seed    uint64
	version []int // of each row; -1: deleted
	budget  int64 // bytes, of a build
}

func (st *store) vector(row int) []float32 {
	r := rand.New(rand.NewPCG(st.seed<<20+uint64(row), uint64(st.version[row])))
	v := make([]float32, storeDims)
	for i := range v {
		v[i] = r.Float32() - 0.5
	}
	return v
}

func (st *store) value(row int) []byte {
	return bytes.Repeat([]byte{byte(row), byte(row >> 8), byte(st.version[row])}, storeValue/3)
}

func (st *store) run(dir string) error {
	ix, err := hannoy.Open(dir, &hannoy.Options{Dimensions: storeDims, M: 6, EfConstruction: 24})
	if err != nil {
		return err
	}
	rows := make([]int, len(st.version))
	for i := range rows {
		rows[i] = i
	}
	r := random(st.seed, 0)
	changed := r.Perm(len(rows))[:len(rows)/10]
	half := len(changed) / 2
	if err = st.put(ix, rows); err == nil {
		for i, row := range changed {
			if st.version[row] = 1; i < half {
				st.version[row] = -1
			}
		}
		err = st.put(ix, changed)
	}
	for i := 0; i < storeQueries && err == nil; i++ {
		err = st.ask(ix, r, i == 0)
	}
	if err == nil {
		var report *hannoy.CheckReport
		if report, err = ix.Check(ctx); err == nil && !report.Sound {
			err = fmt.Errorf("check: %+v", report)
		}
	}
	return errors.Join(err, ix.Close())
}

// put puts or deletes the rows, and builds.
func (st *store) put(ix *hannoy.Index, rows []int) error {
	for batch := range slices.Chunk(rows, storeBatch) {
		_, err := ix.Update(ctx, func(b *hannoy.Batch) error {
			for _, row := range batch {
				if st.version[row] < 0 {
					if err := b.Delete(key(row)); err != nil {
						return err
					}
				} else if err := b.Put(key(row), st.vector(row), hannoy.Value(st.value(row))); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	_, err := ix.Build(ctx, &hannoy.BuildOptions{MemoryBudget: st.budget})
	return err
}

// ask asks for what is near to a row, and compares the answer with the vectors that were put.
func (st *store) ask(ix *hannoy.Index, r *rand.Rand, exact bool) error {
	row := r.IntN(len(st.version))
	for st.version[row] < 0 {
		row = r.IntN(len(st.version))
	}
	query := st.vector(row)
	for i := range query {
		query[i] += r.Float32() / 10
	}
	hits, err := ix.Search(ctx, query, 10, &hannoy.SearchOptions{Exact: exact, WithValues: true})
	if err != nil {
		return err
	}
	if len(hits) != 10 || exact && string(hits[0].Key) != string(key(row)) {
		return fmt.Errorf("%d hits near row %d, %q first", len(hits), row, hits[0].Key)
	}
	for _, h := range hits {
		at, err := strconv.Atoi(string(h.Key))
		if err != nil || at >= len(st.version) || st.version[at] < 0 || !bytes.Equal(h.Value, st.value(at)) {
			return fmt.Errorf("hit %q is not there, or has another value", h.Key)
		}
		if d := fixture.Distance(hannoy.Euclidean, query, st.vector(at)); math.Abs(d-float64(h.Distance)) > 1e-3*d {
			return fmt.Errorf("hit %q at distance %v, it is at %v", h.Key, h.Distance, d)
		}
	}
	return nil
}
