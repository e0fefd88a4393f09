package measure

import (
	"bytes"
	"os"
	"runtime"
	"strconv"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/hannoydb/hannoy/cmd/hannoyctl/internal/terminal"
)

// CPUTime is the processor time that this process has used, in user and system mode.
func CPUTime() time.Duration {
	var u syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &u) != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// PeakResidentMB is the most memory that was resident, pages of the memory map counting, in MiB.
func PeakResidentMB() float64 {
	var u syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &u) != nil {
		return 0
	}
	unit := int64(1024) // Linux counts KiB, Darwin bytes
	if runtime.GOOS == "darwin" {
		unit = 1
	}
	return terminal.Rounded(float64(int64(u.Maxrss)*unit)/(1<<20), 1)
}

// A MemoryPeak samples the process's own memory: what is resident without the pages of files. The memory map's
// pages belong to the page cache, which the kernel takes back when it needs them.
type MemoryPeak struct {
	stop, done chan struct{}
	peak       atomic.Int64 // bytes; 0 where the system does not tell
}

// WatchMemory begins to sample.
func WatchMemory() *MemoryPeak {
	m := &MemoryPeak{stop: make(chan struct{}), done: make(chan struct{})}
	go func() {
		defer close(m.done)
		tick := time.NewTicker(50 * time.Millisecond)
		defer tick.Stop()
		for {
			m.peak.Store(max(m.peak.Load(), anonymousBytes()))
			select {
			case <-m.stop:
				return
			case <-tick.C:
			}
		}
	}()
	return m
}

// SoFar is the peak in MiB until now.
func (m *MemoryPeak) SoFar() float64 { return terminal.Rounded(float64(m.peak.Load())/(1<<20), 1) }

// End stops the sampling and returns the peak in MiB.
func (m *MemoryPeak) End() float64 {
	close(m.stop)
	<-m.done
	return m.SoFar()
}

func anonymousBytes() int64 {
	return max(0, procNumber("/proc/self/status", "\nRssAnon:", " kB")) << 10
}

// procNumber is the number between two texts of a file of the kernel's, -1 where there is none.
func procNumber(file, before, behind string) int64 {
	text, err := os.ReadFile(file)
	if err != nil {
		return -1
	}
	_, after, found := bytes.Cut(text, []byte(before))
	number, _, ok := bytes.Cut(bytes.TrimSpace(after), []byte(behind))
	if !found || !ok {
		return -1
	}
	n, err := strconv.ParseInt(string(number), 10, 64)
	if err != nil {
		return -1
	}
	return n
}

// Reading returns a function that tells how much of the bytes, 0 to 1, this process has read from files since. It tells -1 where the
// system does not say, and once nearly all is read: what follows goes through the memory map and does not count.
func Reading(bytes int64) func() float64 { return moved("rchar: ", bytes) }

// Writing is Reading of bytes that are written.
func Writing(bytes int64) func() float64 { return moved("\nwchar: ", bytes) }

func moved(counter string, bytes int64) func() float64 {
	count := func() int64 { return procNumber("/proc/self/io", counter, "\n") }
	start := count()
	return func() float64 {
		now := count()
		if start < 0 || now < 0 || float64(now-start) >= .98*float64(bytes) {
			return -1
		}
		return float64(now-start) / float64(bytes)
	}
}
