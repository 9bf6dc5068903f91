package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"dgram"
	"dgram/bench"
)

// The bounds of a page of metrics. That of a server with a hundred sockets has 150 kB.
const (
	longestPage  = 4 << 20
	pagePatience = 3 * time.Second
)

// metricsPage is where a server that is measured shows its counters.
type metricsPage struct {
	url    *url.URL
	client *http.Client
	peer   dgram.Endpoint // the server itself
}

// newMetricsPage reads what --server-metrics says: a URL, HOST:PORT, PORT on the server's host, or unix:PATH.
func newMetricsPage(text string, peer dgram.Endpoint) (*metricsPage, error) {
	// What is asked is the server, and nobody on the way to it; nothing that it says is followed.
	transport := &http.Transport{DisableKeepAlives: true, DisableCompression: true, MaxResponseHeaderBytes: 64 << 10}
	p := &metricsPage{peer: peer, client: &http.Client{Transport: transport, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}}
	if path, isUnix := strings.CutPrefix(text, "unix:"); isUnix && path != "" {
		transport.DialContext = func(ctx context.Context, _, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "unix", strings.TrimPrefix(path, "//"))
		}
		p.url = &url.URL{Scheme: "http", Host: "localhost", Path: "/metrics"}
		return p, nil
	}
	whole := text
	if _, err := strconv.ParseUint(text, 10, 16); err == nil {
		whole = net.JoinHostPort(hostOf(peer), text)
	}
	if !strings.Contains(whole, "://") {
		whole = "http://" + whole
	}
	at, err := url.Parse(whole)
	if err != nil || at.Scheme != "http" && at.Scheme != "https" || at.Hostname() == "" || whole != text && at.Port() == "" {
		return nil, fmt.Errorf("--server-metrics %q: give what `dgram serve --metrics` was given: PORT, HOST:PORT, http://HOST:PORT/metrics or unix:PATH", text)
	}
	if at.Path == "" || at.Path == "/" {
		at.Path = "/metrics"
	}
	p.url = at
	return p, nil
}

func hostOf(peer dgram.Endpoint) string {
	if a := peer.Addr(); a.IsValid() {
		return strings.Replace(a.String(), "%", "%25", 1) // RFC 6874, Section 2
	}
	return "127.0.0.1"
}

// counters asks the server for what it counted so far.
func (p *metricsPage) counters(ctx context.Context) (bench.ServerCounters, error) {
	c, err := p.ask(ctx)
	if err != nil {
		return c, fmt.Errorf("--server-metrics %s: %w", p.url.Redacted(), err)
	}
	return c, nil
}

func (p *metricsPage) ask(parent context.Context) (c bench.ServerCounters, err error) {
	ctx, cancel := context.WithTimeout(parent, pagePatience)
	defer cancel()
	text, err := p.fetch(ctx)
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		return c, fmt.Errorf("it took more than %v to answer", pagePatience)
	case errors.Is(err, syscall.ECONNREFUSED):
		return c, fmt.Errorf("nothing listens there: start the server with --metrics %s, or leave --server-metrics out", cmp.Or(p.url.Port(), "PORT"))
	case err != nil:
		return c, err
	}
	read, err := readPage(text)
	if err != nil {
		return c, fmt.Errorf("this is no page of `dgram serve --metrics`: %w", err)
	}
	return p.addUp(&read)
}

func (p *metricsPage) fetch(ctx context.Context) (string, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, p.url.String(), nil)
	if err != nil {
		return "", err
	}
	response, err := p.client.Do(request)
	if err != nil {
		var whole *url.Error
		if errors.As(err, &whole) {
			err = whole.Err // which page it was is said anyway
		}
		return "", clipped(err)
	}
	defer response.Body.Close()
	if err := refusedPage(response); err != nil {
		return "", err
	}
	text, err := io.ReadAll(io.LimitReader(response.Body, longestPage+1))
	if err != nil {
		return "", fmt.Errorf("read the page: %w", err)
	}
	if len(text) > longestPage {
		return "", fmt.Errorf("the page has more than %d bytes", longestPage)
	}
	return string(text), nil
}

// clipped is an error that may quote what a server sent, and then not all of it.
func clipped(err error) error {
	const longest = 200
	if text := err.Error(); len(text) > longest {
		return errors.New(strings.ToValidUTF8(text[:longest], "") + "…")
	}
	return err
}

// refusedPage says why an answer is not the page.
func refusedPage(r *http.Response) error {
	switch code := r.StatusCode; {
	case code == http.StatusOK:
		return nil
	case code == http.StatusForbidden:
		return errors.New("403 Forbidden: `dgram serve` answers to its address only: give that, or start it with --metrics-host NAME")
	case 300 <= code && code < 400:
		return fmt.Errorf("%d: it points to %.100q: give the right place itself", code, r.Header.Get("Location"))
	default:
		return fmt.Errorf("%d %s", code, http.StatusText(code))
	}
}

// addUp adds up the sockets that the server is asked at.
func (p *metricsPage) addUp(read *page) (c bench.ServerCounters, err error) {
	all := read.sockets()
	if len(all) == 0 {
		return c, fmt.Errorf("this is no page of `dgram serve --metrics`: there is no %s", receivedName)
	}
	chosen, which := p.choose(all)
	c = bench.ServerCounters{Source: p.url.Redacted() + which, Names: bench.CounterNames{Received: receivedName, Answered: answeredName, KernelDrops: kernelDropsName},
		Process: read.started, Sockets: len(chosen), Unanswered: map[string]uint64{}}
	told := 0
	for key, value := range read.values {
		if !slices.Contains(chosen, key.socket) {
			continue
		}
		switch key.name {
		case receivedName:
			c.Received += value
		case answeredName:
			c.Answered += value
		case ignoredName:
			c.Unanswered["ignored"] += value
		case droppedName:
			c.Unanswered["dropped: "+quotable(key.what)] += value
		case failedName:
			c.Unanswered["failed: "+quotable(key.what)] += value
		case pendingName:
			c.Unanswered["held"] += value
		case kernelDropsName:
			c.KernelDrops += value
			told++
		case atLeastName:
			c.KernelDropsAtLeast = c.KernelDropsAtLeast || value != 0
		}
	}
	c.KernelDropsKnown = told == len(chosen)
	return c, nil
}

// choose returns the sockets that are bound to the server's address, else to all addresses and its port; where the page has neither, an address was
// translated on the way, and all of them are meant.
func (p *metricsPage) choose(all []pageSocket) (chosen []pageSocket, which string) {
	var exact, wild []pageSocket
	for _, s := range all {
		at, err := dgram.ParseEndpoint(s.address)
		switch {
		case err != nil:
		case at == p.peer || at.Addr().IsValid() && at.Addr().Unmap() == p.peer.Addr().Unmap() && at.Port() == p.peer.Port():
			exact = append(exact, s)
		case at.Addr().IsUnspecified() && at.Port() == p.peer.Port():
			wild = append(wild, s)
		}
	}
	switch {
	case len(exact) > 0:
		return exact, ""
	case len(wild) > 0:
		return wild, ""
	case len(all) == 1:
		return all, fmt.Sprintf(", of its socket %.60s", quotable(all[0].address))
	}
	return all, fmt.Sprintf(", all %d sockets of it", len(all))
}

// quotable is a text from a page as it may stand in ours: a word, mostly.
func quotable(text string) string {
	const longest = 60
	if len(text) > longest || strings.ContainsFunc(text, func(r rune) bool { return !strconv.IsPrint(r) }) {
		return fmt.Sprintf("%.60q", text)
	}
	return text
}
