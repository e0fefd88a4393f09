package trace

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"time"
	"unsafe"
)

// What package syscall does not name.
const (
	sysSeccomp          = 317
	prSetNoNewPrivs     = 38
	ptraceOTraceSeccomp = 1 << 7
	ptraceOExitKill     = 1 << 20
	ptraceEventSeccomp  = 7
)

// tracedCalls are the system calls by which a process changes files, and mmap.
var tracedCalls = map[uint64]string{
	syscall.SYS_WRITE: "write", syscall.SYS_PWRITE64: "pwrite", syscall.SYS_WRITEV: "writev", syscall.SYS_PWRITEV: "pwritev",
	syscall.SYS_FSYNC: "fsync", syscall.SYS_FDATASYNC: "fdatasync", syscall.SYS_FTRUNCATE: "ftruncate",
	syscall.SYS_OPENAT: "openat", syscall.SYS_OPEN: "open", syscall.SYS_MMAP: "mmap",
	syscall.SYS_RENAMEAT: "renameat", syscall.SYS_RENAME: "rename", syscall.SYS_LINKAT: "linkat", syscall.SYS_LINK: "link",
	syscall.SYS_UNLINKAT: "unlinkat", syscall.SYS_UNLINK: "unlink", syscall.SYS_RMDIR: "rmdir",
	syscall.SYS_MKDIRAT: "mkdirat", syscall.SYS_MKDIR: "mkdir",
}

// AskToBeTraced makes the kernel stop this process at the traced calls, if another
// traces it.
func AskToBeTraced() error {
	const number, trace, allow = 0, 0x7ff00000, 0x7fff0000
	filter := []syscall.SockFilter{{Code: syscall.BPF_LD | syscall.BPF_W | syscall.BPF_ABS, K: number}}
	for nr := range tracedCalls {
		filter = append(filter,
			syscall.SockFilter{Code: syscall.BPF_JMP | syscall.BPF_JEQ | syscall.BPF_K, Jf: 1, K: uint32(nr)},
			syscall.SockFilter{Code: syscall.BPF_RET | syscall.BPF_K, K: trace})
	}
	filter = append(filter, syscall.SockFilter{Code: syscall.BPF_RET | syscall.BPF_K, K: allow})
	program := syscall.SockFprog{Len: uint16(len(filter)), Filter: &filter[0]}
	if _, _, errno := syscall.Syscall6(syscall.SYS_PRCTL, prSetNoNewPrivs, 1, 0, 0, 0, 0); errno != 0 {
		return fmt.Errorf("prctl: %w", errno)
	}
	const setFilter, allThreads = 1, 1
	_, _, errno := syscall.Syscall(sysSeccomp, setFilter, allThreads, uintptr(unsafe.Pointer(&program)))
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
	regs syscall.PtraceRegs
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

	hung   atomic.Bool
	pid    int
	memory *os.File // of the process
	fail   error
}

// Run runs the program to its end. It fails where processes cannot be traced.
func (t *Tracer) Run(args []string, stdout, stderr *os.File) (syscall.WaitStatus, error) {
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
	watch := time.AfterFunc(t.Limit, func() { t.hung.Store(true); _ = syscall.Kill(t.pid, syscall.SIGKILL) })
	defer watch.Stop()
	var status syscall.WaitStatus
	if _, err := syscall.Wait4(t.pid, &status, syscall.WALL, nil); err != nil || !status.Stopped() {
		return status, fmt.Errorf("child to be traced: status %x, %w", status, err)
	}
	// The program is loaded by now: before, this would be the memory of the one that begins it.
	if t.memory, err = os.Open(t.Proc("mem")); err != nil {
		_ = syscall.Kill(t.pid, syscall.SIGKILL)
		return 0, err
	}
	defer t.memory.Close()
	options := syscall.PTRACE_O_TRACECLONE | ptraceOTraceSeccomp | syscall.PTRACE_O_TRACESYSGOOD | ptraceOExitKill
	if err := errors.Join(syscall.PtraceSetOptions(t.pid, options), syscall.PtraceCont(t.pid, 0)); err != nil {
		_ = syscall.Kill(t.pid, syscall.SIGKILL)
		return 0, err
	}
	return t.loop()
}

