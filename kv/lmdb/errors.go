package lmdb

import (
	"errors"
	"syscall"
)

// Is reports whether an error of the binding, as it returns it, is this one of LMDB: it is asked of
// every key that is not there.
func Is(err error, want Errno) bool {
	op, ok := err.(*OpError)
	return ok && op.Errno == want
}

// IsSystem reports whether an error is, or wraps, this one of the system by way of LMDB.
func IsSystem(err error, want syscall.Errno) bool {
	var op *OpError
	return errors.As(err, &op) && op.Errno == want
}
