package kv

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"github.com/hannoydb/hannoy/codec"
)

// The files of an environment. LMDB fixes the first two names.
const (
	dataFile  = "data.mdb"
	lockFile  = "lock.mdb"
	buildFile = "build.lock" // held by the process that builds
	openFile  = "open.lock"  // held while files are opened, made and moved
)

// fileID tells files apart whatever their paths.
type fileID struct{ dev, ino uint64 }

func identify(path string) (fileID, error) {
	fi, err := os.Stat(path)
	if err != nil {
		return fileID{}, err
	}
	return idOf(fi), nil
}

func idOf(fi fs.FileInfo) fileID {
	st := fi.Sys().(*syscall.Stat_t)
	return fileID{uint64(st.Dev), st.Ino}
}

// inspect looks at the files of an environment before LMDB maps them, which dies
// of what it does not expect: it follows symbolic links, and a file shorter than
// its pages ends the process with SIGBUS. It must not run while this process has
// the environment open.
func inspect(dir string) (fileID, error) {
	info, err := os.Stat(dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fileID{}, fmt.Errorf("open %s: %w: no such directory", dir, ErrNotFound)
	case err != nil:
		return fileID{}, err
	case !info.IsDir():
		return fileID{}, fmt.Errorf("open %s: %w: it is a file, an index is a directory", dir, ErrNotIndex)
	}
	for _, name := range []string{dataFile, lockFile, buildFile, openFile} {
		path := filepath.Join(dir, name)
		fi, err := os.Lstat(path)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return fileID{}, err
		}
		if !fi.Mode().IsRegular() {
			return fileID{}, fmt.Errorf("open %s: %w: %s is not a regular file (symbolic links are refused: LMDB writes through them)", dir, ErrNotIndex, path)
		}
	}
	path := filepath.Join(dir, dataFile)
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NOFOLLOW, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return fileID{}, fmt.Errorf("open %s: %w: no index in this directory", dir, ErrNotFound)
	}
	if err != nil {
		return fileID{}, err
	}
	defer f.Close()
	return inspectData(f)
}

// The fields of LMDB's meta pages (mdb.c, MDB_meta, 64-bit) that inspectData reads.
const (
	metaMagicOffset    = 16
	metaVersionOffset  = 20
	metaPageSizeOffset = 40 // md_pad of the free list's MDB_db
	metaLastPageOffset = 16 + 4 + 4 + 8 + 8 + 2*48
	metaBytes          = metaLastPageOffset + 16
	lmdbMagic          = 0xBEEFC0DE
	lmdbDataVersion    = 1
)

// pageSize is the size of LMDB's pages on this machine: the system's, but no more
// than LMDB's offsets of 16 bits can address.
func pageSize() int64 { return int64(min(os.Getpagesize(), 1<<15)) }

// inspectData checks that a data file has two meta pages of the LMDB version that
// we link and is as long as the newer of them says.
func inspectData(f *os.File) (fileID, error) {
	fi, err := f.Stat()
	if err != nil {
		return fileID{}, err
	}
	id := idOf(fi)
	ne := binary.NativeEndian
	meta := make([]byte, metaBytes)
	if _, err := f.ReadAt(meta, 0); err != nil {
		return id, fmt.Errorf("open %s: %w: the file has %d bytes (%w)", f.Name(), ErrNotIndex, fi.Size(), io.ErrUnexpectedEOF)
	}
	if ne.Uint32(meta[metaMagicOffset:]) != lmdbMagic {
		return id, fmt.Errorf("open %s: %w: not an LMDB file", f.Name(), ErrNotIndex)
	}
	if v := ne.Uint32(meta[metaVersionOffset:]); v != lmdbDataVersion {
		return id, fmt.Errorf("open %s: %w: LMDB data version %d, this program reads %d", f.Name(), ErrVersion, v, lmdbDataVersion)
	}
	size := int64(ne.Uint32(meta[metaPageSizeOffset:]))
	if size < 512 || size > 65536 || size&(size-1) != 0 {
		return id, fmt.Errorf("open %s: page size %d: %w", f.Name(), size, codec.ErrCorrupt)
	}
	if size != pageSize() {
		return id, fmt.Errorf("open %s: %w: written with pages of %d bytes, this machine has %d", f.Name(), ErrVersion, size, pageSize())
	}
	lastPage, txn := ne.Uint64(meta[metaLastPageOffset:]), ne.Uint64(meta[metaLastPageOffset+8:])
	if _, err := f.ReadAt(meta, size); err != nil {
		return id, fmt.Errorf("open %s: %d bytes, the second meta page is missing (truncated file): %w", f.Name(), fi.Size(), codec.ErrCorrupt)
	}
	if ne.Uint32(meta[metaMagicOffset:]) != lmdbMagic {
		return id, fmt.Errorf("open %s: no magic in the second meta page: %w", f.Name(), codec.ErrCorrupt)
	}
	if ne.Uint64(meta[metaLastPageOffset+8:]) > txn {
		lastPage = ne.Uint64(meta[metaLastPageOffset:])
	}
	if need := (lastPage + 1) * uint64(size); lastPage > 1<<50 || uint64(fi.Size()) < need {
		// Another process may be growing it: LMDB writes pages before the meta page, so
		// a file shorter than its committed meta page says is always damage.
		return id, fmt.Errorf("open %s: %d bytes, its pages need %d (truncated file): %w", f.Name(), fi.Size(), need, codec.ErrCorrupt)
	}
	return id, nil
}