// Hung reports whether the program was killed because it took too long.
func (t *Tracer) Hung() bool { return t.hung.Load() }

// loop serves the stops of all threads until the process ends.
func (t *Tracer) loop() (syscall.WaitStatus, error) {
	threads := map[int]*Call{t.pid: nil} // and the call that each is in
	for {
		var status syscall.WaitStatus
		tid, err := syscall.Wait4(-1, &status, syscall.WALL|syscall.WNOTHREAD, nil)
		if errors.Is(err, syscall.EINTR) {
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
		case s == syscall.SIGTRAP|0x80: // behind a call
			threads[tid] = nil
			t.left(in)
		case s == syscall.SIGTRAP && status.TrapCause() == ptraceEventSeccomp:
			if c := t.entered(tid); c != nil {
				threads[tid] = c
				_ = syscall.PtraceSyscall(tid, 0) // fails if it was killed
				continue
			}
		case s == syscall.SIGTRAP: // a new thread, or exec
		case s == syscall.SIGSTOP && !known: // how a thread begins
		default:
			signal = int(s)
		}
		if !known {
			threads[tid] = nil
		}
		_ = syscall.PtraceCont(tid, signal)
	}
}

// entered looks at a call before it is made. It returns it if it is to be looked at
// again behind it.
func (t *Tracer) entered(tid int) *Call {
	c := &Call{tid: tid}
	if err := syscall.PtraceGetRegs(tid, &c.regs); err != nil {
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
		_ = syscall.Kill(t.pid, syscall.SIGKILL)
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
		t.Keep(syscall.PtraceSetRegs(tid, &changed))
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
	var regs syscall.PtraceRegs
	if err := syscall.PtraceGetRegs(c.tid, &regs); err != nil {
		return // killed meanwhile
	}
	if c.Ret = int64(regs.Rax); c.Ret >= 0 {
		t.Keep(t.Leave(c))
	}
}

// Keep makes Run fail with the error, if it is the first.
func (t *Tracer) Keep(err error) {
	killed := errors.Is(err, syscall.ESRCH) || errors.Is(err, io.EOF)
	if t.fail == nil && err != nil && !killed {
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
		c.Path = t.at(int32(c.Arg(0)), c.Arg(1))
	case "open", "unlink", "rmdir", "mkdir":
		c.Path = t.at(cwd, c.Arg(0))
	case "renameat", "linkat":
		c.Path, c.To = t.at(int32(c.Arg(0)), c.Arg(1)), t.at(int32(c.Arg(2)), c.Arg(3))
	case "rename", "link":
		c.Path, c.To = t.at(cwd, c.Arg(0)), t.at(cwd, c.Arg(1))
	}
	return c.Path == t.Dir || strings.HasPrefix(c.Path, t.Dir+"/")
}

// cwd stands for the directory in which the process works.
const cwd = -100 // AT_FDCWD

func (t *Tracer) ofDescriptor(fd uint64) string {
	path, err := os.Readlink(t.Proc("fd", strconv.Itoa(int(int32(fd)))))
	if err != nil {
		return ""
	}
	return strings.TrimSuffix(path, " (deleted)")
}

func (t *Tracer) at(dirfd int32, name uint64) string {
	path := t.text(name)
	if !filepath.IsAbs(path) && dirfd != cwd {
		path = filepath.Join(t.ofDescriptor(uint64(dirfd)), path)
	}
	return filepath.Clean(path)
}

// Proc is a path within what the kernel says of the process.
func (t *Tracer) Proc(names ...string) string {
	return filepath.Join(append([]string{"/proc", strconv.Itoa(t.pid)}, names...)...)
}

// text reads a string of the process.
func (t *Tracer) text(address uint64) string {
	b := make([]byte, syscall.PathMax)
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
	return t.memory.ReadAt(b, int64(address))
}
