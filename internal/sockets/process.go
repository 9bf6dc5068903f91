package sockets

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
)

// proc is where the kernel tells about processes; tests give another place.
const proc = "/proc"

// ErrNoProcess is wrapped where there is no such process (any more).
var ErrNoProcess = errors.New("there is no such process")

// Processes returns the numbers of the processes that this one can see, in ascending order.
func Processes() ([]int, error) { return processes(proc) }

func processes(proc string) ([]int, error) {
	names, err := readNames(proc)
	if err != nil {
		return nil, fmt.Errorf("list processes: %w", err)
	}
	var pids []int
	for _, name := range names {
		if pid, ok := number(name); ok {
			pids = append(pids, pid)
		}
	}
	slices.Sort(pids)
	return pids, nil
}

// Named returns the processes whose command is name: what ps(1) shows as COMMAND, whole or as the kernel keeps it, cut to 15 bytes.
func Named(name string) ([]int, error) {
	pids, err := Processes()
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(pids, func(pid int) bool { return !called(pid, name) }), nil
}

func called(pid int, name string) bool {
	const kept = 15 // TASK_COMM_LEN without its NUL
	command := Command(pid)
	if command == name {
		return true
	}
	if len(name) <= kept || command != name[:kept] {
		return false
	}
	line, err := os.ReadFile(filepath.Join(proc, strconv.Itoa(pid), "cmdline"))
	first, _, _ := strings.Cut(string(line), "\x00")
	return err != nil || filepath.Base(first) == name
}

// Command is the name of a process's program as the kernel keeps it, at most 15 bytes of the process's own choice; empty once it is gone.
func Command(pid int) string { return command(proc, pid) }

func command(proc string, pid int) string {
	text, err := os.ReadFile(filepath.Join(proc, strconv.Itoa(pid), "comm"))
	if err != nil {
		return ""
	}
	return strings.TrimSuffix(string(text), "\n")
}

// A descriptor is a number that a process has for a socket.
type descriptor struct {
	fd    int
	inode uint64
}

// descriptors lists those of a process's descriptors that are sockets. Whose process may not be looked into: fs.ErrPermission.
func descriptors(proc string, pid int) ([]descriptor, error) {
	folder := filepath.Join(proc, strconv.Itoa(pid), "fd")
	names, err := readNames(folder)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ESRCH) {
		return nil, fmt.Errorf("process %d: %w", pid, ErrNoProcess)
	}
	if err != nil {
		return nil, fmt.Errorf("process %d: %w", pid, err)
	}
	var found []descriptor
	for _, name := range names {
		fd, ok := number(name)
		if !ok {
			continue
		}
		if inode, ok := socketInode(filepath.Join(folder, name)); ok {
			found = append(found, descriptor{fd, inode})
		}
	}
	slices.SortFunc(found, func(a, b descriptor) int { return a.fd - b.fd })
	return found, nil
}

// socketInode is the number behind a descriptor's link, "socket:[12345]".
func socketInode(link string) (uint64, bool) {
	to, err := os.Readlink(link)
	if err != nil {
		return 0, false
	}
	rest, ok := strings.CutPrefix(to, "socket:[")
	digits, ok2 := strings.CutSuffix(rest, "]")
	inode, err := strconv.ParseUint(digits, 10, 64)
	return inode, ok && ok2 && err == nil
}

// closeOnExec says whether a descriptor is closed when its process starts another program; false, false where nobody tells (proc(5), fdinfo).
func closeOnExec(proc string, pid, fd int) (closes, known bool) {
	text, err := os.ReadFile(filepath.Join(proc, strconv.Itoa(pid), "fdinfo", strconv.Itoa(fd)))
	if err != nil {
		return false, false
	}
	for line := range strings.Lines(string(text)) {
		if rest, ok := strings.CutPrefix(line, "flags:"); ok {
			flags, err := strconv.ParseUint(strings.TrimSpace(rest), 8, 64)
			return flags&syscall.O_CLOEXEC != 0, err == nil
		}
	}
	return false, false
}

// threadOf is the process whose thread has the number, 0 if it is no thread's but a process's own, or nobody's.
func threadOf(number int) int {
	text, err := os.ReadFile(filepath.Join(proc, strconv.Itoa(number), "status"))
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(text)) {
		if rest, ok := strings.CutPrefix(line, "Tgid:"); ok {
			if pid, err := strconv.Atoi(strings.TrimSpace(rest)); err == nil && pid != number {
				return pid
			}
		}
	}
	return 0
}

func readNames(folder string) ([]string, error) {
	d, err := os.Open(folder)
	if err != nil {
		return nil, err
	}
	defer d.Close()
	return d.Readdirnames(-1)
}

func number(name string) (int, bool) {
	n, err := strconv.ParseUint(name, 10, 31)
	return int(n), err == nil
}
