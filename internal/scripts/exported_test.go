package scripts

import (
	"go/ast"
	"go/doc"
	"go/parser"
	"go/token"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestExportedAreDocumented wants a doc comment for every exported name of the packages that others can import, for each package,
// and an example for each way into the library.
func TestExportedAreDocumented(t *testing.T) {
	list := exec.Command("go", "list", "-f", "{{.Dir}} {{.ImportPath}}", "./...")
	list.Dir = root
	out, err := list.Output()
	if err != nil {
		t.Fatal(err)
	}
	examples := 0
	for line := range strings.Lines(string(out)) {
		dir, path, _ := strings.Cut(strings.TrimSpace(line), " ")
		if strings.Contains(path, "/internal/") || strings.Contains(path, "/cmd/") {
			continue
		}
		p, fset := packageDoc(t, dir, path)
		if p.Doc == "" {
			t.Errorf("package %s has no doc comment", path)
		}
		undocumented(p, func(name string, at token.Pos) {
			t.Errorf("%s: %s has no doc comment", fset.Position(at), name)
		})
		examples += len(p.Examples)
		for _, f := range p.Funcs {
			examples += len(f.Examples)
		}
		for _, typ := range p.Types {
			examples += len(typ.Examples)
			for _, f := range append(typ.Funcs, typ.Methods...) {
				examples += len(f.Examples)
			}
		}
	}
	if examples < 29 {
		t.Errorf("%d examples", examples)
	}
}

func packageDoc(t *testing.T, dir, path string) (*doc.Package, *token.FileSet) {
	names, err := filepath.Glob(filepath.Join(dir, "*.go"))
	if err != nil {
		t.Fatal(err)
	}
	fset := token.NewFileSet()
	var files []*ast.File
	for _, name := range names {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		file, err := parser.ParseFile(fset, name, text, parser.ParseComments)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, file)
	}
	p, err := doc.NewFromFiles(fset, files, path)
	if err != nil {
		t.Fatal(err)
	}
	return p, fset
}

// undocumented tells of every exported name without a comment: of a group of constants or variables one comment is enough.
func undocumented(p *doc.Package, tell func(name string, at token.Pos)) {
	values := func(list []*doc.Value) {
		for _, v := range list {
			for _, s := range v.Decl.Specs {
				spec := s.(*ast.ValueSpec)
				if v.Doc == "" && spec.Doc.Text() == "" && spec.Comment.Text() == "" && spec.Names[0].IsExported() {
					tell(spec.Names[0].Name, spec.Pos())
				}
			}
		}
	}
	funcs := func(list []*doc.Func) {
		for _, f := range list {
			if f.Doc == "" {
				tell(strings.TrimPrefix(f.Recv+"."+f.Name, "."), f.Decl.Pos())
			}
		}
	}
	values(append(p.Consts, p.Vars...))
	funcs(p.Funcs)
	for _, t := range p.Types {
		if t.Doc == "" {
			tell(t.Name, t.Decl.Pos())
		}
		values(append(t.Consts, t.Vars...))
		funcs(append(t.Funcs, t.Methods...))
	}
}

// TestAliasesNameFields: documentation on the web shows nothing of what stands behind an alias, so its comment names every field.
func TestAliasesNameFields(t *testing.T) {
	p, fset := packageDoc(t, root, "github.com/hannoydb/hannoy")
	aliases := 0
	for _, typ := range p.Types {
		spec := typ.Decl.Specs[0].(*ast.TypeSpec)
		of, ok := spec.Type.(*ast.SelectorExpr)
		if !ok || !spec.Assign.IsValid() {
			continue
		}
		aliases++
		for _, field := range fieldsOf(t, of.X.(*ast.Ident).Name, of.Sel.Name) {
			if !regexp.MustCompile(`\b` + field + `\b`).MatchString(typ.Doc) {
				t.Errorf("%s: the comment of %s does not name %s", fset.Position(spec.Pos()), typ.Name, field)
			}
		}
	}
	if aliases < 10 {
		t.Errorf("%d aliases", aliases)
	}
}

// fieldsOf returns the exported fields of a struct, nothing of another type.
func fieldsOf(t *testing.T, pkg, name string) (fields []string) {
	dir := filepath.Join(root, pkg)
	if within, _ := filepath.Glob(filepath.Join(root, "*", pkg)); len(within) == 1 {
		dir = within[0]
	}
	p, _ := packageDoc(t, dir, pkg)
	for _, typ := range p.Types {
		if typ.Name != name {
			continue
		}
		if s, ok := typ.Decl.Specs[0].(*ast.TypeSpec).Type.(*ast.StructType); ok {
			for _, field := range s.Fields.List {
				for _, n := range field.Names {
					if n.IsExported() {
						fields = append(fields, n.Name)
					}
				}
			}
		}
		return fields
	}
	t.Errorf("there is no %s.%s", pkg, name)
	return nil
}
