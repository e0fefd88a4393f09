package kv

import (
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/hannoydb/hannoy/codec"
)

// withinFile returns an error that wraps codec.ErrCorrupt if the value, which LMDB says
// lies in the memory map, reaches behind the end of the file: LMDB does not look where a
// damaged page leads, and who reads there gets a signal that ends the process.
//
// Two bytes tell, for what is between them is within the file if they are. What LMDB's C
// code itself follows is not covered; see OpenUntrusted.
func withinFile(value []byte) (err error) {
	if len(value) == 0 {
		return nil
	}
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer recoverFault(&err)
	readEnds(value)
	return nil
}

// readEnds reads what only a call that is not inlined is sure to read.
//
//go:noinline
func readEnds(value []byte) byte { return value[0] ^ value[len(value)-1] }

// openValue is codec.Open for a value of which nobody has made sure that it lies within the
// file.
func openValue(key, value []byte) (body []byte, err error) {
	if err := withinFile(value); err != nil {
		return nil, fmt.Errorf("record %s: %w", codec.FormatKey(key), err)
	}
	return codec.Open(key, value)
}

// opened is fn called with bodies, for a function that calls with values.
func opened(fn func(key, body []byte) error) func(key, value []byte) error {
	return func(key, value []byte) error {
		body, err := openValue(key, value)
		if err != nil {
			return err
		}
		return fn(key, body)
	}
}

func recoverFault(err *error) {
	switch r := recover().(type) {
	case nil:
	case interface {
		runtime.Error
		Addr() uintptr
	}:
		*err = fmt.Errorf("value at %#x of the memory map, behind the end of the file: %w", r.Addr(), codec.ErrCorrupt)
	default:
		panic(r)
	}
}
