package harness

import (
	"bufio"
	"fmt"
	"os"
	"strings"
	"syscall"
	"time"
)

// usage is what the process has used so far.
type usage struct {
	cpu         time.Duration // user and system, all threads
	majorFaults int64         // page faults that waited for the disk
	peakRSSKB   int64
}

func usageNow() usage {
	var ru syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &ru); err != nil {
		panic(err) // only for an address or a target that is not valid
	}
	return usage{
		cpu:         time.Duration(ru.Utime.Nano() + ru.Stime.Nano()),
		majorFaults: ru.Majflt,
		peakRSSKB:   ru.Maxrss,
	}
}

// diskReadKB is what the disk has read for the process so far: 0 where that is not
// known.
func diskReadKB() int64 { return ioCounter("read_bytes") / 1024 }

// WrittenBytes is what the process has written to files so far: 0 where that is not
// known.
func WrittenBytes() int64 { return ioCounter("wchar") }

func ioCounter(name string) (bytes int64) {
	raw, err := os.ReadFile("/proc/self/io")
	if err != nil {
		return 0
	}
	_, after, _ := strings.Cut("\n"+string(raw), "\n"+name+":")
	fmt.Sscan(after, &bytes)
	return bytes
}

// memoryNow reads the resident memory of the process from /proc. It is zero on systems
// without that.
func memoryNow() Memory {
	f, err := os.Open("/proc/self/smaps_rollup")
	if err != nil {
		return Memory{}
	}
	defer f.Close()
	var m Memory
	for lines := bufio.NewScanner(f); lines.Scan(); {
		name, value, _ := strings.Cut(lines.Text(), ":")
		switch name {
		case "Rss":
			fmt.Sscan(value, &m.RSSKB)
		case "Anonymous":
			fmt.Sscan(value, &m.AnonymousKB)
		}
	}
	return m
}
