package hannoy

import (
	"fmt"

	"github.com/hannoydb/hannoy/codec"
	"github.com/hannoydb/hannoy/kv"
	"github.com/hannoydb/hannoy/kv/lease"
)

// The errors to branch on with errors.Is. The messages carry the values and, where
// there is one, the remedy.
var (
	// ErrNotFound: no such directory, index or key.
	ErrNotFound = kv.ErrNotFound
	// ErrInvalid: an argument that cannot be right, such as a vector with NaN or k = 0.
	ErrInvalid = kv.ErrInvalid
	// ErrMismatch: an option that contradicts the stored index.
	ErrMismatch = kv.ErrMismatch
	// ErrCorrupt: damaged data.
	ErrCorrupt = codec.ErrCorrupt
	// ErrNotIndex: the path is a file, or the LMDB environment of another program.
	ErrNotIndex = kv.ErrNotIndex
	// ErrVersion: the file's format is newer, or its pages are of another size.
	ErrVersion = kv.ErrVersion
	// ErrReadOnly: a write through an index opened for reading.
	ErrReadOnly = kv.ErrReadOnly
	// ErrBusy: another build runs, or the directory is open in the other mode.
	ErrBusy = kv.ErrBusy
	// ErrMapFull: the reserved address space is used up. The last commit stands.
	ErrMapFull = kv.ErrMapFull
	// ErrReadersFull: all reader slots are taken.
	ErrReadersFull = kv.ErrReadersFull
	// ErrDiskFull: no room on the file system. The last commit stands.
	ErrDiskFull = kv.ErrDiskFull
	// ErrExpired: the snapshot is older than Options.MaxSnapshotAge allows.
	ErrExpired = lease.ErrExpired
	// ErrClosed: the index was closed, or the View of a snapshot has returned.
	ErrClosed = kv.ErrClosed
)

// DimensionError says that a vector has not as many numbers, or bits, as its index.
// It is an ErrInvalid.
type DimensionError struct {
	Index     string
	Got, Want int
}

// Error names both lengths, and the index.
func (e *DimensionError) Error() string {
	return fmt.Sprintf("vector has %d dimensions, index %q has %d", e.Got, e.Index, e.Want)
}

// Unwrap makes errors.Is find ErrInvalid.
func (e *DimensionError) Unwrap() error { return ErrInvalid }
