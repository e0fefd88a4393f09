package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// tracedCalls are the system calls by which a process changes files, and mmap.
var tracedCalls = map[uint64]string{
	unix.SYS_WRITE: "write", unix.SYS_PWRITE64: "pwrite", unix.SYS_WRITEV: "writev", unix.SYS_PWRITEV: "pwritev",
	unix.SYS_FSYNC: "fsync", unix.SYS_FDATASYNC: "fdatasync", unix.SYS_FTRUNCATE: "ftruncate",
	unix.SYS_OPENAT: "openat", unix.SYS_OPEN: "open", unix.SYS_MMAP: "mmap",
	unix.SYS_RENAMEAT: "renameat", unix.SYS_RENAME: "rename", unix.SYS_LINKAT: "linkat", unix.SYS_LINK: "link",
	unix.SYS_UNLINKAT: "unlinkat", unix.SYS_UNLINK: "unlink", unix.SYS_RMDIR: "rmdir",
	unix.SYS_MKDIRAT: "mkdirat", unix.SYS_MKDIR: "mkdir",
}

// askToBeTraced makes the kernel stop this process at the traced calls, if another
// traces it.
func askToBeTraced() error {
	const number, trace, allow = 0, 0x7ff00000, 0x7fff0000
	filter := []unix.SockFilter{{Code: unix.BPF_LD | unix.BPF_W | unix.BPF_ABS, K: number}}
	for nr := range tracedCalls {
		filter = append(filter,
			unix.SockFilter{Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, Jf: 1, K: uint32(nr)},
			unix.SockFilter{Code: unix.BPF_RET | unix.BPF_K, K: trace})
	}
	filter = append(filter, unix.SockFilter{Code: unix.BPF_RET | unix.BPF_K, K: allow})
	program := unix.SockFprog{Len: uint16(len(filter)), Filter: &filter[0]}
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return err
	}
	const setFilter, allThreads = 1, 1
	_, _, errno := unix.Syscall(unix.SYS_SECCOMP, setFilter, allThreads, uintptr(unsafe.Pointer(&program)))
	runtime.KeepAlive(filter)
	if errno != 0 {
		return fmt.Errorf("seccomp: %w", errno)
	}
	return nil
}

// call is a system call of the traced process that concerns the directory under trial,
// or its standard output.
type call struct {
	name string
	tid  int
	path string // of what it is about; the old one of rename and link
	to   string // the new path of rename and link
	regs unix.PtraceRegs
	ret  int64
}

// arg is an argument of the call.
func (c *call) arg(i int) uint64 {
	return [6]uint64{c.regs.Rdi, c.regs.Rsi, c.regs.Rdx, c.regs.R10, c.regs.R8, c.regs.R9}[i]
}

// tracer runs a program and stops it at each traced call in dir.
type tracer struct {
	dir   string
	enter func(c *call) action // before the call
	leave func(c *call) error  // behind it; nil: not wanted
	hung  atomic.Bool          // it was killed because it took too long

	pid  int
	fail error
}

// run runs the program to its end. It fails where processes cannot be traced.
func (t *tracer) run(args []string, stdout, stderr *os.File) (unix.WaitStatus, error) {
	// All requests must come from the thread that has begun the process.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	null, err := os.Open(os.DevNull)
	if err != nil {
		return 0, err
	}
	defer null.Close()
	t.pid, err = syscall.ForkExec(args[0], args, &syscall.ProcAttr{
		Env:   append(os.Environ(), childVariable+"=1"),
		Files: []uintptr{null.Fd(), stdout.Fd(), stderr.Fd()},
		Sys:   &syscall.SysProcAttr{Ptrace: true},
	})
	if err != nil {
		return 0, err
	}
	watch := time.AfterFunc(longPatience, func() { t.hung.Store(true); _ = unix.Kill(t.pid, unix.SIGKILL) })
	defer watch.Stop()
	var status unix.WaitStatus
	if _, err := unix.Wait4(t.pid, &status, unix.WALL, nil); err != nil || !status.Stopped() {
		return status, fmt.Errorf("child to be traced: status %x, %w", status, err)
	}
	options := unix.PTRACE_O_TRACECLONE | unix.PTRACE_O_TRACESECCOMP | unix.PTRACE_O_TRACESYSGOOD | unix.PTRACE_O_EXITKILL
	if err := errors.Join(unix.PtraceSetOptions(t.pid, options), unix.PtraceCont(t.pid, 0)); err != nil {
		_ = unix.Kill(t.pid, unix.SIGKILL)
		return 0, err
	}
	return t.loop()
}

