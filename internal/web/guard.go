package web

import (
	"mime"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strconv"
	"strings"
)

// A Guard decides which requests reach a handler.
type Guard struct {
	// Names are hosts, beside addresses of this machine and localhost, that requests may be addressed to: "metrics.example".
	Names []string
}

// refusal is why a request does not pass, "" if it does.
func (g Guard) refusal(r *http.Request) string {
	switch {
	case !g.knowsHost(r):
		return "this server does not answer to that name"
	case !sameOrigin(r):
		return "pages of other sites may not ask here"
	}
	return ""
}

// knowsHost compares what the request says that it is addressed to with where it came in. Whoever rebinds a name sends that name. An
// address of this machine can only be sent by who means this machine.
func (g Guard) knowsHost(r *http.Request) bool {
	local, _ := r.Context().Value(http.LocalAddrContextKey).(net.Addr)
	tcp, overTCP := local.(*net.TCPAddr)
	if !overTCP { // a unix socket, which no browser reaches
		return r.Host == "" || r.Host == "localhost"
	}
	host, port, err := net.SplitHostPort(r.Host)
	if err != nil {
		host, port = strings.TrimSuffix(strings.TrimPrefix(r.Host, "["), "]"), "80"
	}
	if slices.ContainsFunc(g.Names, func(name string) bool { return strings.EqualFold(name, host) }) {
		return true
	}
	if port != strconv.Itoa(tcp.Port) {
		return false
	}
	if strings.EqualFold(host, "localhost") {
		return tcp.IP.IsLoopback()
	}
	address, err := netip.ParseAddr(host)
	own, ok := netip.AddrFromSlice(tcp.IP)
	return err == nil && ok && address.Zone() == "" && address.Unmap() == own.Unmap()
}

// sameOrigin refuses what a page of another site has asked for. Browsers say where a request comes from in Origin (Fetch Standard,
// Section 3.2) and Sec-Fetch-Site (Fetch Metadata, Section 2.3); no page can leave them out or forge them. Programs send neither.
func sameOrigin(r *http.Request) bool {
	for _, site := range r.Header.Values("Sec-Fetch-Site") {
		if site != "same-origin" && site != "none" {
			return false
		}
	}
	for _, origin := range r.Header.Values("Origin") {
		if !strings.EqualFold(origin, "http://"+r.Host) {
			return false
		}
	}
	return true
}

// Routes are the pages behind a Guard. A path either reads or changes.
type Routes struct {
	guard Guard
	mux   *http.ServeMux
}

// NewRoutes returns no pages behind g.
func NewRoutes(g Guard) *Routes { return &Routes{guard: g, mux: http.NewServeMux()} }

// Read answers GET and HEAD of a path, and no other method. The handler changes nothing.
func (rs *Routes) Read(path string, h http.Handler) { rs.mux.Handle("GET "+path, h) }

// Change answers POST of a path with a body of JSON, and nothing else: not a form, which any page can send.
func (rs *Routes) Change(path string, h http.Handler) {
	rs.mux.HandleFunc("POST "+path, func(w http.ResponseWriter, r *http.Request) {
		if kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || kind != "application/json" {
			refuse(w, http.StatusUnsupportedMediaType, "send application/json")
			return
		}
		h.ServeHTTP(w, r)
	})
}

// mostBody is how much of a request's body is read.
const mostBody = 1 << 20

// ServeHTTP refuses, or passes the request on.
func (rs *Routes) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Referrer-Policy", "no-referrer")
	if why := rs.guard.refusal(r); why != "" {
		refuse(w, http.StatusForbidden, why)
		return
	}
	r.Body = http.MaxBytesReader(w, r.Body, mostBody)
	rs.mux.ServeHTTP(w, r)
}

func refuse(w http.ResponseWriter, code int, why string) {
	w.Header().Set("Connection", "close")
	http.Error(w, why, code)
}
