package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"dgram"
	"dgram/bench"
)

// lossyWay passes datagrams on between one client socket and a server, and loses some, each way by another rule. The server sees it as its client.
type lossyWay struct {
	addr        string
	there, back atomic.Int64 // lost
	passed      atomic.Int64 // to the server
	returned    atomic.Int64 // to the client
}

func newLossyWay(t *testing.T, server string) *lossyWay {
	t.Helper()
	outer := bind(t)
	inner, err := net.Dial("udp", server)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { inner.Close() })
	w := &lossyWay{addr: outer.LocalAddr().String()}
	var client atomic.Value
	go func() {
		b := make([]byte, 2048)
		for i := 0; ; i++ {
			n, from, err := outer.ReadFrom(b)
			if err != nil {
				return
			}
			client.Store(from)
			if i%11 == 10 {
				w.there.Add(1)
				continue
			}
			_, _ = inner.Write(b[:n]) // what is lost here is not passed: the server tells
			w.passed.Add(1)
		}
	}()
	go func() {
		b := make([]byte, 2048)
		for i := 0; ; i++ {
			n, err := inner.Read(b)
			if err != nil {
				return
			}
			if i%7 == 6 {
				w.back.Add(1)
				continue
			}
			_, _ = outer.WriteTo(b[:n], client.Load().(net.Addr))
			w.returned.Add(1)
		}
	}()
	return w
}

// benchJSON measures and returns the result.
func benchJSON(t *testing.T, args ...string) bench.Result {
	t.Helper()
	var stdout, stderr strings.Builder
	code := run(t.Context(), append([]string{"bench", "--json", "--quiet", "--warmup", "0", "--timeout", "300ms", "--duration", "300ms"}, args...), nil, &stdout, &stderr)
	var r bench.Result
	if err := json.Unmarshal([]byte(stdout.String()), &r); err != nil || code != exitOK && code != exitInvalid {
		t.Fatalf("exit code %d, %v: %s", code, err, stderr.String())
	}
	return r
}

func lossAt(r bench.Result) map[string]int64 {
	m := map[string]int64{}
	for _, p := range r.Loss.Places {
		m[p.Name] = p.Count
	}
	return m
}

// Loss in the server, on the way there and on the way back, each known to the last one, is found where it was by what the server's page says.
func TestBenchPlacesLossByTheServersPage(t *testing.T) {
	needSignals(t)
	place := freePort(t)
	s := serveWith(t, exec.Command(self(t), "serve", "127.0.0.1:0", "--quiet", "--stage", "upper", "--stage", "loss:10%", "--seed", "1", "--metrics", place))
	// On a busy machine a socket of the way runs over, or the end of the run comes before the last answer is read: then once more.
	for attempt := 1; ; attempt++ {
		way := newLossyWay(t, s.addr)
		r := benchJSON(t, way.addr, "--rate", "2k", "--server-metrics", "http://"+place+"/metrics")
		g, at := r.Loss.Counters, lossAt(r)
		ranOver := way.passed.Load()+way.there.Load() != r.Totals.Sent || way.returned.Load()+way.back.Load() != g.Answered || way.returned.Load() != r.Totals.Received
		if attempt < 10 && (r.Totals.Pending > 0 || ranOver) {
			continue
		}
		inside := g.Unanswered["dropped: loss"]
		if !g.Usable || inside != g.Received-g.Answered || way.there.Load() == 0 || way.back.Load() == 0 || inside == 0 {
			t.Fatalf("%+v; lost there %d, back %d", g, way.there.Load(), way.back.Load())
		}
		if at[bench.PlaceWay] != way.there.Load() || at[bench.PlaceInServer] != inside || at[bench.PlaceWayBack] != way.back.Load() || at[bench.PlaceUnplaced] != 0 {
			t.Errorf("lost there %d, back %d, in the server %d; placed %v", way.there.Load(), way.back.Load(), inside, at)
		}
		break
	}

	// Asked again as a person does, with a warm-up.
	var stdout strings.Builder
	run(t.Context(), []string{"bench", s.addr, "--rate", "1k", "--duration", "200ms", "--warmup", "100ms", "--timeout", "100ms", "--server-metrics", place}, nil, &stdout, io.Discard)
	for _, want := range []string{"in the server", "(dropped: loss ", receivedName, kernelDropsName, "in the whole run", "http://" + place + "/metrics"} {
		if !strings.Contains(stdout.String(), want) {
			t.Errorf("nothing of %q in\n%s", want, stdout.String())
		}
	}
	// One way nothing comes back that would tell: the page does.
	if g := benchJSON(t, s.addr, "--one-way", "--rate", "1k", "--server-metrics", place).Loss.Counters; !g.Usable || g.Received+g.KernelDrops != g.Sent || g.Sent == 0 {
		t.Errorf("one way: %+v", g)
	}

	// Somebody else asks, too: nobody knows whose loss it is.
	stop := make(chan struct{})
	other, err := net.Dial("udp", s.addr)
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	go func() {
		for {
			select {
			case <-stop:
				return
			case <-time.After(5 * time.Millisecond):
				_, _ = other.Write([]byte("me too"))
			}
		}
	}()
	r := benchJSON(t, s.addr, "--rate", "500", "--server-metrics", place)
	close(stop)
	if g, at := r.Loss.Counters, lossAt(r); g.Usable || !strings.Contains(g.Why, "somebody else asks") || at[bench.PlaceUnplaced]+at[bench.PlaceOwnReceive]+at[bench.PlaceLate] != r.Totals.Lost {
		t.Errorf("%+v: placed %v", g, at)
	}
	s.stop(t)
}

