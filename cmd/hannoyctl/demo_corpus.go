package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"go/ast"
	"go/doc"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

// An entry is one documented name of the Go standard library.
type entry struct {
	name  string // "net/http.Client.Do"
	text  string // its doc comment
	first string // the first sentence of it
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
	return "", withHint(fmt.Errorf("the sources of Go's standard library are not here (go env GOROOT: %s)", cmp.Or(roots[len(roots)-1], "no answer")),
		"install Go, set GOROOT, or name any tree of Go packages with --source DIR")
}

func isDir(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}

// readCorpus collects the documented exported names of all packages below dir, sorted, each once.
func readCorpus(ctx context.Context, dir string, threads int, bar *bar) ([]entry, error) {
	files, err := sourceFiles(dir)
	if err != nil {
		return nil, err
	}
	found := make([][]entry, len(files))
	err = inParallel(ctx, threads, len(files), func(i int) error {
		found[i] = fileEntries(dir, files[i])
		return nil
	}, func(done int64) { bar.set("reading", done, int64(len(files)), -1) })
	if err != nil {
		return nil, err
	}
	all := slices.Concat(found...)
	if len(all) < 1000 {
		return nil, withHint(fmt.Errorf("%s has %s with a doc comment, too few to show anything", dir, plural(len(all), "exported name")),
			"name a larger tree of Go packages with --source DIR")
	}
	// The same name may stand in files for several systems.
	slices.SortStableFunc(all, func(a, b entry) int { return strings.Compare(a.name, b.name) })
	return slices.CompactFunc(all, func(a, b entry) bool { return a.name == b.name }), nil
}

// sourceFiles lists the files of public packages. syscall is left out: its thousands of names are numbers.
func sourceFiles(dir string) ([]string, error) {
	var files []string
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name := d.Name()
		if d.IsDir() {
			switch name {
			case "internal", "vendor", "testdata", "cmd", "syscall":
				return fs.SkipDir
			}
			if strings.HasPrefix(name, ".") && path != dir || strings.HasPrefix(name, "_") {
				return fs.SkipDir
			}
			return nil
		}
		if strings.HasSuffix(name, ".go") && !strings.HasSuffix(name, "_test.go") {
			files = append(files, path)
		}
		return nil
	})
	if errors.Is(err, fs.ErrNotExist) {
		err = fmt.Errorf("%s: %w", dir, fs.ErrNotExist)
	}
	return files, err
}

// fileEntries are the documented names of one file. A file that does not parse has none: it is not ours to mend.
func fileEntries(dir, path string) []entry {
	file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ParseComments|parser.SkipObjectResolution)
	if err != nil || file.Name.Name == "main" {
		return nil
	}
	pkg, err := filepath.Rel(dir, filepath.Dir(path))
	if err != nil {
		return nil
	}
	var out []entry
	add := func(name string, comment *ast.CommentGroup) {
		if text := strings.TrimSpace(comment.Text()); text != "" {
			out = append(out, entry{filepath.ToSlash(pkg) + "." + name, text, new(doc.Package).Synopsis(text)})
		}
	}
	for _, decl := range file.Decls {
		switch d := decl.(type) {
		case *ast.FuncDecl:
			if name, ok := funcName(d); ok {
				add(name, d.Doc)
			}
		case *ast.GenDecl:
			for _, spec := range d.Specs {
				name, comment := specName(spec, d)
				if ast.IsExported(name) {
					add(name, comment)
				}
			}
		}
	}
	return out
}

// funcName is Name, or Type.Name of a method, if both are exported.
func funcName(d *ast.FuncDecl) (string, bool) {
	name := d.Name.Name
	if d.Recv == nil || len(d.Recv.List) == 0 {
		return name, ast.IsExported(name)
	}
	t := d.Recv.List[0].Type
	for {
		switch v := t.(type) {
		case *ast.StarExpr:
			t = v.X
		case *ast.IndexExpr:
			t = v.X
		case *ast.IndexListExpr:
			t = v.X
		case *ast.Ident:
			return v.Name + "." + name, ast.IsExported(v.Name) && ast.IsExported(name)
		default:
			return "", false
		}
	}
}

// specName is the first name that a type, constant or variable declares, with the comment on it.
func specName(spec ast.Spec, d *ast.GenDecl) (string, *ast.CommentGroup) {
	alone := !d.Lparen.IsValid()
	switch s := spec.(type) {
	case *ast.TypeSpec:
		if alone {
			return s.Name.Name, d.Doc
		}
		return s.Name.Name, s.Doc
	case *ast.ValueSpec:
		switch {
		case alone:
			return s.Names[0].Name, d.Doc
		case s.Doc != nil:
			return s.Names[0].Name, s.Doc
		}
		return s.Names[0].Name, s.Comment
	}
	return "", nil
}
