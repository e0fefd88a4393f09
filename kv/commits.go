package kv

import (
	"encoding/binary"
	"os"
	"sync"
	"syscall"
	"time"
)

// commits remembers when commits were made, for LMDB does not: a file with the times
// of some, one a second, in a ring. It tells how long a reader has been holding pages
// back, and nothing depends on it: it is never synced, and whoever cannot write it does
// without.
type commits struct {
	path string

	mu    sync.Mutex
	file  *os.File // mu: nil until the first note
	noted int64    // mu: Unix time of the last note
	off   bool     // mu: the file cannot be written
}

const (
	commitBytes = 24   // u64 inode of the data file, u64 number, i64 Unix time
	commitRing  = 4096 // an hour and some minutes
)

// note writes down that the commit was made now.
func (c *commits) note(data fileID, commit uint64, now time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	second := now.Unix()
	if second == c.noted || c.off {
		return
	}
	c.noted = second
	if c.file == nil {
		f, err := os.OpenFile(c.path, os.O_WRONLY|os.O_CREATE|syscall.O_NOFOLLOW|syscall.O_CLOEXEC, 0o600)
		if err != nil {
			c.off = true
			return
		}
		c.file = f
	}
	ne := binary.NativeEndian
	entry := ne.AppendUint64(ne.AppendUint64(ne.AppendUint64(nil, data.ino), commit), uint64(second))
	if _, err := c.file.WriteAt(entry, second%commitRing*commitBytes); err != nil {
		c.off = true
	}
}

func (c *commits) close() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.off = true
	if c.file == nil {
		return nil
	}
	return c.file.Close()
}

// commitTimes are when commits of a data file were made.
type commitTimes map[uint64]time.Time

func (c *commits) read(data fileID) commitTimes {
	fi, err := os.Lstat(c.path)
	if err != nil || !fi.Mode().IsRegular() || fi.Size() > commitRing*commitBytes {
		return nil
	}
	all, err := os.ReadFile(c.path)
	if err != nil {
		return nil
	}
	times := commitTimes{}
	ne := binary.NativeEndian
	for ; len(all) >= commitBytes; all = all[commitBytes:] {
		if ne.Uint64(all) == data.ino {
			times[ne.Uint64(all[8:])] = time.Unix(int64(ne.Uint64(all[16:])), 0)
		}
	}
	return times
}

// after returns when the first commit after one, and up to the last, was made that is
// known of; the zero time if none is.
func (t commitTimes) after(commit, last uint64) (first time.Time) {
	for n, at := range t {
		if n > commit && n <= last && (first.IsZero() || at.Before(first)) {
			first = at
		}
	}
	return first
}
