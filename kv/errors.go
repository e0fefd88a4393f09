package kv

import (
	"errors"
	"fmt"
	"io/fs"
	"syscall"

	"github.com/hannoydb/hannoy/codec"
	"github.com/hannoydb/hannoy/kv/datafile"
	"github.com/hannoydb/hannoy/kv/lmdb"
)

// The errors that callers branch on with errors.Is. Messages carry the values and,
// where there is one, the remedy.
var (
	ErrNotFound    = datafile.ErrNotFound
	ErrNotIndex    = datafile.ErrNotIndex
	ErrVersion     = datafile.ErrVersion
	ErrSuperseded  = datafile.ErrSuperseded
	ErrInvalid     = datafile.ErrInvalid
	ErrMapFull     = errors.New("memory map full")
	ErrReadersFull = errors.New("reader table full")
	ErrDiskFull    = errors.New("disk full")
	ErrReadOnly    = errors.New("opened read-only")
	ErrBusy        = errors.New("in use")
	ErrClosed      = errors.New("closed")
	ErrMismatch    = errors.New("contradicts what is stored")
)

// translate gives an error of the binding, or of the file system, its type.
// doing says what was attempted: "open /data/photos".
func (e *Env) translate(doing string, err error) error {
	if err == nil {
		return nil
	}
	var op *lmdb.OpError
	if !errors.As(err, &op) {
		return err
	}
	switch op.Errno {
	case lmdb.NotFound:
		return fmt.Errorf("%s: %w", doing, ErrNotFound)
	case lmdb.MapFull:
		return fmt.Errorf("%s: %w (reserved %d bytes of address space; open with a larger map size)", doing, ErrMapFull, e.mapSizeBytes.Load())
	case lmdb.ReadersFull:
		return fmt.Errorf("%s: %w (%d slots; close readers, or recreate the lock file with a larger number when nobody has the index open)", doing, ErrReadersFull, e.maxReaders.Load())
	case lmdb.VersionMismatch:
		return fmt.Errorf("%s: %w: the file is of another LMDB version (%w)", doing, ErrVersion, ErrNotIndex)
	case lmdb.Invalid:
		return fmt.Errorf("%s: %w: not an LMDB file", doing, ErrNotIndex)
	case lmdb.MapResized:
		return fmt.Errorf("%s: %w: another process grew the file beyond this one's %d bytes of address space (reopen with a larger map size)", doing, ErrMapFull, e.mapSizeBytes.Load())
	case lmdb.Panic:
		return fmt.Errorf("%s: an earlier commit was not written to its end: %w (the last that was stands: close the index and open it again)", doing, syscall.EIO)
	case lmdb.Corrupted, lmdb.PageNotFound:
		return fmt.Errorf("%s: LMDB says %v: %w (run check; restore a backup or repair)", doing, op.Errno, codec.ErrCorrupt)
	case syscall.ENOSPC, syscall.EDQUOT:
		return fmt.Errorf("%s: %w (the last commit stands; free space and try again)", doing, ErrDiskFull)
	case syscall.EIO:
		// A short write on a full file system arrives as EIO.
		if e.diskIsFull() {
			return fmt.Errorf("%s: %w (the last commit stands; free space and try again)", doing, ErrDiskFull)
		}
	case syscall.EACCES, syscall.EPERM:
		return fmt.Errorf("%s: %w (the data and the lock file must be readable, and the lock file writable, even for readers)", doing, fs.ErrPermission)
	case syscall.EROFS:
		return fmt.Errorf("%s: %w: the file system is read-only (mount it for writing, or write a copy elsewhere with compact --output)", doing, ErrReadOnly)
	}
	// The binding's own error does not wrap the number.
	return fmt.Errorf("%s: %s: %w", doing, op.Op, op.Errno)
}

func (e *Env) diskIsFull() bool {
	const room = 1 << 20 // bytes: less is full for a commit
	free, err := e.DiskFree()
	return err == nil && free < room
}

// DiskFree is how many bytes the file system of the environment has for others than root.
func (e *Env) DiskFree() (int64, error) {
	var st syscall.Statfs_t
	err := syscall.Statfs(e.dir, &st)
	return int64(st.Bavail) * int64(st.Bsize), err
}
