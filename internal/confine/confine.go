package confine

import (
	"errors"
	"fmt"
	"os/user"
	"strconv"
	"strings"
)

// User is an account that a process can become.
type User struct {
	Name     string // as it was asked for
	UID, GID int
}

// LookUser reads NAME or NAME:GROUP; both may be numbers. Without GROUP it is the account's own. The error says what to give instead.
func LookUser(text string) (User, error) {
	name, group, grouped := strings.Cut(text, ":")
	u := User{Name: text}
	account, err := lookAccount(name)
	if err != nil && !(grouped && isNumber(name)) {
		return u, fmt.Errorf("there is no user %q on this machine: give a name of /etc/passwd, or numbers as in 65534:65534", name)
	}
	u.UID, u.GID = number(name), -1
	if err == nil {
		u.UID, u.GID = number(account.Uid), number(account.Gid)
	}
	if grouped {
		if u.GID, err = lookGroup(group); err != nil {
			return u, err
		}
	}
	switch {
	case u.UID == 0:
		return u, errors.New("root keeps the rights that are to be dropped: give another user, nobody for example")
	case u.UID < 0 || u.GID < 0:
		return u, fmt.Errorf("user %q: this system has no numbers for users", name)
	}
	return u, nil
}

func lookAccount(name string) (*user.User, error) {
	account, err := user.Lookup(name)
	if err != nil && isNumber(name) {
		return user.LookupId(name)
	}
	return account, err
}

func lookGroup(name string) (int, error) {
	group, err := user.LookupGroup(name)
	switch {
	case err == nil:
		return number(group.Gid), nil
	case isNumber(name):
		return number(name), nil
	}
	return -1, fmt.Errorf("there is no group %q on this machine: give a name of /etc/group, or a number", name)
}

// isNumber reports whether text can be the number of a user: the largest one means "leave it as it is" (setresuid(2)).
func isNumber(text string) bool {
	n, err := strconv.ParseUint(text, 10, 32)
	return err == nil && n < 1<<32-1
}

func number(text string) int {
	if !isNumber(text) {
		return -1
	}
	n, _ := strconv.Atoi(text) // it is one
	return n
}

// Plan says what the process still needs.
type Plan struct {
	// User is who to become, nil to stay. Becoming somebody drops every right of root, or fails.
	User *User
	// Programs are started later on: they may read and run any file, and write below the folders of Write and under Temp. There is no
	// filter of system calls then, and without a User, capabilities stay.
	Programs bool
	// RightsOnly leaves files and system calls as they are.
	RightsOnly bool
	// Read are files and folders, with all below, that will be opened for reading. What does not exist is passed over.
	Read []string
	// Write are folders below which files, and sockets of files, are made and removed.
	Write []string
}

// Temp are the folders where programs may always write.
var Temp = []string{"/tmp", "/var/tmp", "/dev/shm"}

// Report says what holds after Apply.
type Report struct {
	User           string // who the process has become; "" if it stayed who it was
	NoCapabilities bool   // no thread has a capability, or can have one again
	Landlock       int    // the version of landlock that confines files, as the kernel counts; 0: none
	Calls          int    // how many system calls are allowed; 0: all
	Missing        []string
}

// String says it in a line.
func (r Report) String() string {
	var held []string
	if r.User != "" {
		held = append(held, "user "+r.User)
	}
	if r.NoCapabilities {
		held = append(held, "no capabilities")
	}
	if r.Landlock > 0 {
		held = append(held, fmt.Sprintf("files (landlock, version %d)", r.Landlock))
	}
	if r.Calls > 0 {
		held = append(held, fmt.Sprintf("system calls (seccomp, %d allowed)", r.Calls))
	}
	text := "not confined"
	if len(held) > 0 {
		text = "confined: " + strings.Join(held, ", ")
	}
	if len(r.Missing) > 0 {
		text += "; " + strings.Join(r.Missing, "; ")
	}
	return text
}
