package client_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"dgram"
	"dgram/client"
	"dgram/dgramtest"
	"dgram/internal/testnet"
)

// These tests use real sockets on the loopback interface, once with the system's best transport and once with the portable one.

func onLoopback(t *testing.T, test func(t *testing.T, o client.Options)) {
	for name, portable := range map[string]bool{"best": false, "portable": true} {
		t.Run(name, func(t *testing.T) {
			test(t, client.Options{Timeout: 5 * time.Second, Dgram: dgram.Options{Portable: portable}})
		})
	}
}

// dial returns a client of a real peer; at the end its books must balance.
func dial(t *testing.T, peer dgram.Endpoint, o client.Options) *client.Client {
	t.Helper()
	c, err := client.Open(o, peer)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		c.Close()
		if err := c.Summary().Balance(); err != nil {
			t.Error(err)
		}
	})
	return c
}

// udpServer calls handle with each datagram on one goroutine.
func udpServer(t *testing.T, handle func(conn *net.UDPConn, p []byte, from *net.UDPAddr)) dgram.Endpoint {
	t.Helper()
	conn, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		buffer := make([]byte, 1<<16)
		for {
			n, from, err := conn.ReadFromUDP(buffer)
			if err != nil {
				return
			}
			handle(conn, buffer[:n], from)
		}
	}()
	t.Cleanup(func() { conn.Close(); <-done })
	return dgram.IPEndpoint(dgram.UDP, conn.LocalAddr().(*net.UDPAddr).AddrPort())
}

func answer(conn *net.UDPConn, p []byte, from *net.UDPAddr) {
	_, _ = conn.WriteToUDP(bytes.ToUpper(p), from)
}

func TestLoopbackAnswered(t *testing.T) {
	onLoopback(t, func(t *testing.T, o client.Options) {
		c := dial(t, udpServer(t, answer), o)
		for _, n := range []int{0, 1, 1472, 9000, 65507} {
			request := bytes.Repeat([]byte("a"), n)
			reply, err := c.Call(context.Background(), request)
			if err != nil || !bytes.Equal(reply, bytes.ToUpper(request)) {
				t.Errorf("%d bytes: %d came back, %v", n, len(reply), err)
			}
		}
	})
}

func TestLoopbackTooBig(t *testing.T) {
	onLoopback(t, func(t *testing.T, o client.Options) {
		c := dial(t, udpServer(t, answer), o)
		if _, err := c.Call(context.Background(), make([]byte, 65508)); !errors.Is(err, client.ErrTooBig) {
			t.Errorf("65,508 bytes: %v", err)
		}
		if reply, err := c.Call(context.Background(), []byte("then")); err != nil || string(reply) != "THEN" {
			t.Errorf("%q, %v", reply, err)
		}
	})
}

func TestLoopbackRefused(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("not every system reports refusals to a UDP socket: Linux does")
	}
	onLoopback(t, func(t *testing.T, o client.Options) {
		closed, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
		if err != nil {
			t.Fatal(err)
		}
		peer := dgram.IPEndpoint(dgram.UDP, closed.LocalAddr().(*net.UDPAddr).AddrPort())
		closed.Close()
		c := dial(t, peer, o)
		for range 3 {
			e := c.Do(context.Background(), []byte("x"))
			if e.Verdict != client.Refused || len(e.Attempts) != 1 {
				t.Errorf("%v after %+v", e.Err(), e.Attempts)
			}
		}
	})
}

func TestLoopbackSilent(t *testing.T) {
	onLoopback(t, func(t *testing.T, o client.Options) {
		o.Timeout, o.Tries = 20*time.Millisecond, 2
		c := dial(t, udpServer(t, func(*net.UDPConn, []byte, *net.UDPAddr) {}), o)
		if e := c.Do(context.Background(), []byte("x")); e.Verdict != client.Silent || len(e.Attempts) != 2 {
			t.Errorf("%v after %+v", e.Err(), e.Attempts)
		}
	})
}

func TestLoopbackStranger(t *testing.T) {
	onLoopback(t, func(t *testing.T, o client.Options) {
		elsewhere, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
		if err != nil {
			t.Fatal(err)
		}
		defer elsewhere.Close()
		o.Timeout, o.Tries = 50*time.Millisecond, 1
		c := dial(t, udpServer(t, func(_ *net.UDPConn, p []byte, from *net.UDPAddr) { answer(elsewhere, p, from) }), o)
		want := client.Silent // a connected socket never sees a stranger
		if c.Caps().SeesStrangers {
			want = client.Stranger
		}
		if e := c.Do(context.Background(), []byte("x")); e.Verdict != want {
			t.Errorf("%v, want %v", e.Err(), want)
		}
	})
}

