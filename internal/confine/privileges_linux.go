package confine

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
	"kernel.org/pub/linux/libs/security/libcap/psx"
)

// become gives up root for u, on every thread: supplementary groups, capabilities of all five sets, group and user. It looks at what
// the kernel says of each thread afterwards, and fails if anything is left.
func become(u User) error {
	if os.Geteuid() != 0 {
		return fmt.Errorf("only root can become somebody else, and this is user %d: start it as root, or leave --user away", os.Geteuid())
	}
	// The bounding set is root's to empty, so it comes first.
	if err := emptyBoundingSet(); err != nil {
		return err
	}
	// Package syscall carries these out on every thread, with or without cgo.
	if err := syscall.Setgroups(nil); err != nil {
		return fmt.Errorf("leave all groups (setgroups(2)): %w", err)
	}
	if err := syscall.Setresgid(u.GID, u.GID, u.GID); err != nil {
		return fmt.Errorf("change the group to %d (setresgid(2)): %w", u.GID, err)
	}
	if err := syscall.Setresuid(u.UID, u.UID, u.UID); err != nil {
		return fmt.Errorf("change the user to %d (setresuid(2)): %w", u.UID, err)
	}
	if err := emptyOtherSets(); err != nil {
		return err
	}
	return eachThread(func(status map[string]string) error {
		return errors.Join(isAccount(status, u), hasNoCapability(status))
	})
}

// shedCapabilities drops what it may.
func shedCapabilities() {
	_ = emptyBoundingSet() // needs CAP_SETPCAP; without new privileges a set that cannot be reached changes nothing
	_ = emptyOtherSets()   // may be forbidden where there are none; what is left is looked at
}

// emptyBoundingSet drops each capability that the kernel knows (capabilities(7), "Capability bounding set").
func emptyBoundingSet() error {
	for c := uintptr(0); c < 64; c++ {
		err := prctl(unix.PR_CAPBSET_DROP, c, 0)
		if errors.Is(err, unix.EINVAL) && c > unix.CAP_AUDIT_READ {
			return nil // past the last one
		}
		if err != nil {
			return fmt.Errorf("drop capability %d for good: %w", c, err)
		}
	}
	return nil
}

// What capset(2) is given: version 3, this thread, and three empty sets. They are variables of the package so that they stay where they are.
var (
	capHeader = unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	capNone   [2]unix.CapUserData
)

// emptyOtherSets empties the ambient, inheritable, permitted and effective sets.
func emptyOtherSets() error {
	if err := prctl(unix.PR_CAP_AMBIENT, unix.PR_CAP_AMBIENT_CLEAR_ALL, 0); err != nil && !errors.Is(err, unix.EINVAL) { // EINVAL: before Linux 4.3
		return fmt.Errorf("clear ambient capabilities: %w", err)
	}
	if _, _, errno := psx.Syscall3(unix.SYS_CAPSET, uintptr(unsafe.Pointer(&capHeader)), uintptr(unsafe.Pointer(&capNone[0])), 0); errno != 0 {
		return fmt.Errorf("drop all capabilities (capset(2)): %w", errno)
	}
	return nil
}

// noNewPrivileges makes sure that no program that is started gains rights by set-user-ID or file capabilities.
func noNewPrivileges() error {
	if err := prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0); err != nil {
		return fmt.Errorf("forbid new privileges: %w", err)
	}
	return eachThread(func(status map[string]string) error {
		if status["NoNewPrivs"] != "1" {
			return errors.New("may gain privileges")
		}
		return nil
	})
}

// prctl calls prctl(2) on every thread.
func prctl(option int, a, b uintptr) error {
	if _, _, errno := psx.Syscall6(unix.SYS_PRCTL, uintptr(option), a, b, 0, 0, 0); errno != 0 {
		return errno
	}
	return nil
}

func withoutCapabilities() error { return eachThread(hasNoCapability) }

func hasNoCapability(status map[string]string) error {
	for _, set := range []string{"CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"} {
		if n, err := strconv.ParseUint(status[set], 16, 64); err != nil || n != 0 {
			return fmt.Errorf("still has capabilities: %s %s", set, status[set])
		}
	}
	return nil
}

func isAccount(status map[string]string, u User) error {
	for what, want := range map[string]int{"Uid": u.UID, "Gid": u.GID} {
		for _, field := range strings.Fields(status[what]) { // real, effective, saved, file system
			if field != strconv.Itoa(want) {
				return fmt.Errorf("still has another %s: %s", strings.ToLower(what), status[what])
			}
		}
	}
	if groups := status["Groups"]; groups != "" {
		return fmt.Errorf("is still in groups %s", groups)
	}
	return nil
}

// eachThread looks at every thread as the kernel tells it in /proc/self/task/*/status (proc_pid_status(5)).
func eachThread(check func(status map[string]string) error) error {
	files, err := filepath.Glob("/proc/self/task/*/status")
	if err != nil || len(files) == 0 {
		return errors.New("cannot see what rights the threads have: is /proc mounted?")
	}
	seen := 0
	for _, file := range files {
		text, err := os.ReadFile(file)
		if errors.Is(err, os.ErrNotExist) || errors.Is(err, unix.ESRCH) {
			continue // a thread that ended
		}
		if err != nil {
			return err
		}
		seen++
		if err := check(parseStatus(string(text))); err != nil {
			return fmt.Errorf("thread %s %w", filepath.Base(filepath.Dir(file)), err)
		}
	}
	if seen == 0 {
		return errors.New("cannot see what rights the threads have")
	}
	return nil
}

func parseStatus(text string) map[string]string {
	status := make(map[string]string)
	for line := range strings.Lines(text) {
		name, value, _ := strings.Cut(line, ":")
		status[name] = strings.TrimSpace(value)
	}
	return status
}
