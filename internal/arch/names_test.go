package arch

import (
	"os"
	"path"
	"regexp"
	"strings"
	"testing"
)

// platformWords are the last parts of a file name that keep the file out of every other build (go help
// buildconstraint): the systems and architectures of `go tool dist list`, and those that the name is reserved for.
var platformWords = strings.Fields(`
	aix android darwin dragonfly freebsd hurd illumos ios js linux nacl netbsd openbsd plan9 solaris wasip1 windows zos
	386 amd64 amd64p32 arm arm64 arm64be armbe loong64 mips mips64 mips64le mips64p32 mips64p32le mipsle
	ppc ppc64 ppc64le riscv riscv64 s390 s390x sparc sparc64 wasm`)

// A file named transform_js.go is silently left out of a build. So a name may end in linux, or be one half of a
// platform pair; any other such name has to say in the file, with a build constraint, that it is meant.
func TestNoFileIsLeftOutByItsName(t *testing.T) {
	files := goFiles(t)
	known := paths(files)
	for _, f := range files {
		word := lastWord(f.name)
		if word == "" || word == "linux" || f.constraint != "" || known[strings.TrimSuffix(f.path, word+".go")+"other.go"] {
			continue
		}
		t.Errorf("%s: the name ends in %q, so only builds for it see the file: rename it, or write the //go:build line that says so",
			f.path, word)
	}
}

func paths(files []goFile) map[string]bool {
	known := map[string]bool{}
	for _, f := range files {
		known[f.path] = true
	}
	return known
}

// lastWord is the platform that a file's name ends in, or "" when it names none.
func lastWord(name string) string {
	stem := strings.TrimSuffix(strings.TrimSuffix(name, ".go"), "_test")
	at := strings.LastIndexByte(stem, '_')
	if at <= 0 { // linux.go itself is for every system
		return ""
	}
	for _, word := range platformWords {
		if stem[at+1:] == word {
			return word
		}
	}
	return ""
}

func TestLastWord(t *testing.T) {
	for name, want := range map[string]string{
		"transform_js.go":     "js",
		"batch_linux.go":      "linux",
		"batch_linux_test.go": "linux",
		"linux.go":            "",
		"batch_other.go":      "",
		"batch_test.go":       "",
		"a_arm64.go":          "arm64",
	} {
		if got := lastWord(name); got != want {
			t.Errorf("lastWord(%q) = %q, want %q", name, got, want)
		}
	}
}

// The two files of a platform pair have the same functions, so x_other.go alone is a pair torn apart.
func TestPlatformPairs(t *testing.T) {
	files := goFiles(t)
	known := paths(files)
	for _, f := range files {
		stem, isOther := strings.CutSuffix(f.path, "_other.go")
		if !isOther {
			continue
		}
		if !known[stem+"_linux.go"] && !known[stem+"_windows.go"] && !known[stem+"_unix.go"] {
			t.Errorf("%s has no %s_linux.go (or _windows.go, _unix.go) beside it", f.path, path.Base(stem))
		}
		if f.constraint == "" {
			t.Errorf("%s has no //go:build line: its name alone leaves it in every build", f.path)
		}
	}
}

func TestEveryPackageSaysWhatItIs(t *testing.T) {
	for folder, files := range folders(goFiles(t)) {
		said, needed := false, false
		for _, f := range files {
			said = said || (f.documented && (f.name == "doc.go" || f.pkg == "main"))
			needed = needed || !f.test
		}
		if needed && !said {
			t.Errorf("%s: no doc.go with a package comment", folder)
		}
	}
}

// The arrows only hold where a rule names the folder.
func TestEveryPackageStandsOnAFloor(t *testing.T) {
	text, err := os.ReadFile("../../.golangci.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for folder := range folders(goFiles(t)) {
		if !onAFloor(string(text), folder) {
			t.Errorf("%s: no depguard rule in .golangci.yaml names this folder: put it on its floor there", folder)
		}
	}
}

// onAFloor looks for a line of files that covers the folder itself or a folder above it.
func onAFloor(config, folder string) bool {
	if folder == "." {
		return strings.Contains(config, `"${base-path}/*.go"`)
	}
	for ; folder != "."; folder = path.Dir(folder) {
		if regexp.MustCompile(`"\$\{base-path\}/` + regexp.QuoteMeta(folder) + `/\*\*"`).MatchString(config) {
			return true
		}
	}
	return false
}
