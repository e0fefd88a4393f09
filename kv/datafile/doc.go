// Package datafile looks at the files of an environment without LMDB: whether they are such that
// LMDB may map them, whether a commit in them is sound, and what can still be read of damaged ones.
// It is told where they are, and which commit is meant.
package datafile

import "errors"

// The errors to branch on, beside codec.ErrCorrupt.
var (
	ErrNotFound = errors.New("not found")
	ErrNotIndex = errors.New("not a hannoy environment")
	ErrVersion  = errors.New("format version not supported")
	ErrInvalid  = errors.New("invalid argument")
	// ErrSuperseded is the error of Verify for a commit that two others have followed: the
	// root of its tree is not in the file any more.
	ErrSuperseded = errors.New("commits have followed")
)
