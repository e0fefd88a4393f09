// Package place is the directory of an environment as the file system has it: the names of
// its files, who may use it, the locks on it, when commits were made in it, and how much
// memory there is for it. It does not know LMDB, and opens no file that LMDB opens.
package place

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// The files of an environment. LMDB fixes the first two names.
const (
	DataFile  = "data.mdb"
	LockFile  = "lock.mdb"
	BuildFile = "build.lock" // held by the process that builds
	OpenFile  = "open.lock"  // held while files are opened, made and moved
	TimesFile = "times"      // when commits were made
)

// The directories, within that of an environment, of others in the making begin with these.
const (
	NurseryPrefix   = ".create-"
	SuccessorPrefix = ".successor-"
)

// NamesSuccessor reports whether a record may name this directory: one within its own.
func NamesSuccessor(name string) bool {
	return filepath.Base(name) == name && strings.HasPrefix(name, SuccessorPrefix)
}

// FileID tells files apart whatever their paths.
type FileID struct{ dev, ino uint64 }

// Identify returns the id of the file, or directory, that a path leads to.
func Identify(path string) (FileID, error) {
	fi, err := os.Stat(path)
	if err != nil {
		return FileID{}, err
	}
	return IDOf(fi), nil
}

// IDOf is Identify for a file that was looked at.
func IDOf(fi fs.FileInfo) FileID {
	st := fi.Sys().(*syscall.Stat_t)
	return FileID{uint64(st.Dev), st.Ino}
}

// Sync makes names in a directory durable.
func Sync(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Sync()
}