// loop serves the stops of all threads until the process ends.
func (t *tracer) loop() (unix.WaitStatus, error) {
	threads := map[int]*call{t.pid: nil} // and the call that each is in
	for {
		var status unix.WaitStatus
		tid, err := unix.Wait4(-1, &status, unix.WALL|unix.WNOTHREAD, nil)
		if errors.Is(err, unix.EINTR) {
			continue
		}
		if err != nil {
			return status, err
		}
		if status.Exited() || status.Signaled() {
			delete(threads, tid)
			if tid == t.pid {
				return status, t.fail
			}
			continue
		}
		in, known := threads[tid]
		signal := 0
		switch s := status.StopSignal(); {
		case s == unix.SIGTRAP|0x80: // behind a call
			threads[tid] = nil
			t.left(in)
		case s == unix.SIGTRAP && status.TrapCause() == unix.PTRACE_EVENT_SECCOMP:
			if c := t.entered(tid); c != nil {
				threads[tid] = c
				_ = unix.PtraceSyscall(tid, 0) // fails if it was killed
				continue
			}
		case s == unix.SIGTRAP: // a new thread, or exec
		case s == unix.SIGSTOP && !known: // how a thread begins
		default:
			signal = int(s)
		}
		if !known {
			threads[tid] = nil
		}
		_ = unix.PtraceCont(tid, signal)
	}
}

// entered looks at a call before it is made. It returns it if it is to be looked at
// again behind it.
func (t *tracer) entered(tid int) *call {
	c := &call{tid: tid}
	if err := unix.PtraceGetRegs(tid, &c.regs); err != nil {
		return nil
	}
	c.name = tracedCalls[c.regs.Orig_rax]
	if !t.locate(c) {
		return nil
	}
	act := t.enter(c)
	changed := c.regs
	switch {
	case act.kill:
		_ = unix.Kill(t.pid, unix.SIGKILL)
		return nil
	case act.errno != 0:
		changed.Orig_rax = ^uint64(0) // no call
		changed.Rax = uint64(-int64(act.errno))
	case act.short && (c.name == "writev" || c.name == "pwritev") && c.arg(2) > 1:
		changed.Rdx /= 2
	case act.short && strings.Contains(c.name, "write") && !strings.HasSuffix(c.name, "v"):
		changed.Rdx = (changed.Rdx + 1) / 2
	}
	if changed != c.regs {
		t.keep(unix.PtraceSetRegs(tid, &changed))
		return nil
	}
	if t.leave == nil {
		return nil
	}
	return c
}

func (t *tracer) left(c *call) {
	if c == nil {
		return
	}
	var regs unix.PtraceRegs
	if err := unix.PtraceGetRegs(c.tid, &regs); err != nil {
		return // killed meanwhile
	}
	if c.ret = int64(regs.Rax); c.ret >= 0 {
		t.keep(t.leave(c))
	}
}

func (t *tracer) keep(err error) {
	if t.fail == nil && err != nil && !errors.Is(err, unix.ESRCH) {
		t.fail = err
	}
}

// locate finds out which file a call is about. It reports whether that is one that
// concerns the trial.
func (t *tracer) locate(c *call) bool {
	switch c.name {
	case "write", "pwrite", "writev", "pwritev", "fsync", "fdatasync", "ftruncate":
		if c.name == "write" && c.arg(0) == 1 {
			c.path = "stdout"
			return true
		}
		c.path = t.ofDescriptor(c.arg(0))
	case "mmap":
		c.path = t.ofDescriptor(c.arg(4))
	case "openat", "unlinkat", "mkdirat":
		c.path = t.at(c.arg(0), c.arg(1))
	case "open", "unlink", "rmdir", "mkdir":
		c.path = t.at(cwd, c.arg(0))
	case "renameat", "linkat":
		c.path, c.to = t.at(c.arg(0), c.arg(1)), t.at(c.arg(2), c.arg(3))
	case "rename", "link":
		c.path, c.to = t.at(cwd, c.arg(0)), t.at(cwd, c.arg(1))
	}
	return c.path == t.dir || strings.HasPrefix(c.path, t.dir+"/")
}

// cwd stands for the directory in which the process works.
const cwd = ^uint64(99) // AT_FDCWD

func (t *tracer) ofDescriptor(fd uint64) string {
	path, err := os.Readlink(t.proc("fd", strconv.Itoa(int(int32(fd)))))
	if err != nil {
		return ""
	}
	return strings.TrimSuffix(path, " (deleted)")
}

func (t *tracer) at(dirfd, name uint64) string {
	path := t.text(name)
	if !filepath.IsAbs(path) && int32(dirfd) != unix.AT_FDCWD {
		path = filepath.Join(t.ofDescriptor(dirfd), path)
	}
	return filepath.Clean(path)
}

func (t *tracer) proc(names ...string) string {
	return filepath.Join(append([]string{"/proc", strconv.Itoa(t.pid)}, names...)...)
}

// text reads a string of the process.
func (t *tracer) text(address uint64) string {
	b := make([]byte, unix.PathMax)
	n, _ := t.read(b, address)
	if end := bytes.IndexByte(b[:n], 0); end >= 0 {
		n = end
	}
	return string(b[:n])
}

// read reads memory of the process, as much as there is.
func (t *tracer) read(b []byte, address uint64) (int, error) {
	done := 0
	for done < len(b) { // by page, so that what follows the last does not matter
		n := min(len(b)-done, os.Getpagesize()-int(address+uint64(done))%os.Getpagesize())
		local := []unix.Iovec{{Base: &b[done]}}
		local[0].SetLen(n)
		got, err := unix.ProcessVMReadv(t.pid, local, []unix.RemoteIovec{{Base: uintptr(address) + uintptr(done), Len: n}}, 0)
		if err != nil {
			return done, err
		}
		done += got
	}
	return done, nil
}
