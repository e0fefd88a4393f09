package place

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

// MemoryBytes is how much memory this process may use, the page cache for its files
// included.
var MemoryBytes = sync.OnceValue(func() int64 {
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
