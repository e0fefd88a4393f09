package place

import (
	"encoding/binary"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"time"
)

// Times remembers when commits were made, for LMDB does not: a file with the times
// of some, one a second, in a ring. It tells how long a reader has been holding pages
// back, and nothing depends on it: it is never synced, and whoever cannot write it does
// without.
type Times struct {
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

// TimesOf are those of the environment in a directory.
func TimesOf(dir string) *Times { return &Times{path: filepath.Join(dir, TimesFile)} }

// Note writes down that the commit was made now.
func (t *Times) Note(data FileID, commit uint64, now time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	second := now.Unix()
	if second == t.noted || t.off {
		return
	}
	t.noted = second
	if t.file == nil {
		f, err := os.OpenFile(t.path, os.O_WRONLY|os.O_CREATE|syscall.O_NOFOLLOW|syscall.O_CLOEXEC, 0o600)
		if err != nil {
			t.off = true
			return
		}
		t.file = f
	}
	ne := binary.NativeEndian
	entry := ne.AppendUint64(ne.AppendUint64(ne.AppendUint64(nil, data.ino), commit), uint64(second))
	if _, err := t.file.WriteAt(entry, second%commitRing*commitBytes); err != nil {
		t.off = true
	}
}

// Close ends the notes.
func (t *Times) Close() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.off = true
	if t.file == nil {
		return nil
	}
	return t.file.Close()
}

// CommitTimes are when commits of a data file were made.
type CommitTimes map[uint64]time.Time

// Read returns what was noted of the data file: nil if nothing can be read.
func (t *Times) Read(data FileID) CommitTimes {
	fi, err := os.Lstat(t.path)
	if err != nil || !fi.Mode().IsRegular() || fi.Size() > commitRing*commitBytes {
		return nil
	}
	all, err := os.ReadFile(t.path)
	if err != nil {
		return nil
	}
	times := CommitTimes{}
	ne := binary.NativeEndian
	for ; len(all) >= commitBytes; all = all[commitBytes:] {
		if ne.Uint64(all) == data.ino {
			times[ne.Uint64(all[8:])] = time.Unix(int64(ne.Uint64(all[16:])), 0)
		}
	}
	return times
}

// After returns when the first commit after one, and up to the last, was made that is
// known of; the zero time if none is.
func (t CommitTimes) After(commit, last uint64) (first time.Time) {
	for n, at := range t {
		if n > commit && n <= last && (first.IsZero() || at.Before(first)) {
			first = at
		}
	}
	return first
}
