package datafile

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"github.com/hannoydb/hannoy/kv/place"
)

// Files are what an environment has in its directory.
var Files = [...]string{place.DataFile, place.LockFile, place.BuildFile, place.OpenFile, place.TimesFile}

// Inspect looks at the files of an environment before LMDB maps them, which dies
// of what it does not expect: it follows symbolic links, and a file shorter than
// its pages ends the process with SIGBUS. It returns the id of the data file, and must not run while this process has
// the environment open.
func Inspect(dir string) (place.FileID, error) {
	info, err := os.Stat(dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return place.FileID{}, fmt.Errorf("open %s: %w: no such directory", dir, ErrNotFound)
	case err != nil:
		return place.FileID{}, err
	case !info.IsDir():
		return place.FileID{}, fmt.Errorf("open %s: %w: it is a file, an index is a directory", dir, ErrNotIndex)
	}
	for _, name := range Files {
		path := filepath.Join(dir, name)
		fi, err := os.Lstat(path)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return place.FileID{}, err
		}
		if !fi.Mode().IsRegular() {
			return place.FileID{}, fmt.Errorf("open %s: %w: %s is not a regular file (symbolic links are refused: LMDB writes through them)", dir, ErrNotIndex, path)
		}
	}
	path := filepath.Join(dir, place.DataFile)
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NOFOLLOW, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return place.FileID{}, fmt.Errorf("open %s: %w: no index in this directory", dir, ErrNotFound)
	}
	if err != nil {
		return place.FileID{}, err
	}
	defer f.Close()
	return inspectData(f)
}

// inspectData checks both meta pages of a data file, and that it is as long as they
// say.
func inspectData(f *os.File) (place.FileID, error) {
	fi, err := f.Stat()
	if err != nil {
		return place.FileID{}, err
	}
	_, err = openPages(f)
	return place.IDOf(fi), err
}
