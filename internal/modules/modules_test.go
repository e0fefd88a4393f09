package modules

import (
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hannoydb/hannoy/internal/fixture"
)

// root is the root of the repository.
const root = "../.."

// modules are the nested modules that belong to the suite. What they need is no dependency of this one.
var modules = []string{"cmd/hannoy-convert", "internal/metamorphic", "internal/scripts", "langchain"}

// TestModules runs their tests, those of internal/metamorphic also under the race detector and with the build tags
// of this one. The others work with programs, which are built without.
func TestModules(t *testing.T) {
	look(t)
	for _, dir := range modules {
		t.Run(dir, func(t *testing.T) {
			if dir != "internal/metamorphic" && len(fixture.BuildFlags()) > 0 {
				t.Skipf("skipped: it runs without %s", strings.Join(fixture.BuildFlags(), " "))
			}
			if len(fixture.BuildFlags()) == 0 { // once will do
				vet := exec.Command("go", "vet", "./...")
				vet.Dir = filepath.Join(root, dir)
				if out, err := vet.CombinedOutput(); err != nil {
					t.Fatalf("go vet: %v\n%s", err, out)
				}
			}
			args := append([]string{"test", "-timeout", "25m"}, fixture.BuildFlags()...)
			if testing.Short() {
				args = append(args, "-short")
			}
			test := exec.Command("go", append(args, "./...")...)
			test.Dir = filepath.Join(root, dir)
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
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && path != root && strings.HasPrefix(d.Name(), ".") {
			return fs.SkipDir
		}
		_, err = os.Stat(path)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}