func TestLoopbackLateAndDuplicate(t *testing.T) {
	onLoopback(t, func(t *testing.T, o client.Options) {
		var held []byte
		peer := udpServer(t, func(conn *net.UDPConn, p []byte, from *net.UDPAddr) {
			if string(p) == "hold" {
				held = bytes.Clone(p)
				return
			}
			answer(conn, held, from)
			answer(conn, p, from)
			answer(conn, p, from)
		})
		fates := make(chan dgram.Fate, 16)
		o.Observer = func(ev client.Event) {
			if ev.Received() && ev.Fate != dgram.Matched {
				fates <- ev.Fate
			}
		}
		c := dial(t, peer, o)
		ctx, cancel := context.WithTimeout(context.Background(), 20*time.Millisecond)
		defer cancel()
		if e := c.Do(ctx, []byte("hold")); e.Verdict != client.Interrupted {
			t.Error(e.Err())
		}
		if reply, err := c.Call(context.Background(), []byte("now")); err != nil || string(reply) != "NOW" {
			t.Errorf("%q, %v", reply, err)
		}
		if a, b := <-fates, <-fates; a != dgram.Late || b != dgram.Duplicate {
			t.Errorf("fates %v and %v, want late and duplicate", a, b)
		}
	})
}

func TestLoopbackWindow(t *testing.T) {
	onLoopback(t, func(t *testing.T, o client.Options) {
		o.Window = 64
		c := dial(t, udpServer(t, answer), o)
		var exchanges []*client.Exchange
		for i := range 2000 {
			exchanges = append(exchanges, c.Start(context.Background(), fmt.Appendf(nil, "request %d", i)))
		}
		for i, e := range exchanges {
			<-e.Done()
			if r := e.Reply(); r == nil || string(r.Data) != fmt.Sprintf("REQUEST %d", i) {
				t.Fatalf("request %d: %v", i, e.Err())
			}
		}
	})
}

func TestDialByName(t *testing.T) {
	server := udpServer(t, answer)
	c, err := client.Dial(context.Background(), fmt.Sprintf("localhost:%d", server.Port()), client.Options{})
	if err != nil {
		testnet.Missing(t, "the name localhost: "+err.Error())
	}
	defer c.Close()
	// Nothing listens on ::1, where the name may lead first.
	if reply, err := c.Call(context.Background(), []byte("x")); err != nil || string(reply) != "X" {
		t.Errorf("%q, %v", reply, err)
	}
}

func TestDialRefusesBadAddresses(t *testing.T) {
	for _, address := range []string{"host with space", "127.0.0.1:70000", "tcp://127.0.0.1"} {
		if c, err := client.Dial(context.Background(), address, client.Options{}); err == nil {
			c.Close()
			t.Errorf("%q was taken", address)
		}
	}
}

func TestUnspecifiedAddressIsOneself(t *testing.T) {
	server := udpServer(t, answer)
	c := dial(t, dgram.MustParseEndpoint(fmt.Sprintf("udp4://0.0.0.0:%d", server.Port())), client.Options{})
	if reply, err := c.Call(context.Background(), []byte("x")); err != nil || string(reply) != "X" {
		t.Errorf("%q, %v", reply, err)
	}
}

func TestUnixSocket(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("unix datagram endpoints are offered on Linux")
	}
	path := filepath.Join(t.TempDir(), "s")
	conn, err := dgram.ListenEndpoint(dgram.UnixEndpoint(path), dgram.Options{})
	if err != nil {
		t.Fatal(err)
	}
	dgramtest.Serve(t, conn, bytes.ToUpper)
	c := dial(t, dgram.UnixEndpoint(path), client.Options{})
	if reply, err := c.Call(context.Background(), []byte("x")); err != nil || string(reply) != "X" {
		t.Errorf("%q, %v", reply, err)
	}
	missing := dial(t, dgram.UnixEndpoint(path+".missing"), client.Options{})
	if _, err := missing.Call(context.Background(), []byte("x")); !errors.Is(err, client.ErrRefused) {
		t.Errorf("nobody there: %v", err)
	}
}

const pythonServer = `
import socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.bind(("127.0.0.1", 0))
print(s.getsockname()[1], flush=True)
while True:
    data, peer = s.recvfrom(65535)
    s.sendto(data.upper(), peer)
`

func TestPythonServer(t *testing.T) {
	testnet.Need(t, "python3")
	python := exec.Command("python3", "-c", pythonServer)
	out, err := python.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := python.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = python.Process.Kill(); _ = python.Wait() }()
	port, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	c := dial(t, dgram.MustParseEndpoint("127.0.0.1:"+strings.TrimSpace(port)), client.Options{Timeout: 5 * time.Second})
	every := make([]byte, 256)
	for i := range every {
		every[i] = byte(i)
	}
	for _, request := range [][]byte{[]byte("hello"), {}, []byte("grüße 你好"), every} {
		reply, err := c.Call(context.Background(), request)
		if err != nil || !client.MatchUpper.Accept(request, reply) {
			t.Errorf("%q: %q, %v", request, reply, err)
		}
	}
}

func BenchmarkCall(b *testing.B) {
	server := dgramtest.NewServer(b, bytes.ToUpper)
	for _, window := range []int{1, 64} {
		b.Run(fmt.Sprintf("window=%d", window), func(b *testing.B) {
			c, err := client.Open(client.Options{Window: window, Dgram: dgram.Options{Buffer: 2048}}, server)
			if err != nil {
				b.Fatal(err)
			}
			defer c.Close()
			payload := []byte("hello, hello, hello")
			b.ReportAllocs()
			for b.Loop() {
				if window == 1 {
					c.Do(context.Background(), payload)
				} else {
					c.Start(context.Background(), payload)
				}
			}
		})
	}
}
