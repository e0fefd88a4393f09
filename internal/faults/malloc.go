package main

import (
	"cmp"
	"debug/elf"
	"encoding/binary"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

// mallocShim is loaded before the C library: one call of malloc fails, of those that
// come from within LMDB.
const mallocShim = `
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/mman.h>

void *__libc_malloc(size_t), *__libc_calloc(size_t, size_t), *__libc_realloc(void *, size_t);

static char *low[4], *high[4];
static unsigned long at;
static _Atomic unsigned long *seen;

__attribute__((constructor)) static void begin(void) {
	int fd = open(getenv("FAULTS_COUNT"), O_RDWR | O_CLOEXEC);
	if (fd < 0) abort();
	seen = mmap(0, 8, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	char *text = getenv("FAULTS_TEXT");
	for (int i = 0; i < 4; i++) {
		low[i] = (char *)strtoul(text, &text, 0);
		high[i] = (char *)strtoul(text, &text, 0);
	}
	at = strtoul(getenv("FAULTS_AT"), 0, 0);
}

static int fails(void *from) {
	for (int i = 0; i < 4; i++) {
		if ((char *)from >= low[i] && (char *)from < high[i] && atomic_fetch_add(seen, 1) == at) {
			errno = ENOMEM;
			return 1;
		}
	}
	return 0;
}

void *malloc(size_t n) { return fails(__builtin_return_address(0)) ? 0 : __libc_malloc(n); }
void *calloc(size_t m, size_t n) { return fails(__builtin_return_address(0)) ? 0 : __libc_calloc(m, n); }
void *realloc(void *p, size_t n) { return fails(__builtin_return_address(0)) ? 0 : __libc_realloc(p, n); }
`

// mallocs lets one malloc within LMDB fail, in each trial another. What that fails must be
// told with an error that has a type; the work goes on behind it, and nothing acknowledged is
// lost.
func (c *campaign) mallocs(dir string, s *summary) error {
	t := &mallocTrials{callTrials{dir: filepath.Join(dir, "index"), model: model{work: &work{seed: c.seed, keys: 100}}}, nil}
	var err error
	if t.env, err = shim(dir); err != nil {
		s.Skipped = []string{err.Error()}
		return nil
	}
	if _, err := t.run(-1); err != nil {
		return err
	}
	s.Sites = t.seen
	order := random(c.seed, 0).Perm(s.Sites)
	for trial := c.from; trial < c.from+c.n && s.Sites > 0; trial++ {
		site := order[trial%s.Sites]
		d, err := t.run(site)
		outcome, text := t.outcome(d, err)
		s.count(trial, outcome, text)
		if c.verbose || outcome == wrong {
			fmt.Fprintln(os.Stderr, trial, outcome, site, text)
		}
	}
	return nil
}

type mallocTrials struct {
	callTrials
	env []string
}

// run runs the work from the beginning; malloc number site fails.
func (t *mallocTrials) run(site int) (*done, error) {
	count := t.dir + ".count"
	if err := os.RemoveAll(t.dir); err != nil {
		return nil, err
	}
	if err := os.WriteFile(count, make([]byte, 8), 0o600); err != nil {
		return nil, err
	}
	w := &worker{dir: t.dir, work: t.model.work, steps: callSteps, tolerant: true}
	w.env = append([]string{"FAULTS_COUNT=" + count, fmt.Sprintf("FAULTS_AT=%d", uint64(site))}, t.env...)
	d, err := w.run()
	if err != nil {
		return nil, err
	}
	seen, err := os.ReadFile(count)
	t.seen = int(binary.NativeEndian.Uint64(seen))
	return d, err
}

// shim makes the library and returns what it wants of the environment.
func shim(dir string) ([]string, error) {
	text, err := mdbText(os.Args[0])
	if err != nil {
		return nil, err
	}
	source, library := filepath.Join(dir, "shim.c"), filepath.Join(dir, "shim.so")
	if err := os.WriteFile(source, []byte(mallocShim), 0o600); err != nil {
		return nil, err
	}
	if out, err := exec.Command("cc", "-O2", "-shared", "-fPIC", "-o", library, source).CombinedOutput(); err != nil {
		return nil, fmt.Errorf("cc: %w: %s", err, out)
	}
	return []string{"LD_PRELOAD=" + library, "FAULTS_TEXT=" + text}, nil
}

// mdbText is where LMDB's code lies in a program: where the pieces begin and end.
func mdbText(program string) (string, error) {
	file, err := elf.Open(program)
	if err != nil {
		return "", err
	}
	defer file.Close()
	symbols, err := file.Symbols()
	if err != nil || file.Type != elf.ET_EXEC {
		return "", fmt.Errorf("%s (%v) does not say where LMDB's code lies (build it with go build): %w", program, file.Type, err)
	}
	symbols = slices.DeleteFunc(symbols, func(s elf.Symbol) bool {
		return !strings.HasPrefix(s.Name, "mdb_") || elf.ST_TYPE(s.Info) != elf.STT_FUNC
	})
	slices.SortFunc(symbols, func(a, b elf.Symbol) int { return cmp.Compare(a.Value, b.Value) })
	const gap = 1 << 14 // functions that gcc takes to be seldom called lie elsewhere
	text, end := "", uint64(0)
	for _, s := range symbols {
		if s.Value > end+gap {
			text += fmt.Sprintf(" %#x %#x", end, s.Value) // of the last piece the end, of this one the beginning
		}
		end = s.Value + s.Size
	}
	pieces := strings.Fields(fmt.Sprintf("%s %#x", text, end))
	if len(pieces) < 3 || len(pieces) > 9 {
		return "", fmt.Errorf("%s has LMDB's code in pieces: %s", program, pieces)
	}
	return strings.Join(pieces[1:], " "), nil
}
