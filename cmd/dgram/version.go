package main

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"runtime/debug"
)

var versionVerb = verb{
	use:   "version",
	short: "print the version, and what it was built from",
	long:  `Prints the version of the module, the revision it was built from, and the version and platform of Go.`,
	example: `# which dgram is this?
dgram version`,
	setup: func(c *command) runner {
		return func(_ context.Context, args []string) error {
			if len(args) > 0 {
				return errors.New("version takes no arguments")
			}
			fmt.Fprintln(c.stdout, versionLine())
			return nil
		}
	},
}

// versionLine is made of what the Go command wrote into the binary (runtime/debug.BuildInfo).
func versionLine() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		info = new(debug.BuildInfo)
	}
	return describe(info)
}

func describe(info *debug.BuildInfo) string {
	version := info.Main.Version
	if version == "" || version == "(devel)" {
		version = "devel"
	}
	revision := ""
	for _, s := range info.Settings {
		switch {
		case s.Key == "vcs.revision" && s.Value != "":
			revision = " " + s.Value[:min(12, len(s.Value))] + revision
		case s.Key == "vcs.modified" && s.Value == "true":
			revision += " (modified)"
		}
	}
	return fmt.Sprintf("dgram %s%s %s %s/%s", version, revision, runtime.Version(), runtime.GOOS, runtime.GOARCH)
}
