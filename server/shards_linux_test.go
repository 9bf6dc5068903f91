package server

import (
	"net"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"dgram"
)

// Shards share the port that the system chose, every one of them serves, and their accounts add up.
func TestShardsShareThePort(t *testing.T) {
	s := start(t, Config{Shards: 4})
	if len(s.Endpoints()) != 1 || len(s.Sockets()) != 4 {
		t.Fatal(s.Endpoints(), len(s.Sockets()))
	}
	const flows, each = 64, 10
	for range flows {
		c := dial(t, s.Endpoint())
		for range each {
			if got := ask(t, c, []byte("x")); string(got) != "X" {
				t.Fatalf("%q", got)
			}
		}
	}
	shutdown(t, s)
	busy := 0
	for _, one := range s.Sockets() {
		if err := one.Balance(); err != nil {
			t.Error(err)
		}
		if one.Answered%each != 0 {
			t.Errorf("a flow was split: %s", one)
		}
		if one.Answered > 0 {
			busy++
		}
	}
	if sum := s.Summary(); busy < 2 || sum.Answered != flows*each || sum.Sockets != 4 {
		t.Errorf("%d of 4 shards had something to do: %s", busy, sum)
	}
}

// Sockets that share a port would join a second server's without a word; it is noticed all the same.
func TestShardsNoticeAnotherServer(t *testing.T) {
	first := start(t, Config{Shards: 2})
	_, err := Start(t.Context(), Config{Shards: 2, Endpoints: []dgram.Endpoint{first.Endpoint()}})
	if err == nil || !strings.Contains(err.Error(), "in use by another program") {
		t.Error(err)
	}
}

func TestUnixSocketHasOneShard(t *testing.T) {
	path := t.TempDir() + "/s"
	s := start(t, Config{Address: "unixgram://" + path, Shards: 4})
	if len(s.Sockets()) != 1 {
		t.Error(len(s.Sockets()))
	}
	c, err := net.DialUnix("unixgram", &net.UnixAddr{Name: path + "-client", Net: "unixgram"}, &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, err := c.Write([]byte("hello")); err != nil {
		t.Fatal(err)
	}
	if n, err := c.Read(replies[:]); err != nil || string(replies[:n]) != "HELLO" {
		t.Errorf("%q, %v", replies[:n], err)
	}
}

func TestAddressThatIsNotOurs(t *testing.T) {
	_, err := Start(t.Context(), Config{Address: "192.0.2.77:0"})
	if err == nil || !strings.Contains(err.Error(), "no interface of this machine has that address") || !strings.Contains(err.Error(), "192.0.2.77") {
		t.Error(err)
	}
}

func TestNoMoreFiles(t *testing.T) {
	var old syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &old); err != nil {
		t.Fatal(err)
	}
	few := syscall.Rlimit{Cur: 32, Max: old.Max}
	if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &few); err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &old); err != nil {
			t.Fatal(err)
		}
	}()
	var all []string
	for range 40 {
		all = append(all, "127.0.0.1:0")
	}
	_, err := Start(t.Context(), Config{Addresses: all})
	if err == nil || !strings.Contains(err.Error(), "ulimit -n") {
		t.Error(err)
	}
}

func TestAdvice(t *testing.T) {
	ip, low, unix := dgram.MustParseEndpoint("127.0.0.1:5000"), dgram.MustParseEndpoint("127.0.0.1:53"), dgram.MustParseEndpoint("unixgram:///no/such/s")
	for _, c := range []struct {
		at   dgram.Endpoint
		err  syscall.Errno
		want string
	}{
		{ip, syscall.EADDRINUSE, "'sport = :" + strconv.Itoa(5000) + "'"}, {unix, syscall.EADDRINUSE, "choose another path"},
		{low, syscall.EACCES, "a port from 1024 on"}, {ip, syscall.EPERM, "may not"}, {unix, syscall.ENOENT, "folder"},
		{ip, syscall.EADDRNOTAVAIL, "no interface"}, {ip, syscall.EMFILE, "ulimit"}, {ip, syscall.ENODEV, "multicast group is heard: name one"}, {ip, syscall.EINVAL, ""},
	} {
		got := advice(c.at, &dgram.OpError{Op: "listen", Endpoint: c.at.String(), Err: c.err})
		if !strings.Contains(got, c.want) || (c.want == "") != (got == "") {
			t.Errorf("%s, %v: %q", c.at, c.err, got)
		}
	}
}
