package kv

import (
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/hannoydb/hannoy/codec"
)

// A value that reaches behind the end of the mapped file is damage and not a signal.
func TestWithinFile(t *testing.T) {
	page := os.Getpagesize()
	f, err := os.Create(filepath.Join(t.TempDir(), "mapped"))
	must(t, err)
	defer f.Close()
	must(t, f.Truncate(int64(page)))
	mapping, err := syscall.Mmap(int(f.Fd()), 0, 4*page, syscall.PROT_READ, syscall.MAP_SHARED)
	must(t, err)
	defer func() { must(t, syscall.Munmap(mapping)) }()
	for _, test := range []struct {
		from, to int
		sound    bool
	}{{0, 0, true}, {0, page, true}, {page - 1, page, true}, {page - 1, page + 1, false}, {0, 4 * page, false}, {2 * page, 3 * page, false}} {
		err := withinFile(mapping[test.from:test.to])
		if test.sound != (err == nil) || err != nil && !errors.Is(err, codec.ErrCorrupt) {
			t.Errorf("bytes %d to %d of a file of %d: %v", test.from, test.to, page, err)
		}
	}
	if _, err := openValue(testKey(1), mapping[:2*page]); !errors.Is(err, codec.ErrCorrupt) {
		t.Errorf("openValue = %v", err)
	}
}
