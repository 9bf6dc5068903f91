package main

import (
	"errors"
	"fmt"
	"maps"
	"net"
	"net/http"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/pflag"

	"dgram"
	"dgram/internal/web"
	"dgram/ledger"
	"dgram/server"
)

// metricsFlags say where the counters can be read.
type metricsFlags struct {
	place string
	open  bool
	hosts []string
}

func (f *metricsFlags) define(fs *pflag.FlagSet) {
	fs.StringVar(&f.place, "metrics", "", "show counters for Prometheus at http://`ADDRESS`/metrics, and /healthz and /readyz (docs/metrics.md): PORT, IP:PORT or unix:PATH")
	fs.BoolVar(&f.open, "metrics-open", false, "let --metrics be an address that other machines reach; nobody is asked for a password there")
	fs.StringArrayVar(&f.hosts, "metrics-host", nil, "answer requests to this `NAME` too, not only to localhost and the address itself; may be given several times")
}

// metrics is the HTTP side of a server; nil where there is none.
type metrics struct {
	flags    *metricsFlags
	listener net.Listener // nil while another server that is to be followed has the place
	delays   *delays
	web      *web.Server
}

// metrics opens the place of --metrics. Where a server that this one follows may still have it, it is opened by follow.
func (f *metricsFlags) metrics(follows bool) (*metrics, error) {
	if f.place == "" {
		if f.open || len(f.hosts) > 0 {
			return nil, errors.New("--metrics-open and --metrics-host go with --metrics ADDRESS")
		}
		return nil, nil
	}
	m := &metrics{flags: f, delays: new(delays)}
	if err := m.listen(); err != nil && !(follows && errors.Is(err, syscall.EADDRINUSE)) {
		return nil, err
	}
	return m, nil
}

func (m *metrics) listen() (err error) {
	m.listener, err = web.Listen(m.flags.place, m.flags.open)
	if errors.Is(err, web.ErrOpen) {
		return fmt.Errorf("--metrics %w: give 127.0.0.1, or say --metrics-open if that is meant", err)
	}
	if err != nil {
		return fmt.Errorf("--metrics: %w", err)
	}
	return nil
}

// follow opens the place that the server before has left by now, or soon does. Datagrams wait meanwhile, so it looks often.
func (m *metrics) follow() (err error) {
	for nap := time.Millisecond; nap < time.Second; nap += nap / 2 {
		if m == nil || m.listener != nil {
			return nil
		}
		if err = m.listen(); err != nil {
			time.Sleep(nap)
		}
	}
	return err
}

// folder is where the unix socket is removed at the end, "" if there is none.
func (m *metrics) folder() string {
	if m == nil || m.listener.Addr().Network() != "unix" {
		return ""
	}
	return filepath.Dir(m.listener.Addr().String())
}

// taps makes a server measure how long its answers take.
func (m *metrics) taps(cfg *server.Config) {
	if m == nil {
		return
	}
	cfg.Options.Timestamps = true
	others := cfg.Taps
	cfg.Taps = func(c dgram.Conn) []dgram.Tap { return append(others(c), newDelayTap(m.delays, c)) }
}

// serve begins to answer.
func (m *metrics) serve(srv *server.Server) {
	if m == nil {
		return
	}
	rs := web.NewRoutes(web.Guard{Names: m.flags.hosts})
	rs.Read("/metrics", http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", expositionType)
		_, _ = w.Write(m.page(srv)) // who asked may have gone
	}))
	rs.Read("/healthz", say(func() bool { return true }))
	rs.Read("/readyz", say(func() bool {
		select {
		case <-srv.Stopping():
			return false
		default:
			return true
		}
	}))
	m.web = web.Serve(m.listener, rs)
}

// say answers ok, or 503 (RFC 9110, Section 15.6.4).
func say(ok func() bool) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if !ok() {
			http.Error(w, "ending", http.StatusServiceUnavailable)
			return
		}
		fmt.Fprintln(w, "ok")
	})
}

func (m *metrics) close() {
	switch {
	case m == nil:
	case m.web != nil:
		_ = m.web.Close() // it ends with the process
	case m.listener != nil:
		_ = m.listener.Close()
	}
}

// page is what the server counts, at this moment. Nothing is counted for it: it asks the sockets' accounts.
func (m *metrics) page(srv *server.Server) []byte {
	var x exposition
	each := srv.Sockets()
	for _, c := range counters {
		x.family(c.name, c.kind, c.help)
		for i := range each {
			if c.told == nil || c.told(&each[i]) {
				x.sample(c.name, c.value(&each[i]), ofSocket(each, i)...)
			}
		}
	}
	x.tables(droppedName, "Datagrams received that were dropped on purpose, by reason.", "reason", each,
		func(s *ledger.Summary) map[string]uint64 { return s.Dropped })
	x.tables(failedName, "Datagrams received whose reply the system would not send, by errno.", "errno", each,
		func(s *ledger.Summary) map[string]uint64 { return s.Failed })
	m.delays.write(&x)
	x.build()
	x.process()
	return x.text
}