// A server whose system does not count drops leaves the way unknown; it does not call it innocent.
func TestBenchServerThatDoesNotCountDrops(t *testing.T) {
	needSignals(t)
	place := freePort(t)
	s := serveWith(t, exec.Command(self(t), "serve", "127.0.0.1:0", "--quiet", "--portable", "--metrics", place))
	r := benchJSON(t, s.addr, "--rate", "200", "--server-metrics", place)
	s.stop(t)
	if r.Loss.Counters.KernelDropsKnown {
		t.Skip("this system counts them for Go's own sockets, too")
	}
	for _, p := range r.Loss.Places {
		if p.Known && (p.Name == bench.PlaceWay || p.Name == bench.PlaceServer) {
			t.Errorf("%+v", p)
		}
	}
}

// hostilePages are what a place that is not, or no longer, a server's page may answer, and what is said of it.
var hostilePages = map[string]struct {
	handler http.HandlerFunc
	want    string
}{
	"html":     {say200("<!doctype html>\n<title>Welcome</title>\n"), `line 1: is not "NAME{LABELS} NUMBER"`},
	"garbage":  {say200("\xff\xfe\x00\x01"), "it is no text"},
	"nothing":  {say200(""), "there is no " + receivedName},
	"others":   {say200("# HELP up Up.\nup 1\n"), "there is no " + receivedName},
	"negative": {say200(receivedName + " -5\n"), `"-5" counts no datagrams`},
	"huge":     {say200(receivedName + " 1e300\n"), `"1e300" counts no datagrams`},
	"nan":      {say200(receivedName + " NaN\n"), "counts no datagrams"},
	"twice":    {say200(receivedName + " 5\n" + receivedName + " 6\n"), "twice"},
	"cut":      {say200(receivedName + " 5"), "its end is missing"},
	"label":    {say200(receivedName + "{address=\"127.0.0.1:1} 5\n"), "a label's value has no end"},
	"terminal": {say200(receivedName + " \x1b[31m\n"), "counts no datagrams"},
	"redirect": {func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "http://192.0.2.1/metrics", http.StatusFound)
	}, `302: it points to "http://192.0.2.1/metrics"`},
	"loop": {func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, r.URL.Path, http.StatusMovedPermanently)
	}, "301: it points to"},
	"refused": {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusForbidden) }, "--metrics-host NAME"},
	"broken":  {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusInternalServerError) }, "500 Internal Server Error"},
	"short": {func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "1000")
		fmt.Fprintf(w, "%s 5\n", receivedName)
	}, "unexpected EOF"},
	"endless": {func(w http.ResponseWriter, _ *http.Request) {
		line := strings.Repeat("a 1\n", 4096)
		for range 100 << 20 / len(line) { // 100 MiB
			if _, err := io.WriteString(w, line); err != nil {
				return
			}
		}
	}, "more than 4194304 bytes"},
	"silence": {func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }, "it took more than"},
	"drip": {func(w http.ResponseWriter, r *http.Request) {
		for r.Context().Err() == nil {
			_, _ = io.WriteString(w, "# \n")
			w.(http.Flusher).Flush()
			time.Sleep(10 * time.Millisecond)
		}
	}, "it took more than"},
}

func say200(text string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, text) }
}

func TestHostilePages(t *testing.T) {
	for name, each := range hostilePages {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := httptest.NewServer(each.handler)
			defer server.Close()
			saysOf(t, server.URL, each.want)
		})
	}
}

// saysOf fails the test unless the page is refused, soon, in few words that harm no terminal, and with these among them.
func saysOf(t *testing.T, url, want string) {
	t.Helper()
	p, err := newMetricsPage(url, dgram.MustParseEndpoint("127.0.0.1:12345"))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
	defer cancel()
	if want != "it took more than" {
		ctx = t.Context()
	}
	_, err = p.counters(ctx)
	if err == nil || !strings.Contains(err.Error(), want) || len(err.Error()) > 400 || strings.ContainsAny(plain(err.Error()), "\x1b\n\x00") {
		t.Errorf("%.500v, want %q", err, want)
	}
}

func TestNobodyServesThePage(t *testing.T) {
	saysOf(t, freePort(t), "start the server with --metrics")
}

