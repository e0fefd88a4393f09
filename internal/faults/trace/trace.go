// Package trace runs a program and stops it at the system calls by which it changes the
// files of a directory: to look at them, to let them fail, or to kill it there.
package trace

import "syscall"

// Action is what becomes of a system call of a traced process; nothing, if it is zero.
type Action struct {
	Kill  bool          // the process, instead
	Errno syscall.Errno // fail with it
	Short bool          // write only half of it
}

// Stdout is the path of calls that write to the standard output.
const Stdout = "stdout"
