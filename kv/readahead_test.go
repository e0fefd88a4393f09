package kv

import (
	"os"
	"runtime"
	"strings"
	"testing"

	"github.com/hannoydb/hannoy/codec"
	"github.com/hannoydb/hannoy/kv/place"
)

// A data file that is larger than memory is mapped without readahead.
func TestAdviseRandom(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("memory maps are looked up in /proc")
	}
	if n := memoryBytes(); n < 1<<20 {
		t.Fatalf("memory of %d bytes", n)
	}
	defer func(f func() int64) { memoryBytes = f }(memoryBytes)
	usual := memoryBytes
	for name, next := range map[string]func(env *Env, base *Snapshot) error{
		"a snapshot that is asked for": func(env *Env, base *Snapshot) error {
			base.Release()
			s, err := env.Acquire()
			if err == nil {
				s.Release()
			}
			return err
		},
		"a snapshot that readers are moved to": func(env *Env, base *Snapshot) error {
			env.refresh(base, true)
			return nil
		},
	} {
		memoryBytes = usual
		env, err := Open(t.TempDir(), Options{Create: true, MapSizeBytes: 1 << 30})
		if err != nil {
			t.Fatal(err)
		}
		base, err := env.Acquire()
		if err != nil {
			t.Fatal(err)
		}
		if readsRandomly(t, env) {
			t.Error("a small file is read without readahead")
		}
		memoryBytes = func() int64 { return 1 }
		err = env.Update(t.Context(), func(txn *Txn) error { return txn.Put(codec.NameKey("a"), make([]byte, 100_000)) })
		if err == nil {
			err = next(env, base)
		}
		if err != nil {
			t.Fatal(err)
		}
		if !readsRandomly(t, env) {
			t.Errorf("%s: a large file is read with readahead", name)
		}
		if err := env.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// readsRandomly reports whether the kernel has the flag "random read" for the map.
func readsRandomly(t *testing.T, env *Env) bool {
	t.Helper()
	maps, err := os.ReadFile("/proc/self/smaps")
	if err != nil {
		t.Fatal(err)
	}
	mine, found := false, false
	for line := range strings.Lines(string(maps)) {
		switch {
		case strings.Contains(line, env.Dir()):
			mine, found = strings.Contains(line, place.DataFile), true
		case mine && strings.HasPrefix(line, "VmFlags:"):
			return strings.Contains(line, " rr")
		}
	}
	if !found {
		t.Fatal("the map is not there")
	}
	return false
}
