package kv

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"github.com/hannoydb/hannoy/codec"
	"github.com/hannoydb/hannoy/kv/pages"
	"github.com/hannoydb/hannoy/kv/place"
)

// ownFiles are what an environment has in its directory.
var ownFiles = [...]string{place.DataFile, place.LockFile, place.BuildFile, place.OpenFile, place.TimesFile}

// inspect looks at the files of an environment before LMDB maps them, which dies
// of what it does not expect: it follows symbolic links, and a file shorter than
// its pages ends the process with SIGBUS. It must not run while this process has
// the environment open.
func inspect(dir string) (place.FileID, error) {
	info, err := os.Stat(dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return place.FileID{}, fmt.Errorf("open %s: %w: no such directory", dir, ErrNotFound)
	case err != nil:
		return place.FileID{}, err
	case !info.IsDir():
		return place.FileID{}, fmt.Errorf("open %s: %w: it is a file, an index is a directory", dir, ErrNotIndex)
	}
	for _, name := range ownFiles {
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

// pageSize is the size of LMDB's pages on this machine: the system's, but no more
// than LMDB's offsets of 16 bits can address.
func pageSize() int64 { return int64(min(os.Getpagesize(), 1<<15)) }

// dataSource is an open data file as package pages reads it. It may be open beside
// LMDB in this process: LMDB locks the lock file and nothing else.
type dataSource struct{ *os.File }

// Size implements pages.Source.
func (d dataSource) Size() int64 {
	fi, err := d.Stat()
	if err != nil {
		return 0
	}
	return fi.Size()
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

// openPages opens a data file by page. Another process may be writing a meta page at
// this moment, so what looks like damage is looked at again.
func openPages(f *os.File) (*pages.File, error) {
	for attempt := time.Duration(1); ; attempt++ {
		p, err := pages.Open(dataSource{f}, pageSize())
		switch {
		case errors.Is(err, codec.ErrCorrupt) && attempt < 5:
			time.Sleep(attempt * attempt * time.Millisecond)
			continue
		case errors.Is(err, pages.ErrForeign):
			err = fmt.Errorf("%w: %w", ErrNotIndex, err)
		case errors.Is(err, pages.ErrVersion):
			err = fmt.Errorf("%w: %w", ErrVersion, err)
		}
		if err != nil {
			return nil, fmt.Errorf("open %s: %w", f.Name(), err)
		}
		return p, nil
	}
}
