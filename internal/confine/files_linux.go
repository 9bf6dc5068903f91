package confine

import (
	"errors"
	"os"

	"github.com/landlock-lsm/go-landlock/landlock"
	ll "github.com/landlock-lsm/go-landlock/landlock/syscall"
)

// The rights that a rule gives below a path (landlock(7), "Filesystem actions"). Reading does not include running.
const (
	reading landlock.AccessFSSet = ll.AccessFSReadFile | ll.AccessFSReadDir
	running landlock.AccessFSSet = reading | ll.AccessFSExecute
	writing landlock.AccessFSSet = reading | ll.AccessFSWriteFile | ll.AccessFSTruncate | ll.AccessFSMakeReg | ll.AccessFSMakeDir |
		ll.AccessFSMakeSock | ll.AccessFSMakeFifo | ll.AccessFSMakeSym | ll.AccessFSRemoveFile | ll.AccessFSRemoveDir
	devices landlock.AccessFSSet = ll.AccessFSReadFile | ll.AccessFSWriteFile | ll.AccessFSTruncate | ll.AccessFSIoctlDev
)

// restrictFiles leaves the process the files of p, and returns the version of landlock that sees to it. Files that are open stay
// open. Version 5 is asked for, which knows files and devices: later ones would also take unix sockets away, to which replies are sent.
func restrictFiles(p Plan) (version int, err error) {
	version, err = ll.LandlockGetABIVersion()
	if err != nil || version < 1 {
		return 0, errors.New("this kernel has no landlock, or lets nobody use it")
	}
	rules := below(reading, append([]string{"/proc/self"}, p.Read...))
	rules = append(rules, below(writing, p.Write)...)
	if p.Programs {
		rules = append(rules, below(running, []string{"/"})...)
		rules = append(rules, below(devices, []string{"/dev"})...)
		rules = append(rules, below(writing, Temp)...)
	}
	if err := landlock.V5.BestEffort().RestrictPaths(rules...); err != nil {
		return 0, err
	}
	return version, nil
}

// ofFiles are the rights that a file can have; the others are those of folders.
const ofFiles landlock.AccessFSSet = ll.AccessFSReadFile | ll.AccessFSWriteFile | ll.AccessFSTruncate | ll.AccessFSExecute | ll.AccessFSIoctlDev

// below gives rights to those of the paths that can be seen, and to all below them.
func below(rights landlock.AccessFSSet, paths []string) (rules []landlock.Rule) {
	for _, path := range paths {
		info, err := os.Stat(path)
		switch {
		case err != nil:
		case info.IsDir():
			rules = append(rules, landlock.PathAccess(rights, path).IgnoreIfMissing())
		default:
			rules = append(rules, landlock.PathAccess(rights&ofFiles, path).IgnoreIfMissing())
		}
	}
	return rules
}
