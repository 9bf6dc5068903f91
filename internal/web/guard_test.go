package web

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"
)

// serveTest serves one page of each kind at place, and returns where.
func serveTest(t *testing.T, place string) net.Addr {
	t.Helper()
	l, err := Listen(place, true)
	if err != nil {
		t.Fatal(err)
	}
	rs := NewRoutes(Guard{Names: []string{"metrics.example"}})
	rs.Read("/read", http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "SECRET") }))
	rs.Change("/change", http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "CHANGED") }))
	s := Serve(l, rs)
	t.Cleanup(func() { s.Close() })
	return l.Addr()
}

// ask sends these bytes and returns the status line's code and all that came.
func ask(t *testing.T, at net.Addr, request string) (code int, text string) {
	t.Helper()
	conn, err := net.Dial(at.Network(), at.String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(20 * time.Second))
	if _, err := io.WriteString(conn, request); err != nil {
		t.Fatal(err)
	}
	response, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatalf("%q is answered by no response: %v", request, err)
	}
	body, _ := io.ReadAll(response.Body)
	return response.StatusCode, string(body)
}

func get(path, host string, headers ...string) string {
	text := "GET " + path + " HTTP/1.1\r\nConnection: close\r\nHost: " + host + "\r\n"
	for _, h := range headers {
		text += h + "\r\n"
	}
	return text + "\r\n"
}

// What a page in a browser can make a browser send: names that were rebound, pages of other sites. None of them reads anything.
func TestNoPageOfAnotherSiteGetsIn(t *testing.T) {
	at := serveTest(t, "127.0.0.1:0")
	_, port, _ := net.SplitHostPort(at.String())
	right := "127.0.0.1:" + port
	hosts := []string{"evil.example:" + port, "localhost.evil.example:" + port, "127.0.0.1.evil.example:" + port, "127.0.0.1", "localhost:1",
		"[::1]:" + port, "0.0.0.0:" + port, "192.0.2.1:" + port, "localhost.:" + port, right}
	origins := []string{"http://evil.example", "null", "https://" + right, "http://127.0.0.1:1", "http://" + right + ".evil.example"}
	combinations := 0
	for _, host := range hosts {
		for _, origin := range origins {
			combinations++
			for _, path := range []string{"/read", "/change", "/", "/nothing"} {
				code, text := ask(t, at, get(path, host, "Origin: "+origin))
				if code != http.StatusForbidden || strings.Contains(text, "SECRET") || strings.Contains(text, "CHANGED") {
					t.Errorf("Host %s, Origin %s, %s: %d %q", host, origin, path, code, text)
				}
			}
		}
		if host == right {
			continue
		}
		if code, _ := ask(t, at, get("/read", host)); code != http.StatusForbidden { // a page that reads its own, rebound origin sends no Origin
			t.Errorf("Host %s without Origin: %d", host, code)
		}
	}
	if combinations < 50 {
		t.Errorf("%d combinations", combinations)
	}
	for _, site := range []string{"cross-site", "same-site", "x"} {
		if code, _ := ask(t, at, get("/read", right, "Sec-Fetch-Site: "+site)); code != http.StatusForbidden {
			t.Errorf("Sec-Fetch-Site %s: %d", site, code)
		}
	}
}

func TestOddRequestsAreRefused(t *testing.T) {
	at := serveTest(t, "127.0.0.1:0")
	right := at.String()
	for _, request := range []string{
		"GET /read HTTP/1.0\r\n\r\n",
		"GET /read HTTP/1.1\r\n\r\n",
		"GET http://evil.example/read HTTP/1.1\r\nConnection: close\r\nHost: " + right + "\r\n\r\n",
		get("/read", right, "Host: evil.example"),
		get("/read", right, "Origin: http://"+right, "Origin: http://evil.example"),
		get("/read", "evil@"+right),
		get("/read", right+"/"),
		"OPTIONS * HTTP/1.1\r\nConnection: close\r\nHost: evil.example\r\n\r\n",
		get("/read", right, "X: "+strings.Repeat("x", 64<<10)),
	} {
		if code, text := ask(t, at, request); code < 400 || strings.Contains(text, "SECRET") {
			t.Errorf("%.80q: %d %q", request, code, text)
		}
	}
}

func TestWhoMayAsk(t *testing.T) {
	at := serveTest(t, "127.0.0.1:0")
	_, port, _ := net.SplitHostPort(at.String())
	for _, request := range []string{
		get("/read", "127.0.0.1:"+port), get("/read", "localhost:"+port), get("/read", "LOCALHOST:"+port), get("/read", "metrics.example"),
		get("/read", "Metrics.Example:443"),
		get("/read", "127.0.0.1:"+port, "Origin: http://127.0.0.1:"+port, "Sec-Fetch-Site: same-origin"),
		get("/read", "127.0.0.1:"+port, "Sec-Fetch-Site: none"),
	} {
		if code, text := ask(t, at, request); code != 200 || text != "SECRET" {
			t.Errorf("%q: %d %q", request, code, text)
		}
	}
}

