package scripts

import (
	"bytes"
	"fmt"
	"go/ast"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hannoydb/hannoy/internal/vecfile"
)

const root = "../.."

// A snippet is a fenced block of a page.
type snippet struct {
	page     string
	line     int // of its first line
	language string
	text     string
}

// snippetsOf are the blocks of the README and of the pages in docs.
func snippetsOf(t *testing.T) []snippet {
	t.Helper()
	pages, err := filepath.Glob(root + "/docs/*.md")
	if err != nil || len(pages) < 5 {
		t.Fatalf("pages: %q, %v", pages, err)
	}
	var found []snippet
	for _, page := range append(pages, root+"/README.md") {
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		var now *snippet
		for i, line := range strings.Split(string(text), "\n") {
			fence, ok := strings.CutPrefix(strings.TrimLeft(line, " "), "```")
			switch {
			case ok && now == nil && fence != "go" && fence != "sh":
				t.Errorf("%s:%d: nobody tries a snippet of %q", page, i+1, fence)
				fallthrough
			case ok && now == nil:
				now = &snippet{page: page, line: i + 2, language: fence}
			case ok:
				found = append(found, *now)
				now = nil
			case now != nil:
				now.text += line + "\n"
			}
		}
		if now != nil {
			t.Errorf("%s has no end", now.name())
		}
	}
	return found
}

func (s snippet) name() string { return fmt.Sprintf("%s:%d", filepath.Base(s.page), s.line) }

// prelude is what the snippets in Go may use without saying where it comes from.
const prelude = `package snippet

import (
	"context"
	"errors"
	"fmt"
	"log"
	"os"
	"time"

	"github.com/RoaringBitmap/roaring/v2"

	"github.com/hannoydb/hannoy"
)

func _(ctx context.Context, ix *hannoy.Index, key []byte, vector, query []float32, caption []byte, keys [][]byte, vectors [][]float32,
	queries []hannoy.Query, texts, images *hannoy.Index, a, b hannoy.Query) error {
	{
`

// TestGoSnippets compiles every snippet in Go.
func TestGoSnippets(t *testing.T) {
	fset := token.NewFileSet()
	imports := importer.ForCompiler(fset, "gc", exports(t))
	n := 0
	for _, s := range snippetsOf(t) {
		if s.language != "go" {
			continue
		}
		n++
		file, err := parser.ParseFile(fset, s.name(), prelude+s.text+"\n}\nreturn nil\n}\n", 0)
		if err != nil {
			t.Errorf("%s: %v", s.name(), err)
			continue
		}
		config := types.Config{Importer: imports, Error: func(err error) {
			if e, ok := err.(types.Error); !ok || !e.Soft { // soft: something is not used
				t.Errorf("%v (the snippet begins at line %d of the file)", err, 1+strings.Count(prelude, "\n"))
			}
		}}
		_, _ = config.Check("snippet", fset, []*ast.File{file}, nil) // its error is the first of those above
	}
	if n < 5 {
		t.Errorf("%d snippets in Go: have they lost their mark?", n)
	}
}

// exports finds what the compiler knows of packages.
func exports(t *testing.T) importer.Lookup {
	t.Helper()
	out, err := exec.Command("go", "list", "-export", "-deps", "-f", "{{.ImportPath}}={{.Export}}",
		"github.com/hannoydb/hannoy", "github.com/RoaringBitmap/roaring/v2", "log", "time", "os", "errors", "fmt").Output()
	if err != nil {
		t.Fatal(err)
	}
	files := map[string]string{}
	for line := range strings.Lines(string(out)) {
		path, file, _ := strings.Cut(strings.TrimSpace(line), "=")
		files[path] = file
	}
	return func(path string) (io.ReadCloser, error) {
		if files[path] == "" {
			return nil, fmt.Errorf("no package %s", path)
		}
		return os.Open(files[path])
	}
}

// TestShellSnippets runs every snippet of shell, those of a page in one directory, in their order. What installs or
// runs make is not run, since that is what brought the programs here, but looked at.
func TestShellSnippets(t *testing.T) {
	byPage := map[string][]snippet{}
	for _, s := range snippetsOf(t) {
		if s.language == "sh" {
			byPage[s.page] = append(byPage[s.page], s)
		}
	}
	if len(byPage) < 5 {
		t.Errorf("%d pages with shell: have the blocks lost their mark?", len(byPage))
	}
	for page, snippets := range byPage {
		t.Run(filepath.Base(page), func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			dimensions := 16
			if filepath.Base(page) == "README.md" {
				dimensions = 2 // that one can type
			}
			prepare(t, dir, dimensions)
			for _, s := range snippets {
				var script strings.Builder
				script.WriteString("set -eu\n")
				for line := range strings.Lines(s.text) {
					line = strings.TrimLeft(line, " ")
					if strings.HasPrefix(line, "go ") || strings.HasPrefix(line, "make") {
						wouldRun(t, s, strings.Fields(line))
						continue
					}
					script.WriteString(line)
				}
				if out, err := inShell(dir, script.String()); err != nil {
					t.Fatalf("%s: %v\n%s", s.name(), err, out)
				}
			}
		})
	}
}

// wouldRun wants make to know the targets, and this repository to have the packages, of a line that is not run.
func wouldRun(t *testing.T, s snippet, words []string) {
	if words[0] == "make" {
		if out, err := exec.Command("make", append([]string{"-n", "-C", root}, words[1:]...)...).CombinedOutput(); err != nil {
			t.Errorf("%s: %s: %v\n%s", s.name(), words, err, out)
		}
		return
	}
	path, _, _ := strings.Cut(strings.TrimPrefix(words[len(words)-1], "github.com/hannoydb/hannoy"), "@")
	if _, err := os.Stat(root + path); err != nil {
		t.Errorf("%s: %s: %v", s.name(), words, err)
	}
}

func inShell(dir, script string) ([]byte, error) {
	cmd := exec.Command("sh", "-c", script)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "PATH="+programs+string(os.PathListSeparator)+os.Getenv("PATH"))
	return cmd.CombinedOutput()
}

// prepare makes the files that the pages speak of.
func prepare(t *testing.T, dir string, dimensions int) {
	t.Helper()
	random := rand.New(rand.NewPCG(1, 2))
	for name, rows := range map[string]int{"base.fbin": 500, "query.fbin": 20} {
		w, err := vecfile.Create(filepath.Join(dir, name), &vecfile.WriterOptions{Dimensions: dimensions, Rows: int64(rows)})
		if err != nil {
			t.Fatal(err)
		}
		defer w.Abort()
		row := make([]float32, dimensions)
		for range rows {
			for i := range row {
				row[i] = float32(random.NormFloat64())
			}
			if err := w.WriteVector(row); err != nil {
				t.Fatal(err)
			}
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
	}
	index, err := os.ReadFile("../vecfile/testdata/index.hnswlib")
	if err != nil {
		t.Fatal(err)
	}
	items := `{"key":"a","vector":[1,0,0],"labels":["lang:en"]}
{"key":"b","vector":[0,1,0],"labels":["lang:en","draft"]}
{"key":"c","vector":[0,0,1],"labels":["lang:de","red"],"value":{"likes":7}}
`
	for name, text := range map[string][]byte{"index.hnswlib": index, "items.jsonl": []byte(items), "items.csv": []byte("key,x,y,z\na,1,0,0\nb,0,1,0\n")} {
		if err := os.WriteFile(filepath.Join(dir, name), bytes.Clone(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if out, err := inShell(dir, "hannoyctl truth --base base.fbin --input query.fbin --out gt.ibin -k 10 --metric cosine"); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
}
