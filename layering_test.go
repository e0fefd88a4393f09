package hannoy_test

import (
	gobuild "go/build"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

const module = "github.com/hannoydb/hannoy"

// arrows says which packages of ours each room may import: the table of
// ARCHITECTURE.md. Internal packages are for tests and the command.
var arrows = map[string][]string{
	"distance":                     nil,
	"graph":                        nil,
	"graph/linking":                {"graph"},
	"graph/layout":                 {"graph"},
	"graph/graphtest":              {"graph", "graph/linking"},
	"codec":                        nil,
	"filter":                       nil,
	"kv/pages":                     {"codec"},
	"kv/place":                     nil,
	"kv/lmdb":                      nil,
	"kv/tables":                    {"codec", "kv/pages"},
	"kv/proof":                     {"codec", "kv/pages"},
	"kv/datafile":                  {"codec", "kv/place", "kv/pages", "kv/proof"},
	"kv":                           {"codec", "kv/place", "kv/pages", "kv/proof", "kv/tables", "kv/datafile", "kv/lmdb"},
	"reader":                       {"kv", "kv/tables", "codec", "graph", "distance", "filter"},
	"kv/lease":                     {"kv"},
	"reader/check":                 {"kv", "kv/proof", "codec", "graph", "distance"},
	"writer":                       {"kv", "kv/tables", "codec", "graph", "graph/linking", "distance", "writer/sample"},
	"writer/sample":                {"distance"},
	"writer/fold":                  {"writer", "kv", "codec"},
	"writer/rewrite":               {"writer", "kv", "codec", "graph", "graph/layout", "distance"},
	"salvage":                      {"kv/pages", "codec", "distance"},
	"salvage/rebuild":              {"salvage", "kv", "writer"},
	".":                            {"reader", "reader/check", "writer", "writer/fold", "writer/rewrite", "salvage", "salvage/rebuild", "kv", "kv/lease", "kv/datafile", "kv/pages", "codec", "distance", "filter"},
	"internal/vecfile":             {"internal/vecfile/element", "internal/vecfile/npy", "internal/vecfile/compression", "internal/vecfile/converter"},
	"internal/vecfile/element":     nil,
	"internal/vecfile/compression": nil,
	"internal/vecfile/converter":   nil,
	"internal/vecfile/npy":         {"internal/vecfile/element"},
	"internal/faults":              {".", "internal/fixture", "internal/faults/replay", "internal/faults/trace"},
	"internal/faults/replay":       {"internal/faults/trace"},
	"internal/faults/trace":        nil,
	"internal/fixture":             {"distance"},
	"internal/modules":             nil,
	"cmd/hannoyctl":                {".", "internal/vecfile", command + "read", command + "write", command + "inspect", command + "demo", command + "terminal"},

	// The command: what commands are given and how they talk below, measuring above these, then groups of commands that do not
	// know each other.
	command + "terminal": {".", "internal/vecfile"},
	command + "operand":  {".", "codec", "internal/vecfile", command + "terminal"},
	command + "measure":  {".", "internal/vecfile", command + "operand", command + "terminal"},
	command + "read":     {".", "internal/vecfile", command + "measure", command + "operand", command + "terminal"},
	command + "write":    {".", "kv", "codec", "distance", "internal/vecfile", command + "measure", command + "operand", command + "terminal"},
	command + "inspect":  {".", "kv", "kv/lmdb", "codec", "distance", command + "measure", command + "operand", command + "terminal"},
	command + "demo":     {".", command + "measure", command + "operand", command + "terminal"},
}

const command = "cmd/hannoyctl/internal/"

// bindings are the LMDB bindings; only kv/lmdb may import one.
var bindings = []string{"github.com/bmatsuo/lmdb-go", "github.com/PowerDNS/lmdb-go"}

func TestLayering(t *testing.T) {
	seen := map[string]bool{}
	for _, tags := range [][]string{nil, {"lmdb_powerdns"}, {"purego"}} {
		ctx := gobuild.Default
		ctx.BuildTags = tags
		for _, dir := range packageDirs(t) {
			p, err := ctx.ImportDir(dir, 0)
			if _, none := err.(*gobuild.NoGoError); none {
				continue
			}
			if err != nil {
				t.Fatal(err)
			}
			allowed, known := arrows[dir]
			if !known {
				t.Errorf("%s is not a room of the architecture", dir)
				continue
			}
			seen[dir] = true
			for _, path := range p.Imports {
				checkImport(t, dir, path, allowed)
			}
		}
	}
	for dir := range arrows {
		if !seen[dir] {
			t.Errorf("the architecture has a room %s, the tree has not", dir)
		}
	}
}

func checkImport(t *testing.T, dir, path string, allowed []string) {
	for _, binding := range bindings {
		if strings.HasPrefix(path, binding) && dir != "kv/lmdb" {
			t.Errorf("%s imports %s; only kv/lmdb may", dir, path)
		}
	}
	room := ""
	switch {
	case path == module:
		room = "."
	case strings.HasPrefix(path, module+"/"):
		room = strings.TrimPrefix(path, module+"/")
	default:
		return
	}
	for _, a := range allowed {
		if a == room {
			return
		}
	}
	t.Errorf("%s imports %s: not an arrow of the architecture", dir, room)
}

// ARCHITECTURE.md names each room, but for those within rooms of cmd/ and internal/, each file that it
// names is there, and it is a page.
func TestArchitecture(t *testing.T) {
	text, err := os.ReadFile("ARCHITECTURE.md")
	if err != nil {
		t.Fatal(err)
	}
	page := string(text)
	for dir := range arrows {
		inner := strings.Count(dir, "/") > 1
		if dir != "." && !inner && !strings.Contains(page, "`"+dir+"/`") {
			t.Errorf("ARCHITECTURE.md does not name %s", dir)
		}
	}
	for _, name := range regexp.MustCompile("`[a-z_/]+(/|\\.go)`").FindAllString(page, -1) {
		if _, err := os.Stat(strings.Trim(name, "`")); err != nil && name != "`internal/`" {
			t.Errorf("ARCHITECTURE.md names %s: %v", name, err)
		}
	}
	if lines := strings.Count(page, "\n"); lines > 120 {
		t.Errorf("ARCHITECTURE.md has %d lines", lines)
	}
}

// packageDirs returns the directories of this module: nested modules have their
// own rules.
func packageDirs(t *testing.T) (dirs []string) {
	err := filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.IsDir() {
			return err
		}
		name := d.Name()
		if path != "." && (strings.HasPrefix(name, ".") || strings.HasPrefix(name, "_") || name == "testdata") {
			return fs.SkipDir
		}
		if _, err := os.Stat(filepath.Join(path, "go.mod")); err == nil && path != "." {
			return fs.SkipDir
		}
		dirs = append(dirs, path)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return dirs
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