// Whatever the method, what changes is changed by a POST of JSON alone.
func TestOnlyAPostOfJSONChanges(t *testing.T) {
	at := serveTest(t, "127.0.0.1:0")
	ask := func(method, path, kind string) (int, string) {
		return ask(t, at, fmt.Sprintf("%s %s HTTP/1.1\r\nConnection: close\r\nHost: %s\r\nContent-Type: %s\r\nContent-Length: 2\r\n\r\n{}", method, path, at, kind))
	}
	for _, method := range []string{"GET", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "get", "POST"} {
		for _, kind := range []string{"text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "", "application/json"} {
			code, text := ask(method, "/change", kind)
			if want := method == "POST" && kind == "application/json"; want != (text == "CHANGED") || want != (code == 200) {
				t.Errorf("%s of %q: %d %q", method, kind, code, text)
			}
		}
		if code, _ := ask(method, "/read", "application/json"); code == 200 && method != "GET" {
			t.Errorf("%s reads", method)
		}
	}
}

// FuzzGuard: what passes has our own address or name in Host, and nothing but that in Origin.
func FuzzGuard(f *testing.F) {
	f.Add("127.0.0.1:9", "", "")
	f.Add("localhost:9", "http://localhost:9", "same-origin")
	f.Add("[::ffff:127.0.0.1]:9", "null", "none")
	f.Add("evil.example", "http://evil.example", "cross-site")
	local := context.WithValue(context.Background(), http.LocalAddrContextKey, net.Addr(&net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 9}))
	f.Fuzz(func(t *testing.T, host, origin, site string) {
		r := httptest.NewRequest(http.MethodGet, "/", nil).WithContext(local)
		r.Host = host
		r.Header["Origin"], r.Header["Sec-Fetch-Site"] = []string{origin}, []string{site}
		if (Guard{}).refusal(r) != "" {
			return
		}
		ours := strings.EqualFold(host, "localhost:9") || host == "127.0.0.1:9" || strings.HasPrefix(host, "[::") && strings.HasSuffix(host, "]:9") &&
			strings.Contains(host, "127.0.0.1") || strings.HasPrefix(host, "[") && strings.Contains(strings.ToLower(host), "7f00")
		if !ours || !strings.EqualFold(origin, "http://"+host) || site != "same-origin" && site != "none" {
			t.Errorf("Host %q, Origin %q, Sec-Fetch-Site %q pass", host, origin, site)
		}
	})
}

func TestListenStaysOnThisMachine(t *testing.T) {
	for _, place := range []string{"0.0.0.0:0", "[::]:0", "192.0.2.1:0", "[::ffff:192.0.2.1]:0"} {
		if _, err := Listen(place, false); !errors.Is(err, ErrOpen) {
			t.Errorf("%s: %v", place, err)
		}
	}
	for _, place := range []string{"", "x", "127.0.0.1", "127.0.0.1:", "127.0.0.1:65536", "evil.example:80", "unix:", "http://127.0.0.1:80"} {
		if l, err := Listen(place, true); err == nil {
			l.Close()
			t.Errorf("%q is listened on", place)
		}
	}
	for _, place := range []string{"0", ":0", "localhost:0", "127.0.0.2:0"} {
		l, err := Listen(place, false)
		if err != nil {
			if place != "127.0.0.2:0" || runtime.GOOS == "linux" {
				t.Errorf("%s: %v", place, err)
			}
			continue
		}
		if !l.Addr().(*net.TCPAddr).IP.IsLoopback() {
			t.Errorf("%s is %s", place, l.Addr())
		}
		if _, err := Listen(l.Addr().String(), false); err == nil || !strings.Contains(err.Error(), "in use") && runtime.GOOS != "windows" {
			t.Errorf("twice: %v", err)
		}
		l.Close()
	}
}

func TestUnixSocket(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("this test is about rights of files that Windows does not have")
	}
	path := filepath.Join(t.TempDir(), "s")
	at := serveTest(t, "unix:"+path)
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v %v", info.Mode(), err)
	}
	if code, text := ask(t, at, get("/read", "localhost")); code != 200 || text != "SECRET" {
		t.Errorf("%d %q", code, text)
	}
	if code, _ := ask(t, at, get("/read", "evil.example")); code != http.StatusForbidden {
		t.Errorf("%d", code)
	}
	if _, err := Listen("unix:"+path, false); err == nil {
		t.Error("a socket that is in use is taken")
	}

	// One that its server left behind is replaced; what is no socket is not.
	left := filepath.Join(t.TempDir(), "s")
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: left})
	if err != nil {
		t.Fatal(err)
	}
	l.SetUnlinkOnClose(false)
	l.Close()
	again, err := Listen("unix:"+left, false)
	if err != nil {
		t.Fatal(err)
	}
	again.Close()
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, []byte("text"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Listen("unix:"+file, false); err == nil {
		t.Error("a file is replaced")
	}
	if text, _ := os.ReadFile(file); string(text) != "text" {
		t.Error("a file is gone")
	}
}

// Who connects and says nothing holds up nobody for long: there are only so many connections, and the server ends all the same.
func TestIdleConnectionsAreBounded(t *testing.T) {
	l, err := Listen("0", false)
	if err != nil {
		t.Fatal(err)
	}
	s := Serve(l, NewRoutes(Guard{}))
	for range 2 * mostConnections {
		conn, err := net.Dial("tcp", l.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
	}
	before := time.Now()
	_ = s.Close()
	if took := time.Since(before); took > 10*time.Second {
		t.Errorf("it took %v to end", took)
	}
}
