package arch

import (
	"go/ast"
	"go/build/constraint"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A goFile is what the rules look at in one file of the module.
type goFile struct {
	path, folder, name string // slash-separated, from the module's root
	pkg                string // the package clause
	constraint         string // its //go:build line, or ""
	documented         bool   // the package clause has a comment
	test, generated    bool
	lines              int
	functions          []function
}

type function struct {
	name  string
	lines int
}

// goFiles reads every Go file of the module, for whatever system it is.
func goFiles(t *testing.T) []goFile {
	t.Helper()
	var files []goFile
	root := os.DirFS("../..")
	err := fs.WalkDir(root, ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		base := entry.Name()
		if entry.IsDir() && name != "." && (base == "testdata" || base[0] == '.' || base[0] == '_') {
			return fs.SkipDir
		}
		if entry.IsDir() || filepath.Ext(base) != ".go" {
			return nil
		}
		source, err := fs.ReadFile(root, name)
		if err != nil {
			return err
		}
		files = append(files, parse(t, name, source))
		return nil
	})
	if err != nil {
		t.Fatalf("reading the module's files: %v", err)
	}
	return files
}

func parse(t *testing.T, name string, source []byte) goFile {
	t.Helper()
	set := token.NewFileSet()
	tree, err := parser.ParseFile(set, name, source, parser.ParseComments)
	if err != nil {
		t.Fatal(err)
	}
	f := goFile{
		path:       name,
		folder:     filepath.ToSlash(filepath.Dir(name)),
		name:       filepath.Base(name),
		pkg:        tree.Name.Name,
		documented: tree.Doc != nil,
		test:       strings.HasSuffix(name, "_test.go"),
		generated:  ast.IsGenerated(tree),
		lines:      set.File(tree.Pos()).LineCount(),
	}
	for _, group := range tree.Comments {
		for _, comment := range group.List {
			if comment.Pos() < tree.Package && constraint.IsGoBuild(comment.Text) {
				f.constraint = comment.Text
			}
		}
	}
	for _, d := range tree.Decls {
		if d, ok := d.(*ast.FuncDecl); ok {
			f.functions = append(f.functions, function{d.Name.Name, set.Position(d.End()).Line - set.Position(d.Pos()).Line + 1})
		}
	}
	return f
}

func folders(files []goFile) map[string][]goFile {
	m := map[string][]goFile{}
	for _, f := range files {
		m[f.folder] = append(m[f.folder], f)
	}
	return m
}
