package scripts

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/hannoydb/hannoy/internal/fixture"
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
		args := append([]string{"build", "-o", filepath.Join(dir, name)}, fixture.BuildFlags()...)
		cmd := exec.Command("go", append(args, target)...)
		cmd.Dir, cmd.Stdout, cmd.Stderr = module, os.Stderr, os.Stderr
		if err := cmd.Run(); err != nil {
			fmt.Fprintf(os.Stderr, "%s: %v\n", name, err)
			return 1
		}
	}
	return m.Run()
}
