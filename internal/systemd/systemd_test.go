package systemd

import (
	"net"
	"os"
	"path/filepath"
	"reflect"
	"strconv"
	"testing"
	"time"
)

func TestSockets(t *testing.T) {
	own := strconv.Itoa(os.Getpid())
	for _, c := range []struct {
		pid, count, names string
		want              []Socket
		bad               bool
	}{
		{"", "", "", nil, false}, {own, "", "", nil, false}, {"1", "2", "", nil, false}, {"", "2", "", nil, false},
		{own, "0", "", []Socket{}, false},
		{own, "2", "", []Socket{{3, ""}, {4, ""}}, false},
		{own, "2", "a:b", []Socket{{3, "a"}, {4, "b"}}, false},
		{own, "3", "a::c:d", []Socket{{3, "a"}, {4, ""}, {5, "c"}}, false},
		{"me", "2", "", nil, true}, {own, "two", "", nil, true}, {own, "-1", "", nil, true}, {own, "999999999", "", nil, true},
	} {
		for name, value := range map[string]string{"LISTEN_PID": c.pid, "LISTEN_FDS": c.count, "LISTEN_FDNAMES": c.names} {
			t.Setenv(name, value)
		}
		got, err := Sockets()
		if !reflect.DeepEqual(got, c.want) || (err != nil) != c.bad {
			t.Errorf("%+v: %v, %v", c, got, err)
		}
		for _, name := range []string{"LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES"} {
			if value, ok := os.LookupEnv(name); ok {
				t.Errorf("%s=%s is still there", name, value)
			}
		}
	}
}

func FuzzSockets(f *testing.F) {
	f.Add("1", "a:b")
	f.Fuzz(func(t *testing.T, count, names string) {
		for name, value := range map[string]string{"LISTEN_PID": strconv.Itoa(os.Getpid()), "LISTEN_FDS": count, "LISTEN_FDNAMES": names} {
			if os.Setenv(name, value) != nil {
				t.Skip("no value of a variable")
			}
		}
		if all, err := Sockets(); err == nil && len(all) > mostFDs {
			t.Error(len(all))
		}
	})
}

func TestNotify(t *testing.T) {
	if err := Notify(Ready); err != nil && os.Getenv("NOTIFY_SOCKET") == "" {
		t.Error("without a manager:", err)
	}
	for _, path := range []string{filepath.Join(t.TempDir(), "notify"), "@dgram-notify-" + strconv.Itoa(os.Getpid())} {
		manager, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
		if err != nil {
			t.Skip("no unix datagram sockets here:", err)
		}
		defer manager.Close()
		t.Setenv("NOTIFY_SOCKET", path)
		if err := Notify(Ready, "STATUS=fine\nSTOPPING=1"); err != nil {
			t.Fatal(err)
		}
		_ = manager.SetReadDeadline(time.Now().Add(10 * time.Second))
		p := make([]byte, 100)
		n, err := manager.Read(p)
		if err != nil || string(p[:n]) != "READY=1\nSTATUS=fine" {
			t.Errorf("%q, %v", p[:n], err)
		}
	}
	t.Setenv("NOTIFY_SOCKET", filepath.Join(t.TempDir(), "nobody"))
	if Notify(Ready) == nil {
		t.Error("nobody was told, and that was no error")
	}
}
