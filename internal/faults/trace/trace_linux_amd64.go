package trace

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

// AskToBeTraced makes the kernel stop this process at the traced calls, if another
// traces it.
func AskToBeTraced() error {
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

// Call is a system call of the traced process that concerns the directory under trial,
// or its standard output.
type Call struct {
	Name string
	Path string // of what it is about; the old one of rename and link; Stdout
	To   string // the new path of rename and link
	Ret  int64  // what it has returned
	tid  int
	regs unix.PtraceRegs
}

// Arg is an argument of the call.
func (c *Call) Arg(i int) uint64 {
	return [6]uint64{c.regs.Rdi, c.regs.Rsi, c.regs.Rdx, c.regs.R10, c.regs.R8, c.regs.R9}[i]
}

// Tracer runs a program and stops it at each traced call in Dir.
type Tracer struct {
	Dir   string
	Env   []string      // of the program
	Limit time.Duration // how long it may take
	Enter func(c *Call) Action
	Leave func(c *Call) error // behind it; nil: not wanted

	hung atomic.Bool
	pid  int
	fail error
}

// Run runs the program to its end. It fails where processes cannot be traced.
func (t *Tracer) Run(args []string, stdout, stderr *os.File) (unix.WaitStatus, error) {
	// All requests must come from the thread that has begun the process.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	null, err := os.Open(os.DevNull)
	if err != nil {
		return 0, err
	}
	defer null.Close()
	t.pid, err = syscall.ForkExec(args[0], args, &syscall.ProcAttr{
		Env:   t.Env,
		Files: []uintptr{null.Fd(), stdout.Fd(), stderr.Fd()},
		Sys:   &syscall.SysProcAttr{Ptrace: true},
	})
	if err != nil {
		return 0, err
	}
	watch := time.AfterFunc(t.Limit, func() { t.hung.Store(true); _ = unix.Kill(t.pid, unix.SIGKILL) })
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

// Hung reports whether the program was killed because it took too long.
func (t *Tracer) Hung() bool { return t.hung.Load() }

// loop serves the stops of all threads until the process ends.
func (t *Tracer) loop() (unix.WaitStatus, error) {
	threads := map[int]*Call{t.pid: nil} // and the call that each is in
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
func (t *Tracer) entered(tid int) *Call {
	c := &Call{tid: tid}
	if err := unix.PtraceGetRegs(tid, &c.regs); err != nil {
		return nil
	}
	c.Name = tracedCalls[c.regs.Orig_rax]
	if !t.locate(c) {
		return nil
	}
	act := t.Enter(c)
	changed := c.regs
	switch {
	case act.Kill:
		_ = unix.Kill(t.pid, unix.SIGKILL)
		return nil
	case act.Errno != 0:
		changed.Orig_rax = ^uint64(0) // no call
		changed.Rax = uint64(-int64(act.Errno))
	case act.Short && (c.Name == "writev" || c.Name == "pwritev") && c.Arg(2) > 1:
		changed.Rdx /= 2
	case act.Short && strings.Contains(c.Name, "write") && !strings.HasSuffix(c.Name, "v"):
		changed.Rdx = (changed.Rdx + 1) / 2
	}
	if changed != c.regs {
		t.Keep(unix.PtraceSetRegs(tid, &changed))
		return nil
	}
	if t.Leave == nil {
		return nil
	}
	return c
}

func (t *Tracer) left(c *Call) {
	if c == nil {
		return
	}
	var regs unix.PtraceRegs
	if err := unix.PtraceGetRegs(c.tid, &regs); err != nil {
		return // killed meanwhile
	}
	if c.Ret = int64(regs.Rax); c.Ret >= 0 {
		t.Keep(t.Leave(c))
	}
}

// Keep makes Run fail with the error, if it is the first.
func (t *Tracer) Keep(err error) {
	if t.fail == nil && err != nil && !errors.Is(err, unix.ESRCH) {
		t.fail = err
	}
}

// locate finds out which file a call is about. It reports whether that is one that
// concerns the trial.
func (t *Tracer) locate(c *Call) bool {
	switch c.Name {
	case "write", "pwrite", "writev", "pwritev", "fsync", "fdatasync", "ftruncate":
		if c.Name == "write" && c.Arg(0) == 1 {
			c.Path = Stdout
			return true
		}
		c.Path = t.ofDescriptor(c.Arg(0))
	case "mmap":
		c.Path = t.ofDescriptor(c.Arg(4))
	case "openat", "unlinkat", "mkdirat":
		c.Path = t.at(c.Arg(0), c.Arg(1))
	case "open", "unlink", "rmdir", "mkdir":
		c.Path = t.at(cwd, c.Arg(0))
	case "renameat", "linkat":
		c.Path, c.To = t.at(c.Arg(0), c.Arg(1)), t.at(c.Arg(2), c.Arg(3))
	case "rename", "link":
		c.Path, c.To = t.at(cwd, c.Arg(0)), t.at(cwd, c.Arg(1))
	}
	return c.Path == t.Dir || strings.HasPrefix(c.Path, t.Dir+"/")
}

// cwd stands for the directory in which the process works.
const cwd = ^uint64(99) // AT_FDCWD

func (t *Tracer) ofDescriptor(fd uint64) string {
	path, err := os.Readlink(t.Proc("fd", strconv.Itoa(int(int32(fd)))))
	if err != nil {
		return ""
	}
	return strings.TrimSuffix(path, " (deleted)")
}

func (t *Tracer) at(dirfd, name uint64) string {
	path := t.text(name)
	if !filepath.IsAbs(path) && int32(dirfd) != unix.AT_FDCWD {
		path = filepath.Join(t.ofDescriptor(dirfd), path)
	}
	return filepath.Clean(path)
}

// Proc is a path within what the kernel says of the process.
func (t *Tracer) Proc(names ...string) string {
	return filepath.Join(append([]string{"/proc", strconv.Itoa(t.pid)}, names...)...)
}

// text reads a string of the process.
func (t *Tracer) text(address uint64) string {
	b := make([]byte, unix.PathMax)
	n, _ := t.Read(b, address)
	if end := bytes.IndexByte(b[:n], 0); end >= 0 {
		n = end
	}
	return string(b[:n])
}

// Said is what a call writes, or has written, to the standard output.
func (t *Tracer) Said(c *Call) (string, error) {
	text := make([]byte, c.Arg(2))
	n, err := t.Read(text, c.Arg(1))
	return string(text[:n]), err
}

// Read reads memory of the process, as much as there is.
func (t *Tracer) Read(b []byte, address uint64) (int, error) {
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
