package kv

import (
	"bufio"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// readaheadShare: of a data file larger than one in so many of the bytes of memory, the
// kernel reads the pages that are asked for and no others. It reads up to some MB around
// each otherwise, which for searches and builds that go all over the file is good while
// all of it fits in memory, and many times the work when it does not.
const readaheadShare = 2

// adviseRandom turns reading ahead off if the data file is large, in a map of so many
// bytes. The caller holds Env.mu.
func (f *files) adviseRandom(mapped int64) {
	if f.random {
		return
	}
	info, err := f.raw.Info()
	if err == nil && (info.LastPNO+1)*pageSize() > memoryBytes()/readaheadShare {
		f.random = f.memory.AdviseRandom(mapped) == nil
	}
}

// memoryBytes is how much memory this process may use, the page cache for its files
// included.
var memoryBytes = sync.OnceValue(func() int64 {
	limit := int64(math.MaxInt64)
	info, _ := os.ReadFile("/proc/meminfo")
	var total int64 // KiB
	if n, _ := fmt.Sscanf(string(info), "MemTotal: %d", &total); n == 1 {
		limit = total << 10
	}
	groups, err := os.ReadFile("/proc/self/cgroup")
	if err != nil {
		return limit
	}
	for line := range strings.Lines(string(groups)) {
		parts := strings.SplitN(strings.TrimSpace(line), ":", 3) // number, controllers, path
		if len(parts) != 3 || parts[1] != "" && parts[1] != "memory" {
			continue
		}
		file := "memory.limit_in_bytes"
		if parts[1] == "" {
			file = "memory.max"
		}
		root, path := cgroupMount(parts[1]), parts[2]
		for root != "" {
			text, err := os.ReadFile(filepath.Join(root, path, file))
			if n, parseErr := strconv.ParseInt(strings.TrimSpace(string(text)), 10, 64); err == nil && parseErr == nil && n > 0 {
				limit = min(limit, n)
			}
			if path == "/" || path == "." {
				break
			}
			path = filepath.Dir(path)
		}
	}
	return limit
})

// cgroupMount is where the hierarchy of a controller, "" for that of version 2, is mounted.
func cgroupMount(controller string) string {
	f, err := os.Open("/proc/self/mountinfo")
	if err != nil {
		return ""
	}
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		before, after, ok := strings.Cut(lines.Text(), " - ")
		mount, kind := strings.Fields(before), strings.Fields(after)
		if !ok || len(mount) < 5 || len(kind) < 3 {
			continue
		}
		options := strings.Split(kind[2], ",")
		if controller == "" && kind[0] == "cgroup2" || controller != "" && kind[0] == "cgroup" && slices.Contains(options, controller) {
			return mount[4]
		}
	}
	return ""
}
