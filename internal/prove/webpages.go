//go:build linux

package main

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"os/exec"
	"strings"
	"time"
)

// proveWeb is promise 9: no page of another site reads or changes anything, whatever name it found for this machine.
func proveWeb(p *proof) {
	h := &web{proof: p, dgram: program(p)}
	h.at = h.serve()
	h.onlyHere()
	good := h.good()
	for i, c := range good {
		if status := h.ask("GET", c.host, c.origin); status != http.StatusOK {
			p.Errorf("the request that is meant, host %q, origin %q (number %d), got %d", c.host, c.origin, i, status)
		}
	}
	asked, refused := 0, 0
	for _, host := range h.hosts() {
		for _, origin := range h.origins() {
			for _, method := range []string{"GET", "POST"} {
				asked++
				if status := h.ask(method, host, origin); status >= 400 && status < 500 {
					refused++
				} else {
					p.Errorf("%s with host %q and origin %q got %d", method, host, origin, status)
				}
			}
		}
	}
	for _, method := range []string{"POST", "PUT", "DELETE", "PATCH", "CONNECT", "TRACE"} {
		asked++
		if status := h.ask(method, good[0].host, ""); status >= 400 && status < 500 {
			refused++
		} else {
			p.Errorf("%s, with nothing else against it, got %d", method, status)
		}
	}
	p.sentf("%d requests: %d hosts with %d origins, GET and POST, and methods that change things", asked, len(h.hosts()), len(h.origins()))
	p.seenf("%d refused; %d that are meant answered; no address that other machines reach is opened unasked", refused, len(good))
}

type web struct {
	*proof
	dgram, at string
}

type asked struct{ host, origin string }

// good are requests that somebody on this machine may make.
func (h *web) good() []asked {
	_, port, _ := net.SplitHostPort(h.at)
	return []asked{{h.at, ""}, {h.at, "http://" + h.at}, {"localhost:" + port, ""}, {"localhost:" + port, "http://localhost:" + port}, {"LOCALHOST:" + port, ""}}
}

// hosts are names that a page may have found for this machine: its own, made to point here, and such as look like ours.
func (h *web) hosts() []string {
	_, port, _ := net.SplitHostPort(h.at)
	return []string{"evil.example", "evil.example:" + port, "127.0.0.1.evil.example:" + port, "localhost.evil.example:" + port, "localhost:1", "127.0.0.1:1",
		"0.0.0.0:" + port, "[::1]:" + port, "127.0.0.2:" + port, "2130706433:" + port, "0x7f.1:" + port, h.at + ".", h.at + "@evil.example", "::"}
}

// origins are those of other sites; "" is none, as of a page's image.
func (h *web) origins() []string {
	return []string{"", "http://evil.example", "null", "https://" + h.at, "http://" + h.at + ".evil.example", "file://"}
}

// serve starts a server that shows its counters on a port of 127.0.0.1.
func (h *web) serve() string {
	h.Helper()
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		h.Fatal(err)
	}
	at := l.Addr().String()
	l.Close()
	cmd := exec.CommandContext(h.Context(), h.dgram, "serve", "127.0.0.1:0", "--quiet", "--metrics", at)
	out, err := cmd.StdoutPipe()
	if err != nil {
		h.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		h.Fatal(err)
	}
	h.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	if line, err := bufio.NewReader(out).ReadString('\n'); err != nil {
		h.Fatalf("the server is not ready: %q: %v", line, err)
	}
	return at
}

// onlyHere sees that an address that other machines reach has to be asked for twice.
func (h *web) onlyHere() {
	h.Helper()
	for _, place := range []string{"0.0.0.0:0", "[::]:0"} {
		out, err := exec.CommandContext(h.Context(), "timeout", "5", h.dgram, "serve", "127.0.0.1:0", "--quiet", "--metrics", place).CombinedOutput()
		if err == nil || !strings.Contains(string(out), "--metrics") || strings.Contains(string(out), "ready") {
			h.Errorf("--metrics %s was opened without --metrics-open: %v: %s", place, err, out)
		}
	}
}

// ask makes a request by hand, for no library sends what these do, and returns the status, 400 where the server hung up.
func (h *web) ask(method, host, origin string) int {
	h.Helper()
	c, err := net.DialTimeout("tcp4", h.at, 5*time.Second)
	if err != nil {
		h.Fatal(err)
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(5 * time.Second))
	var text strings.Builder
	fmt.Fprintf(&text, "%s /metrics HTTP/1.1\r\nHost: %s\r\nConnection: close\r\nContent-Length: 0\r\n", method, host)
	if origin != "" {
		fmt.Fprintf(&text, "Origin: %s\r\n", origin)
	}
	_, _ = io.WriteString(c, text.String()+"\r\n")
	reply, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		return http.StatusBadRequest
	}
	defer reply.Body.Close()
	return reply.StatusCode
}
