//go:build linux

package main

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"time"
)

//go:embed testdata
var sources embed.FS

// upperScript is what socat and ncat run: a program of the shell's world that answers at once. tr alone would keep its output until the end.
const upperScript = "#!/bin/sh\nexec stdbuf -o0 tr a-z A-Z\n"

// tools is the folder with everything that was built.
type tools struct{ dir string }

func (t tools) remove() { _ = os.RemoveAll(t.dir) }

func (t tools) path(name string) string { return filepath.Join(t.dir, name) }

// build writes the sources into a folder of its own and builds them there. Without a C compiler there is no load, and so no comparison.
func build(ctx context.Context) (t tools, err error) {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Minute)
	defer cancel()
	if _, err := exec.LookPath("cc"); err != nil {
		return t, errors.New("no C compiler: the load and the references are in C; install gcc and libc6-dev (or what your system calls them)")
	}
	if t.dir, err = os.MkdirTemp("", "dgram-peers-"); err != nil {
		return t, err
	}
	if err = t.fill(ctx); err != nil {
		t.remove()
	}
	return t, err
}

func (t tools) fill(ctx context.Context) error {
	if err := t.unpack(); err != nil {
		return err
	}
	for _, name := range []string{"load", "recvfrom", "mmsg", "gro", "c2c"} {
		if err := t.compile(ctx, name); err != nil {
			return err
		}
	}
	if err := command(ctx, t.dir, "go", "build", "-o", t.path("naive"), "naive.go"); err != nil {
		return err
	}
	return command(ctx, "", "go", "build", "-o", t.path("dgram"), "dgram/cmd/dgram")
}

func (t tools) unpack() error {
	entries, err := sources.ReadDir("testdata")
	if err != nil {
		return err
	}
	for _, entry := range entries {
		text, err := sources.ReadFile("testdata/" + entry.Name())
		if err != nil {
			return err
		}
		if err := os.WriteFile(t.path(entry.Name()), text, 0o600); err != nil {
			return err
		}
	}
	return os.WriteFile(t.path("upper.sh"), []byte(upperScript), 0o700)
}

// compile asks for the best that the compiler can do on this machine.
func (t tools) compile(ctx context.Context, name string) error {
	return command(ctx, t.dir, "cc", "-O3", "-march=native", "-pthread", "-o", t.path(name), name+".c")
}

func command(ctx context.Context, dir, name string, args ...string) error {
	c := exec.CommandContext(ctx, name, args...)
	c.Dir, c.Env = dir, append(os.Environ(), "CGO_ENABLED=0") // as README builds what is to be kept
	if out, err := c.CombinedOutput(); err != nil {
		return fmt.Errorf("%v: %w\n%s", c.Args, err, out)
	}
	return nil
}
