package scripts

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/debug"
	"testing"
)

// programs is the directory of the two programs.
var programs string

func TestMain(m *testing.M) {
	os.Exit(buildAndRun(m))
}

func buildAndRun(m *testing.M) int {
	dir, err := os.MkdirTemp("", "hannoy-scripts-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	programs = dir
	for name, module := range map[string]string{"hannoyctl": "../..", "hannoy-convert": "../../cmd/hannoy-convert"} {
		target := "."
		if name == "hannoyctl" {
			target = "./cmd/hannoyctl"
		}
		args := append([]string{"build", "-o", filepath.Join(dir, name)}, buildFlags()...)
		cmd := exec.Command("go", append(args, target)...)
		cmd.Dir, cmd.Stdout, cmd.Stderr = module, os.Stderr, os.Stderr
		if err := cmd.Run(); err != nil {
			fmt.Fprintf(os.Stderr, "%s: %v\n", name, err)
			return 1
		}
	}
	return m.Run()
}

// buildFlags are those of this test: what runs under the race detector runs programs that do.
func buildFlags() (flags []string) {
	info, _ := debug.ReadBuildInfo()
	for _, s := range info.Settings {
		if s.Key == "-race" && s.Value == "true" {
			flags = append(flags, "-race")
		}
		if s.Key == "-tags" {
			flags = append(flags, "-tags="+s.Value)
		}
	}
	return flags
}
