package confine

import (
	"errors"
	"os"
	"strings"

	seccomp "github.com/elastic/go-seccomp-bpf"
	"github.com/elastic/go-seccomp-bpf/arch"
	"golang.org/x/sys/unix"
)

// calls are the system calls that a server makes once its sockets are open, and those that Go's runtime and the C library make for it.
// Those that an architecture does not have are passed over. Among them is none that starts a program, looks into another process,
// changes who this one is, or mounts, loads or configures anything.
var calls = strings.Fields(`
	recvmsg recvmmsg recvfrom sendmsg sendmmsg sendto bind connect listen accept accept4 shutdown
	getsockname getpeername getsockopt setsockopt socketpair

	read readv pread64 write writev pwrite64 close close_range fcntl dup dup2 dup3 ioctl pipe pipe2 flock lseek fsync fdatasync ftruncate
	open openat openat2 stat fstat lstat newfstatat fstatat64 statx statfs fstatfs access faccessat faccessat2 readlink readlinkat getdents64 getcwd
	unlink unlinkat rename renameat renameat2 chmod fchmod fchmodat umask

	poll ppoll select pselect6 epoll_create epoll_create1 epoll_ctl epoll_wait epoll_pwait epoll_pwait2 eventfd2
	nanosleep clock_nanosleep clock_gettime clock_getres gettimeofday time times
	timer_create timer_settime timer_gettime timer_delete setitimer timerfd_create timerfd_settime timerfd_gettime

	mmap munmap mremap mprotect madvise mincore brk membarrier rseq futex futex_waitv set_robust_list get_robust_list set_tid_address
	exit exit_group sched_yield sched_getaffinity sched_setaffinity getcpu restart_syscall arch_prctl prctl
	rt_sigaction rt_sigprocmask rt_sigreturn rt_sigpending rt_sigtimedwait rt_sigsuspend sigaltstack
	wait4 waitid getpid getppid gettid getpgrp getpgid getsid getuid geteuid getresuid getgid getegid getresgid getgroups capget
	getrandom getrusage getrlimit prlimit64 uname sysinfo`)

// filterCalls lets only those system calls through, on every thread; any other fails with EPERM, which nothing dies of. It returns how many
// there are.
func filterCalls() (int, error) {
	if !seccomp.Supported() {
		return 0, errors.New("this kernel has no seccomp filters, or lets nobody use them")
	}
	here, err := arch.GetInfo("")
	if err != nil {
		return 0, errors.New("the calls of this processor are not known")
	}
	onConditions := conditional()
	known := func(names []string) (found []string) {
		for _, name := range names {
			if _, ok := here.SyscallNames[name]; ok {
				found = append(found, name)
			}
		}
		return found
	}
	allowed := seccomp.SyscallGroup{Action: seccomp.ActionAllow, Names: known(calls), NamesWithCondtions: onConditions}
	// The C library tries clone3, whose flags a filter cannot see, and falls back on clone if the kernel does not know it.
	unknown := seccomp.SyscallGroup{Action: seccomp.ActionErrno | seccomp.Action(unix.ENOSYS), Names: known([]string{"clone3"})}
	err = seccomp.LoadFilter(seccomp.Filter{Flag: seccomp.FilterFlagTSync, Policy: seccomp.Policy{
		DefaultAction: seccomp.ActionErrno, Syscalls: []seccomp.SyscallGroup{unknown, allowed}}})
	if err != nil {
		return 0, err
	}
	return len(allowed.Names) + len(onConditions), nil
}

// conditional are the calls that depend on their arguments: new threads but no processes, signals to this process alone, and sockets of
// these families only, none of them a stream or raw over IP.
func conditional() []seccomp.NameWithConditions {
	self := seccomp.Condition{Argument: 0, Operation: seccomp.Equal, Value: uint64(os.Getpid())}
	family := func(n uint64) seccomp.Condition {
		return seccomp.Condition{Argument: 0, Operation: seccomp.Equal, Value: n}
	}
	// SOCK_STREAM is 1, SOCK_DGRAM 2, SOCK_RAW 3, SOCK_SEQPACKET 5.
	datagrams := seccomp.Condition{Argument: 1, Operation: seccomp.BitsNotSet, Value: 1}
	// Where arguments decide against a call, the program goes on with an argument where the call's number was. So these come after every
	// other call, and clone, the most dangerous, last: what follows it is the refusal.
	return []seccomp.NameWithConditions{
		{Name: "socket", Conditions: seccomp.ArgumentConditions{family(unix.AF_UNIX)}},
		{Name: "socket", Conditions: seccomp.ArgumentConditions{family(unix.AF_NETLINK)}},
		{Name: "socket", Conditions: seccomp.ArgumentConditions{family(unix.AF_INET), datagrams}},
		{Name: "socket", Conditions: seccomp.ArgumentConditions{family(unix.AF_INET6), datagrams}},
		{Name: "tgkill", Conditions: seccomp.ArgumentConditions{self}},
		{Name: "kill", Conditions: seccomp.ArgumentConditions{self}},
		{Name: "clone", Conditions: seccomp.ArgumentConditions{{Argument: 0, Operation: seccomp.BitsSet, Value: unix.CLONE_THREAD}}},
	}
}
