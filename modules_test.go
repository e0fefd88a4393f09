package hannoy_test

import (
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strings"
	"testing"
)

// modules are the nested modules that belong to the suite. What they need is no dependency of this one.
var modules = []string{"cmd/hannoy-convert", "internal/metamorphic", "internal/scripts", "langchain"}

// TestModules runs their tests, those of internal/metamorphic also under the race detector and with the build tags
// of this one. The others work with programs, which are built without.
func TestModules(t *testing.T) {
	t.Parallel()
	look(t)
	for _, dir := range modules {
		t.Run(dir, func(t *testing.T) {
			if dir != "internal/metamorphic" && len(buildFlags()) > 0 {
				t.Skipf("skipped: it runs without %s", strings.Join(buildFlags(), " "))
			}
			vet := exec.Command("go", "vet", "./...")
			vet.Dir = dir
			if out, err := vet.CombinedOutput(); err != nil {
				t.Fatalf("go vet: %v\n%s", err, out)
			}
			args := append([]string{"test", "-timeout", "25m"}, buildFlags()...)
			if testing.Short() {
				args = append(args, "-short")
			}
			test := exec.Command("go", append(args, "./...")...)
			test.Dir = dir
			out, err := test.CombinedOutput()
			if err != nil {
				t.Fatalf("go test: %v\n%s", err, out)
			}
			t.Logf("%s", out)
		})
	}
}

// look looks at every file of the repository, so that go's cache of test results knows that this test depends on all
// of them: it does not see what the tests in other processes read.
func look(t *testing.T) {
	err := filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && path != "." && strings.HasPrefix(d.Name(), ".") {
			return fs.SkipDir
		}
		_, err = os.Stat(path)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// fewer is n, or a third of it under the race detector, which makes everything ten times slower.
func fewer(n int) int {
	if slices.Contains(buildFlags(), "-race") {
		return n / 3
	}
	return n
}

func buildFlags() (flags []string) {
	info, _ := debug.ReadBuildInfo()
	for _, s := range info.Settings {
		switch {
		case s.Key == "-race" && s.Value == "true":
			flags = append(flags, "-race")
		case s.Key == "-tags":
			flags = append(flags, "-tags="+s.Value)
		}
	}
	return flags
}

// TestDependencies keeps what a user of the library gets with it short.
func TestDependencies(t *testing.T) {
	text, err := os.ReadFile("go.mod")
	if err != nil {
		t.Fatal(err)
	}
	var direct []string
	for line := range strings.Lines(string(text)) {
		if strings.HasPrefix(line, "\t") && !strings.Contains(line, "// indirect") {
			direct = append(direct, strings.TrimSpace(line))
		}
	}
	const most = 6 // two of them are bindings of LMDB, of which a program has one
	if len(direct) == 0 || len(direct) > most {
		t.Errorf("%d direct dependencies, at most %d: what is for one command or test belongs into a nested module\n%s", len(direct), most, strings.Join(direct, "\n"))
	}
}
