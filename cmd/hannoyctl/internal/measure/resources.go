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
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0
	}
	_, after, found := bytes.Cut(status, []byte("\nRssAnon:"))
	number, _, ok := bytes.Cut(bytes.TrimSpace(after), []byte(" kB"))
	if !found || !ok {
		return 0
	}
	kib, err := strconv.ParseInt(string(number), 10, 64)
	if err != nil {
		return 0
	}
	return kib << 10
}