// ofSocket are the labels of a socket.
func ofSocket(each []ledger.Summary, i int) []string {
	return []string{"address", each[i].Local, "socket", strconv.Itoa(i)}
}

// tables adds a family with a label of its own, which come and go with what happens.
func (x *exposition) tables(name, help, label string, each []ledger.Summary, table func(*ledger.Summary) map[string]uint64) {
	begun := false
	for i := range each {
		counts := table(&each[i])
		for _, value := range slices.Sorted(maps.Keys(counts)) {
			if !begun {
				x.family(name, "counter", help)
				begun = true
			}
			x.sample(name, float64(counts[value]), append([]string{label, value}, ofSocket(each, i)...)...)
		}
	}
}

func (x *exposition) build() {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		info = new(debug.BuildInfo)
	}
	version, _, _ := strings.Cut(strings.TrimPrefix(describe(info), "dgram "), " ")
	x.one("dgram_build_info", "gauge", "Always 1; the labels say what runs.", 1, "goversion", info.GoVersion, "version", version)
}

// counter is one number of a socket's account.
type counter struct {
	name, kind, help string
	value            func(*ledger.Summary) float64
	told             func(*ledger.Summary) bool // nil: always
}

func count(name, help string, value func(*ledger.Summary) uint64) counter {
	return counter{name: name, kind: "counter", help: help, value: func(s *ledger.Summary) float64 { return float64(value(s)) }}
}

// The counters that dgram bench reads, too.
const (
	receivedName    = "dgram_received_datagrams_total"
	answeredName    = "dgram_answered_datagrams_total"
	ignoredName     = "dgram_ignored_datagrams_total"
	droppedName     = "dgram_dropped_datagrams_total"
	failedName      = "dgram_failed_datagrams_total"
	pendingName     = "dgram_pending_datagrams"
	kernelDropsName = "dgram_kernel_dropped_datagrams_total"
	atLeastName     = "dgram_kernel_drops_at_least"
	startedName     = "process_start_time_seconds"
)

var counters = []counter{
	count(receivedName, "Datagrams received.", func(s *ledger.Summary) uint64 { return s.Received }),
	count("dgram_received_bytes_total", "Payload bytes received.", func(s *ledger.Summary) uint64 { return s.ReceivedBytes }),
	count("dgram_sent_datagrams_total", "Datagrams that the system took for sending, extra copies included.", func(s *ledger.Summary) uint64 { return s.Sent }),
	count("dgram_sent_bytes_total", "Payload bytes sent.", func(s *ledger.Summary) uint64 { return s.SentBytes }),
	count(answeredName, "Datagrams received that were answered.", func(s *ledger.Summary) uint64 { return s.Answered }),
	count(ignoredName, "Datagrams received that wanted no reply.", func(s *ledger.Summary) uint64 { return s.Ignored }),
	count("dgram_truncated_datagrams_total", "Datagrams received that had lost their end.", func(s *ledger.Summary) uint64 { return s.Truncated }),
	count("dgram_notices_total", "Reports of the network on datagrams sent.", func(s *ledger.Summary) uint64 { return s.Notices }),
	count("dgram_receive_errors_total", "Times that receiving failed and was tried again.", func(s *ledger.Summary) uint64 { return s.ReceiveErrors }),
	count("dgram_copies_total", "Extra copies of replies sent.", func(s *ledger.Summary) uint64 { return s.Copies }),
	count("dgram_copies_failed_total", "Extra copies of replies that the system would not take.", func(s *ledger.Summary) uint64 { return s.CopiesFailed }),
	{name: kernelDropsName, kind: "counter", help: "Datagrams that the system dropped before they could be received, where it tells; see dgram_kernel_drops_at_least.",
		value: func(s *ledger.Summary) float64 { return float64(s.Drops.Count) }, told: func(s *ledger.Summary) bool { return s.Drops.Known }},
	{name: atLeastName, kind: "gauge", help: "1 where the system's drops may be more than are counted, or are not told at all.", value: func(s *ledger.Summary) float64 {
		if s.Drops.AtLeast || !s.Drops.Known {
			return 1
		}
		return 0
	}},
	{name: pendingName, kind: "gauge", help: "Datagrams that a handler or a delay holds.", value: func(s *ledger.Summary) float64 { return float64(s.Pending) }},
}
