package demo

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"go/ast"
	"go/build"
	"go/doc"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"github.com/hannoydb/hannoy/cmd/hannoyctl/internal/measure"
	"github.com/hannoydb/hannoy/cmd/hannoyctl/internal/terminal"
)

// An entry is one documented name of the Go standard library.
type entry struct {
	name  string // "net/http.Client.Do"
	text  string // its doc comment
	first string // the first sentence of it
}

// topic is the first part of the package's path: "net".
func (e entry) topic() string {
	pkg, _, _ := strings.Cut(e.name, ".")
	first, _, _ := strings.Cut(pkg, "/")
	return first
}

// sourceDir is where this machine keeps the sources of the standard library.
func sourceDir(ctx context.Context) (string, error) {
	roots := []string{os.Getenv("GOROOT")}
	if out, err := exec.CommandContext(ctx, "go", "env", "GOROOT").Output(); err == nil {
		roots = append(roots, strings.TrimSpace(string(out)))
	}
	for _, root := range roots {
		if dir := filepath.Join(root, "src"); root != "" && isDir(filepath.Join(dir, "strings")) {
			return dir, nil
		}
	}
	if ctx.Err() != nil {
		return "", ctx.Err()
	}
	return "", terminal.WithHint(fmt.Errorf("the sources of Go's standard library are not here (go env GOROOT: %s)", cmp.Or(roots[len(roots)-1], "no answer")),
		"install Go, set GOROOT, or name any tree of Go packages with --source DIR")
}

func isDir(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}

// readCorpus collects the documented exported names of all packages below dir, sorted.
func readCorpus(ctx context.Context, dir string, threads int, bar *terminal.Bar) ([]entry, error) {
	packages, err := packageDirs(dir)
	if err != nil {
		return nil, err
	}
	found := make([][]entry, len(packages))
	err = measure.InParallel(ctx, threads, len(packages), func(i int) error {
		found[i] = packageEntries(dir, packages[i])
		return nil
	}, func(done int64) { bar.Set("reading", done, int64(len(packages)), -1) })
	if err != nil {
		return nil, err
	}
	all := slices.Concat(found...)
	if len(all) < 1000 {
		return nil, terminal.WithHint(fmt.Errorf("%s has %s with a doc comment, too few to show anything", dir, terminal.Plural(len(all), "exported name")),
			"name a larger tree of Go packages with --source DIR")
	}
	slices.SortFunc(all, func(a, b entry) int { return strings.Compare(a.name, b.name) })
	return all, nil
}

// packageDirs lists the directories of public packages. syscall is left out: its thousands of names are numbers.
func packageDirs(dir string) (dirs []string, err error) {
	err = filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.IsDir() {
			return err
		}
		switch name := d.Name(); {
		case path != dir && (strings.HasPrefix(name, ".") || strings.HasPrefix(name, "_")),
			slices.Contains([]string{"internal", "vendor", "testdata", "cmd", "syscall"}, name):
			return fs.SkipDir
		}
		dirs = append(dirs, path)
		return nil
	})
	if errors.Is(err, fs.ErrNotExist) {
		err = fmt.Errorf("%s: %w", dir, fs.ErrNotExist)
	}
	return dirs, err
}

// packageEntries are the documented names of the package in a directory. One that cannot be read has none: it is not
// ours to mend.
func packageEntries(root, dir string) (entries []entry) {
	info, err := build.ImportDir(dir, 0)
	path, relErr := filepath.Rel(root, dir)
	if err != nil || relErr != nil || info.IsCommand() {
		return nil
	}
	files, set := []*ast.File(nil), token.NewFileSet()
	for _, name := range slices.Concat(info.GoFiles, info.CgoFiles) {
		if file, err := parser.ParseFile(set, filepath.Join(dir, name), nil, parser.ParseComments); err == nil {
			files = append(files, file)
		}
	}
	pkg, err := doc.NewFromFiles(set, files, filepath.ToSlash(path))
	if err != nil {
		return nil
	}
	add := func(name, text string) {
		if text = strings.TrimSpace(text); text != "" {
			entries = append(entries, entry{pkg.ImportPath + "." + name, text, pkg.Synopsis(text)})
		}
	}
	funcs := func(prefix string, list []*doc.Func) {
		for _, f := range list {
			add(prefix+f.Name, f.Doc)
		}
	}
	values := func(list []*doc.Value) {
		for _, v := range list {
			for _, spec := range v.Decl.Specs {
				s := spec.(*ast.ValueSpec)
				text := cmp.Or(s.Doc.Text(), s.Comment.Text())
				if len(v.Decl.Specs) == 1 {
					text = v.Doc
				}
				add(s.Names[0].Name, text)
			}
		}
	}
	funcs("", pkg.Funcs)
	values(slices.Concat(pkg.Consts, pkg.Vars))
	for _, t := range pkg.Types {
		add(t.Name, t.Doc)
		funcs("", t.Funcs)
		funcs(t.Name+".", t.Methods)
		values(slices.Concat(t.Consts, t.Vars))
	}
	return entries
}
