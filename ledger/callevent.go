package ledger

// TypeCall is the type of CallEvent.
const TypeCall Type = "call"

// CallEvent is a system call on a socket, as --explain shows it.
type CallEvent struct {
	Header
	Call        string        `json:"call"`                  // as strace(1) writes it
	Explanation string        `json:"explanation"`           // what it does and why, in the language asked for
	Name        string        `json:"name"`                  // of the system call
	FD          int           `json:"fd"`                    // the socket, its first argument; of socket(2), which has none: -1
	Result      int           `json:"result"`                // -1: it failed
	Errno       string        `json:"errno,omitempty"`       // ErrnoName
	Family      string        `json:"family,omitempty"`      // of socket: AF_INET
	SocketType  string        `json:"socket_type,omitempty"` // of socket: SOCK_DGRAM|SOCK_CLOEXEC
	Protocol    string        `json:"protocol,omitempty"`    // of socket: IPPROTO_IP
	Address     string        `json:"address,omitempty"`     // of calls about one: 127.0.0.1:12345
	AddressSize int           `json:"address_size,omitempty"`
	Level       string        `json:"level,omitempty"`    // of an option: SOL_SOCKET
	Option      string        `json:"option,omitempty"`   // its name: SO_RCVBUF
	Value       string        `json:"value,omitempty"`    // as strace writes it
	Flags       string        `json:"flags,omitempty"`    // of what moves data: MSG_DONTWAIT
	Batch       int           `json:"batch,omitempty"`    // of sendmmsg and recvmmsg: messages handed over
	Messages    []CallMessage `json:"messages,omitempty"` // those sent or received, 32 at most
}

// CallMessage is one message that a call moved.
type CallMessage struct {
	Address string   `json:"address,omitempty"` // the other end
	Room    int      `json:"room"`              // bytes of its buffers
	Size    int      `json:"size"`              // bytes that were moved; -1: this one was not sent
	Payload Payload  `json:"payload,omitzero"`  // its first 32 bytes
	Control []string `json:"control,omitempty"` // the control messages beside it, by name
	Flags   string   `json:"flags,omitempty"`   // that the kernel set on it: MSG_TRUNC
}
