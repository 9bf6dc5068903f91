package dgram

import (
	"fmt"
	"os"
)

// Giver is a Conn whose socket can be handed to another process, which receives from it at the same time or afterwards: what the system has queued
// is lost by neither. Conns over the kernel's own calls are Givers; [ListenFD] is the other end.
type Giver interface {
	Conn
	// File returns a copy of the descriptor, close-on-exec, for a child process (exec.Cmd.ExtraFiles) or a unix socket (SCM_RIGHTS,
	// unix(7)). The caller closes it.
	File() (*os.File, error)
	// Keep makes the Conn leave the socket as it is (true), or lets it go on changing what it changes by itself (false): receive offload
	// (Options.AutoGRO) and fragments (Options.Atomic), about which two processes that use one socket have to agree. Both keep it while both use it.
	// Each Keep(true) wants its Keep(false).
	Keep(steady bool)
	// OwnsPath reports whether Close removes the path of a unix socket.
	OwnsPath() bool
	// Disown makes Close leave that path alone, because the other process has it now.
	Disown()
}

// ListenFD makes a Conn of a socket that this process was given: by a parent, by systemd (sd_listen_fds(3)), or by another server. It must be a bound
// UDP or unix datagram socket. The Conn owns the descriptor; after an error a socket is closed, and a descriptor that is no socket is left as
// it was.
//
// What the socket is set to stays: Options add to that. Its buffers grow where they are smaller than asked for and never shrink, groups are joined, and an
// Interface must be the one that it is bound to, if it is bound to one. GRO must be set if the socket has it. With Blocking, nothing changes for
// another process that receives from it with Blocking too.
func ListenFD(fd int, o Options) (Conn, error) {
	conn, err := listenFD(fd, o.withDefaults())
	if err != nil {
		return nil, &OpError{Op: "take over", Endpoint: fmt.Sprintf("descriptor %d", fd), Err: err}
	}
	return conn, nil
}