// What does not even speak HTTP.
func TestHostilePageServers(t *testing.T) {
	for answer, want := range map[string]string{
		"": "EOF", "SSH-2.0-OpenSSH\r\n": "malformed HTTP", "HTTP/1.1 200 OK\r\nno header \x1b[31m" + strings.Repeat("x", 5000) + "\r\n\r\n": "malformed MIME header",
		"HTTP/1.1 200 OK\r\na: " + strings.Repeat("x", 1<<20) + "\r\n\r\n": "server response headers exceeded",
	} {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		go func() {
			c, err := l.Accept()
			if err != nil {
				return
			}
			defer c.Close()
			_, _ = c.Read(make([]byte, 4096))
			_, _ = io.WriteString(c, answer)
		}()
		saysOf(t, l.Addr().String(), want)
		l.Close()
	}
}

// A page that cannot be used is said before the first request; one that goes away meanwhile costs the places, and not the run.
func TestBenchWithoutThePage(t *testing.T) {
	server := upperServer(t)
	for at, want := range map[string]string{"127.0.0.1": "give what `dgram serve --metrics` was given", "ftp://127.0.0.1:1": "give what", "http://": "give what", ":": "give what", "unix:": "give what",
		"http://%zz:1": "give what", "127.0.0.1:1": "--server-metrics http://127.0.0.1:1/metrics: ", "unix:nowhere": "no such file"} {
		var stderr strings.Builder
		if code := run(t.Context(), []string{"bench", server, "--server-metrics", at}, nil, io.Discard, &stderr); code != exitError || !strings.Contains(stderr.String(), want) {
			t.Errorf("%s: exit code %d, %s", at, code, stderr.String())
		}
	}
	asked := 0
	page := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if asked++; asked > 2 {
			http.Error(w, "gone", http.StatusGone)
			return
		}
		fmt.Fprintf(w, "%s{address=\"%s\"} 5\n%s{address=\"%s\"} 5\n", receivedName, server, answeredName, server)
	}))
	defer page.Close()
	r := benchJSON(t, server, "--rate", "100", "--server-metrics", page.URL)
	if g := r.Loss.Counters; g.Usable || !strings.Contains(g.Why, "410 Gone") || r.Totals.Answered == 0 {
		t.Errorf("%+v", g)
	}
}

// Of a page with several sockets those count that the server is asked at.
func TestPageSockets(t *testing.T) {
	for _, c := range []struct {
		peer, text string
		received   uint64
		which      string
	}{
		{"127.0.0.1:53", `{address="127.0.0.1:53",socket="0"} 1|{address="127.0.0.1:53",socket="1"} 2|{address="[::1]:53",socket="2"} 4|{address="0.0.0.0:53",socket="3"} 8`, 3, ""},
		{"192.0.2.1:53", `{address="127.0.0.1:53",socket="0"} 1|{address="0.0.0.0:53",socket="1"} 2|{address="[::]:53",socket="2"} 4|{address="0.0.0.0:54",socket="3"} 8`, 6, ""},
		{"192.0.2.1:53", `{address="10.0.0.1:1053",socket="0"} 1`, 1, ", of its socket 10.0.0.1:1053"},
		{"192.0.2.1:53", `{address="10.0.0.1:1053",socket="0"} 1|{address="no \"address\"",socket="1"} 2`, 3, ", all 2 sockets of it"},
		{"unixgram:/run/a", `{address="unixgram:/run/a",socket="0"} 1|{address="unixgram:/run/b",socket="1"} 2`, 1, ""},
	} {
		text := ""
		for line := range strings.SplitSeq(c.text, "|") {
			text += receivedName + line + "\n"
		}
		p, err := newMetricsPage("127.0.0.1:9", dgram.MustParseEndpoint(c.peer))
		if err != nil {
			t.Fatal(err)
		}
		read, err := readPage(text)
		if err != nil {
			t.Fatal(err)
		}
		got, err := p.addUp(&read)
		if err != nil || got.Received != c.received || got.Source != "http://127.0.0.1:9/metrics"+c.which {
			t.Errorf("%s: %+v %v", c.text, got, err)
		}
	}
}

func TestPagePlaces(t *testing.T) {
	for text, want := range map[string]string{
		"9464": "http://192.0.2.1:9464/metrics", "localhost:1": "http://localhost:1/metrics", "http://a/": "http://a/metrics", "https://a:1/b?c": "https://a:1/b?c",
		"[::1]:9": "http://[::1]:9/metrics", "a:1/m": "http://a:1/m", "unix:/run/m": "http://localhost/metrics", "http://u:p@a:1": "http://u:xxxxx@a:1/metrics",
	} {
		p, err := newMetricsPage(text, dgram.MustParseEndpoint("192.0.2.1:53"))
		if err != nil || p.url.Redacted() != want {
			t.Errorf("%s: %v %v, want %s", text, p, err, want)
		}
	}
	p, err := newMetricsPage("9464", dgram.MustParseEndpoint("[fe80::1%lo]:53"))
	if err != nil || p.url.Host != "[fe80::1%lo]:9464" {
		t.Errorf("%v %v", p, err)
	}
}
