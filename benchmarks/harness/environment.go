package harness

import (
	"bufio"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// Environment is where and when figures were made.
type Environment struct {
	CPU     string `json:"cpu"`
	Cores   int    `json:"cores"`
	Memory  string `json:"memory"`
	Kernel  string `json:"kernel"`
	Go      string `json:"go"`
	Date    string `json:"date"`
	Command string `json:"command"`
}

// NewEnvironment describes this machine and the command that runs.
func NewEnvironment(now time.Time) Environment {
	e := Environment{
		CPU:     procField("/proc/cpuinfo", "model name"),
		Cores:   runtime.NumCPU(),
		Memory:  memory(),
		Go:      runtime.Version() + " " + runtime.GOOS + "/" + runtime.GOARCH,
		Date:    now.UTC().Format("2006-01-02 15:04 MST"),
		Command: commandLine(os.Args),
	}
	var name unix.Utsname
	if unix.Uname(&name) == nil {
		e.Kernel = unix.ByteSliceToString(name.Sysname[:]) + " " + unix.ByteSliceToString(name.Release[:])
	}
	return e
}

func memory() string {
	var kB float64
	fmt.Sscan(procField("/proc/meminfo", "MemTotal"), &kB)
	return fmt.Sprintf("%.0f GiB", kB/(1<<20))
}

// commandLine is the command without the directories of this machine.
func commandLine(args []string) string {
	short := make([]string, len(args))
	for i, arg := range args {
		name, value, found := strings.Cut(arg, "=")
		switch {
		case found:
			short[i] = name + "=" + baseName(value)
		default:
			short[i] = baseName(arg)
		}
	}
	return strings.Join(short, " ")
}

func baseName(arg string) string {
	if strings.ContainsRune(arg, filepath.Separator) {
		return filepath.Base(arg)
	}
	return arg
}

func procField(path, field string) string {
	f, err := os.Open(path)
	if err != nil {
		return ""
	}
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		if name, value, ok := strings.Cut(lines.Text(), ":"); ok && strings.TrimSpace(name) == field {
			return strings.TrimSpace(value)
		}
	}
	return ""
}

// LoadAverage is how many processes wanted a CPU in the last minute, on average.
func LoadAverage() float64 {
	var load float64
	if raw, err := os.ReadFile("/proc/loadavg"); err == nil {
		fmt.Sscan(string(raw), &load)
	}
	return load
}
