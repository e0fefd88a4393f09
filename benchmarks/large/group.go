package main

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// group is a control group that limits memory.
type group struct {
	dir     string
	version int
}

// newGroup makes a group that allows so many bytes.
func newGroup(bytes int64) (*group, error) {
	g, err := findGroups()
	if err != nil {
		return nil, err
	}
	if g.dir, err = os.MkdirTemp(g.dir, "hannoy-large-"); err != nil {
		return nil, fmt.Errorf("no control group can be made here, so no limit set: %w", err)
	}
	name := map[int]string{1: "memory.limit_in_bytes", 2: "memory.max"}[g.version]
	if err := os.WriteFile(filepath.Join(g.dir, name), []byte(strconv.FormatInt(bytes, 10)), 0); err != nil {
		return nil, errors.Join(fmt.Errorf("limit the memory of a control group: %w", err), os.Remove(g.dir))
	}
	return g, nil
}

// findGroups finds where groups that limit memory are made.
func findGroups() (*group, error) {
	f, err := os.Open("/proc/self/mountinfo")
	if err != nil {
		return nil, err
	}
	defer f.Close()
	var second *group
	for lines := bufio.NewScanner(f); lines.Scan(); {
		before, after, ok := strings.Cut(lines.Text(), " - ")
		mount, kind := strings.Fields(before), strings.Fields(after)
		if !ok || len(mount) < 5 || len(kind) < 3 {
			continue
		}
		switch kind[0] {
		case "cgroup":
			if slices.Contains(strings.Split(kind[2], ","), "memory") {
				return &group{mount[4], 1}, nil
			}
		case "cgroup2":
			second = &group{mount[4], 2}
		}
	}
	if second == nil {
		return nil, errors.New("no control groups are mounted, so no limit can be set")
	}
	return second, nil
}

// command is the command line that runs another within the group.
func (g *group) command(args []string) []string {
	return append([]string{"sh", "-c", `echo $$ > "$0" && exec "$@"`, filepath.Join(g.dir, "cgroup.procs")}, args...)
}

// peakBytes is the most memory that the group has used, the page cache included.
func (g *group) peakBytes() int64 {
	name := map[int]string{1: "memory.max_usage_in_bytes", 2: "memory.peak"}[g.version]
	raw, err := os.ReadFile(filepath.Join(g.dir, name))
	if err != nil {
		return 0
	}
	n, _ := strconv.ParseInt(strings.TrimSpace(string(raw)), 10, 64)
	return n
}

func (g *group) remove() error { return os.Remove(g.dir) }
